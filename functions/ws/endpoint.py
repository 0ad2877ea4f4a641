"""A documented WebSocket endpoint: its path, and its functions for connecting and for messages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.channels.sockets.rows import Connection
from shared.core.actor import Actor
from shared.core.errors import CadreError
from shared.core.limits import RateRule
from shared.edge.contracts import contract as get_contract
from shared.edge.contracts.base import Contract

MAX_MESSAGE_BYTES = 16_384  # of a client's message; the documented messages are much smaller
MESSAGES = RateRule("messages", 120, 60)
"""Messages of one connection per minute. No document has a number; somebody who types a search sends fewer."""


@dataclass(frozen=True)
class ConnectRequest:
    """A request to connect: the caller, the path's variables and the query's values."""

    connection_id: str
    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, list[str]]


@dataclass(frozen=True)
class Endpoint:
    """`name` is `<contract>.<what>`. Without `connect` the endpoint refuses: it is documented, but not served yet."""

    name: str
    path: str
    connect: Callable[[ConnectRequest], None] | None = None
    message: Callable[[Connection, str], None] | None = None
    refuse: Callable[[Connection, CadreError], None] | None = None
    """Tell the client of an error."""
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(rf"(?:/{self.contract})?{pattern}/?"))

    @property
    def contract(self) -> str:
        return self.name.partition(".")[0]

    def match(self, path: str) -> dict[str, str] | None:
        """Return the path's variables; None if the path does not match. The edge's prefix (`/agentworks/api/...`) may stand
        before it."""
        match = self.pattern.fullmatch(path)
        return match.groupdict() if match else None


def contract_or_default(name: str) -> Contract:
    """Return the contract with this name, or agentworks for an unknown name."""
    try:
        return get_contract(name)
    except LookupError:
        return get_contract("agentworks")
