"""The connection of a sandbox itself, at `/ws/sandboxes/{sandbox_id}` with the sandbox's token.

Its messages have an `action`; what it is told has an `event`. What its token or its connection is not good for any more is not heard: a
sandbox that was started again has a new one.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from functions.ws.endpoint import Endpoint, read_message
from shared.channels.sockets.rows import Connection
from shared.core import clock
from shared.core.errors import CadreError
from shared.core.limits import RateRule
from shared.edge.contracts.aintandem import AINTANDEM
from shared.edge.contracts.base import Request
from shared.people.access.tokens import Claims
from shared.sandboxes.lifecycle.telling import post
from shared.sandboxes.links import connecting, hearing
from shared.sandboxes.logs.writing import Line
from shared.sandboxes.messages import receiving

MAX_BYTES = 32_768  # of a message: what API Gateway takes as one frame
MESSAGES = RateRule("messages", 900, 60)
"""Messages of a sandbox in a minute: an acknowledgement, an answer and lines of its log for each of the messages that it can work on."""
MessageId = Annotated[str, Field(min_length=1, max_length=64)]
Servers = Annotated[
    dict[Annotated[str, Field(max_length=100)], Literal["connected", "connecting", "error"]], Field(max_length=50)
]
Measure = Annotated[float, Field(ge=0, lt=1e12)] | None
Bytes = Annotated[int, Field(ge=0, lt=2**53)] | None


class Ready(Request):
    action: Literal["ready"]
    mcp_servers: Servers = {}
    agent_version: Annotated[str, Field(max_length=20)] = ""


class Usage(Request):
    cpu_percent: Measure = None
    memory_mb: Measure = None
    disk_mb: Measure = None
    network_in_bytes: Bytes = None
    network_out_bytes: Bytes = None
    processes: Annotated[int, Field(ge=0, lt=1_000_000)] | None = None


class Heartbeat(Request):
    action: Literal["heartbeat"]
    usage: Usage = Usage()
    busy: Annotated[list[MessageId], Field(max_length=100)] = []
    mcp_servers: Servers | None = None


class LogLine(Request):
    timestamp: Annotated[str, Field(max_length=40)]
    level: Literal["debug", "info", "warn", "warning", "error", "critical"] = "info"
    message: Annotated[str, Field(max_length=20_000)]


class Log(Request):
    action: Literal["log"]
    entries: Annotated[list[LogLine], Field(max_length=50)]


class Ack(Request):
    action: Literal["ack"]
    message_id: MessageId


class Respond(Request):
    action: Literal["respond"]
    message_id: MessageId
    in_reply_to: MessageId
    from_agent: Annotated[str, Field(max_length=100)] | None = None
    content: Any


class Ping(Request):
    action: Literal["ping"]


Said = Annotated[Ready | Heartbeat | Log | Ack | Respond | Ping, Field(discriminator="action")]
_SAID: TypeAdapter[Any] = TypeAdapter(Said)
_LEVELS = {"warning": "warn", "critical": "error"}


def _connect(connection_id: str, claims: Claims, path: Mapping[str, str]) -> None:
    connecting.connect(connection_id, claims, path["sandbox_id"])


def _on_message(connection: Connection, text: str) -> None:
    action = None
    try:
        said = read_message(text, "action", _SAID, MAX_BYTES)
        action = said.action
        _hear(connection, said)
    except CadreError as error:
        _tell_error(connection, error, action)


def _refuse(connection: Connection, error: CadreError) -> None:
    _tell_error(connection, error, None)


def _tell_error(connection: Connection, error: CadreError, action: str | None) -> None:
    problem = AINTANDEM.domain_problem(error)
    fields = "; ".join(f"{one.field}: {one.message}" for one in problem.fields)
    post(connection.id, "error", {"code": problem.code, "message": fields or problem.reason or problem.message, "action": action})


def _hear(connection: Connection, said: Any) -> None:
    match said:
        case Ready():
            hearing.ready(connection, said.mcp_servers)
        case Heartbeat():
            link = connecting.link_of(connection)
            if link is not None:
                hearing.heartbeat(connection, link, said.usage.model_dump(), said.busy, said.mcp_servers)
        case Log():
            hearing.log(connection, [_line(one) for one in said.entries])
        case Ack():
            receiving.acknowledge(connection.user_id, said.message_id)
            hearing.note_message(connection)
        case Respond():
            receiving.respond(connection.user_id, said.message_id, said.in_reply_to, said.from_agent, said.content)
            hearing.note_message(connection)
        case Ping():
            post(connection.id, "pong")


def _line(one: LogLine) -> Line:
    try:
        timestamp = clock.iso(clock.parse(one.timestamp))
    except ValueError:
        timestamp = clock.iso()
    return Line(timestamp, _LEVELS.get(one.level, one.level), one.message)


def _is_current(connection: Connection) -> bool:
    return connecting.link_of(connection) is not None


LINK = Endpoint(
    connecting.ENDPOINT,
    "/ws/sandboxes/{sandbox_id}",
    None,
    _on_message,
    _refuse,
    connect_sandbox=_connect,
    leave=connecting.leave,
    may_send=_is_current,
    messages=MESSAGES,
)
