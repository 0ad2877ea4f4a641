"""The messages to a connection: texts that the transport does not read, and the protocol by which a contract renders them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

FRAME_BYTES = 28_000  # API Gateway counts 32 KB as one message


@dataclass(frozen=True)
class Frame:
    """One message as text. `facets` are the values that a listener's filters are compared with, by the filter's name. `costs`: it shows
    what was spent, which not everybody in a workspace may see."""

    text: str
    facets: Mapping[str, str] = field(default_factory=dict)
    costs: bool = False

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}


class SocketContract(Protocol):
    """How a contract renders messages on delivery. Passed by the caller: the edge knows the contracts, the sockets do not."""

    def lines(self, texts: Sequence[str]) -> Iterable[str]:
        """Return messages with new log entries; each text is one entry as JSON."""

    def notice(self, kind: str, about: Mapping[str, Any]) -> Iterable[str]:
        """Return messages with news that have no event: a run's status."""


def compact(message: Any) -> str:
    """Return a message as JSON text without spaces. Raises ValueError for NaN and Infinity, which no JSON has."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def packed(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts in their order, in groups of at most 28 KB; a longer text is a group of its own."""
    group: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode()) + 1
        if group and size + length > FRAME_BYTES:
            yield group
            group, size = [], 0
        group.append(text)
        size += length
    if group:
        yield group
