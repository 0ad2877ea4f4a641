"""A documented WebSocket endpoint: its path, and its functions for connecting and for messages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.channels.sockets.rows import Connection
from shared.core import strict_json
from shared.core.actor import Actor
from shared.core.errors import CadreError, Invalid, Malformed, TooLarge
from shared.core.limits import RateRule
from shared.edge.contracts import contract as get_contract
from shared.edge.contracts.base import Contract
from shared.edge.contracts.field_errors import to_field_errors
from shared.people.access import liveness
from shared.people.access.tokens import Claims

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


def _may_listen(connection: Connection) -> bool:
    return liveness.may_listen(connection.user_id, connection.session_id, connection.ws_id)


@dataclass(frozen=True)
class Endpoint:
    """`name` is `<contract>.<what>`. Without `connect` the endpoint refuses: it is documented, but not served yet."""

    name: str
    path: str
    connect: Callable[[ConnectRequest], None] | None = None
    message: Callable[[Connection, str], None] | None = None
    refuse: Callable[[Connection, CadreError], None] | None = None
    """Tell the client of an error."""
    connect_sandbox: Callable[[str, Claims, Mapping[str, str]], None] | None = None
    """Connect a sandbox by its token, at this path too; its messages go to the endpoint that its connection names."""
    leave: Callable[[Connection], None] | None = None
    """What is done when a client has left, before its rows are deleted."""
    may_send: Callable[[Connection], bool] = _may_listen
    """Whether a client may still be here, asked at each of its messages."""
    messages: RateRule | None = None
    """Messages of one connection in a time; None: `MESSAGES`."""
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


def new_connection(request: ConnectRequest, endpoint: Endpoint, **attributes: Any) -> Connection:
    """Return the row of a person's connection to an endpoint, with these attributes beside."""
    return Connection.new(
        request.connection_id,
        request.actor.id,
        contract=endpoint.contract,
        endpoint=endpoint.name,
        session_id=str(request.actor.session_id),
        org_id=request.actor.org_id,
        **attributes,
    )


def read_object(text: str, kind: str, max_bytes: int = MAX_MESSAGE_BYTES) -> dict[str, Any]:
    """Return a message of a client, whose field `kind` says what it is. Raises TooLarge and Malformed."""
    if len(text.encode()) > max_bytes:
        raise TooLarge(max_bytes)
    try:
        message = strict_json.parse(text, "The message")
    except ValueError as error:
        raise Malformed(str(error)) from None
    if not isinstance(message, dict):
        raise Malformed(f"A message is a JSON object with {'an' if kind[0] in 'aeiou' else 'a'} `{kind}`")
    return message


def read_message(text: str, kind: str, messages: TypeAdapter[Any], max_bytes: int = MAX_MESSAGE_BYTES) -> Any:
    """Return a message of a client as one of its documented shapes. Raises TooLarge, Malformed and Invalid."""
    try:
        return messages.validate_python(read_object(text, kind, max_bytes))
    except ValidationError as error:
        # as of a request's body: pydantic puts the message's kind where requests have `body`
        issues = [{**one, "loc": ("body", *(one["loc"][1:] or (kind,)))} for one in error.errors(include_url=False)]
        raise Invalid(*to_field_errors(issues)) from None


def contract_or_default(name: str) -> Contract:
    """Return the contract with this name, or agentworks for an unknown name."""
    try:
        return get_contract(name)
    except LookupError:
        return get_contract("agentworks")
