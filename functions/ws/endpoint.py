"""One documented WebSocket endpoint: its path, what happens on connecting, what it does with a message."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.channels.sockets.rows import Connection
from shared.core.actor import Actor
from shared.edge.contracts import contract as contract_named
from shared.edge.contracts.base import Contract

MOST_BYTES = 16_384  # of a client's message; none of the documented ones comes near


@dataclass(frozen=True)
class Arrival:
    """Who connects, and with what: the path's variables and the query's values."""

    connection_id: str
    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, list[str]]


@dataclass(frozen=True)
class Endpoint:
    """`name` is `<contract>.<what>`. Without `connect` the endpoint refuses: it is documented, but not served yet."""

    name: str
    path: str
    connect: Callable[[Arrival], None] | None = None
    message: Callable[[Connection, str], None] | None = None
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(rf"(?:/{self.contract})?{pattern}/?"))

    @property
    def contract(self) -> str:
        return self.name.partition(".")[0]

    def match(self, path: str) -> dict[str, str] | None:
        """The path's variables. The shared edge's mount (`/agentworks/api/...`) may stand before it."""
        found = self.pattern.fullmatch(path)
        return found.groupdict() if found else None


def contract_of(name: str) -> Contract:
    try:
        return contract_named(name)
    except LookupError:
        return contract_named("agentworks")
