"""aintandem, section 4 and discovery: messages between sandboxes, and who is there to send them to."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.core import clock
from shared.core.actor import Permission
from shared.core.ids import bare_id, is_id
from shared.core.situations import Situation
from shared.core.texts import write_json
from shared.edge.contracts.aintandem import AINTANDEM, public_id
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Date, Form, Offset, OneLine, Seen
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.aintandem.messages import (
    DiscoveredAgents,
    MessageDetails,
    MessageList,
    SentMessage,
    discovered,
    message_details,
    message_list,
    place_of,
    sent_message,
)
from shared.sandboxes.messages import broadcasting, changing, discovering, reading, receiving, sending
from shared.sandboxes.messages.rows import RESPONSE

routes = Routes(AINTANDEM, "messaging", rate_class="message")
CONTENT_BYTES = 200_000  # of the JSON of a message: its row in DynamoDB has 400 KB at most
BROADCAST_BYTES = 16_000  # each recipient has a copy
SENDS: dict[str, Any] = {"status": 202, "permission": Permission.AGENT_RUN}
NOT_SENT = (Situation.SANDBOX_STATUS, Situation.MESSAGE_STATUS, Situation.LIMIT_REACHED)
DECIDES: dict[str, Any] = {"permission": Permission.RUN_APPROVE, "addition": True, "errors": (Situation.MESSAGE_STATUS,)}


def _at_most(size: int) -> AfterValidator:
    def check(value: Any) -> Any:
        if value is None:
            raise ValueError("A message has a content")
        if len(write_json(value).encode()) > size:
            raise ValueError(f"Should have at most {size:,} bytes as JSON")
        return value

    return AfterValidator(check)


def _id(value: str) -> str:
    bare = bare_id(value)
    if not is_id(bare):
        raise ValueError("Should be a UUID, with or without the prefix msg_")
    return bare


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
Id = Annotated[str, Field(max_length=64), AfterValidator(_id)]
Priority = Annotated[int, Field(ge=0, le=9)]
Seconds = Annotated[int, Field(ge=1, le=300)]
TimeToLive = Annotated[int, Field(ge=1, le=604_800)]
Place = Annotated[str, Form(r"^[0-9TZ:.-]{10,30}~[0-9a-f-]{36}$", "Should be the `next` of the page before")]


class SendMessage(Request):
    """`to_sandbox` is the id or the name of a sandbox of the workspace, `timeout` the seconds from its delivery to its answer.

    `ttl` (seconds until it must be delivered), `from_agent`, `message_id` (of the sender's own making: it is sent once) and `in_reply_to`
    are additions. A response needs `in_reply_to`; in another message it names the one that it follows from. Without `requires_response`
    a request asks for one. Without agents, the primary ones are meant.
    """

    to_sandbox: Line
    to_agent: Line | None = None
    message_type: Literal["request", "response", "notification", "command"] = "request"
    content: Annotated[Any, _at_most(CONTENT_BYTES)]
    priority: Priority = 5
    requires_response: bool | None = None
    timeout: Seconds = 30
    ttl: TimeToLive = sending.TTL
    from_agent: Line | None = None
    message_id: Id | None = None
    in_reply_to: Id | None = None


class BroadcastMessage(Request):
    """`from_agent` and `ttl` (seconds until it must be delivered) are additions."""

    from_sandbox: Line
    message_type: Literal["notification", "command"] = "notification"
    content: Annotated[Any, _at_most(BROADCAST_BYTES)]
    priority: Priority = 5
    ttl: TimeToLive = sending.TTL
    from_agent: Line | None = None


class RejectMessage(Request):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), Seen] | None = None


class SentBroadcast(Shape):
    """`blocked` is an addition: the sandboxes that the collaboration policy keeps it from."""

    broadcast_id: str
    recipients: list[str]
    blocked: list[str]
    timestamp: str


@routes.post("/sandboxes/{sandbox_id}/messages", "messages.send", errors=NOT_SENT, for_sandboxes=True, **SENDS)
async def send(sandbox_id: str, body: SendMessage, caller: Caller) -> SentMessage:
    """Send a message from a sandbox to another one of its workspace. What the collaboration policy forbids is refused with 403.

    Of messages whose content has more than 16,000 bytes one sender has 200 in an hour, and 20 messages follow from one another at most.
    """
    new = sending.NewMessage(
        body.to_sandbox,
        body.message_type,
        body.content,
        body.to_agent,
        body.from_agent,
        body.priority,
        body.requires_response,
        body.timeout,
        body.ttl,
        body.message_id,
        body.in_reply_to,
    )
    sending.count_message(caller, new)
    service = receiving.send_response if body.message_type == RESPONSE else sending.send_message
    return sent_message(service(caller, sandbox_id, new))


@routes.post("/workspaces/{workspace_id}/broadcast", "messages.broadcast", errors=(Situation.LIMIT_REACHED,), **SENDS)
async def broadcast(workspace_id: str, body: BroadcastMessage, caller: Caller) -> SentBroadcast:
    """Send a message to every sandbox of a workspace that is not in error: each gets one of its own. A command needs the permission to
    configure agents."""
    new = broadcasting.NewBroadcast(body.from_sandbox, body.message_type, body.content, body.from_agent, body.priority, body.ttl)
    sent = broadcasting.broadcast_message(caller, workspace_id, new)
    return SentBroadcast(
        broadcast_id=public_id("broadcast", sent.broadcast.id),
        recipients=[public_id("sandbox", one["sandbox_id"]) for one in sent.broadcast.recipients],
        blocked=[public_id("sandbox", one) for one in sent.blocked],
        timestamp=sent.broadcast.created_at,
    )


@routes.get("/sandboxes/{sandbox_id}/messages", "messages.list", permission=Permission.WORKSPACE_READ)
async def list_messages(
    sandbox_id: str,
    caller: Caller,
    direction: Literal["sent", "received", "both"] = "both",
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
    since: Date | None = None,
    before: Place | None = None,
) -> MessageList:
    """List the messages of a sandbox, newest first. `total` counts those since `since`, up to 10,000 of each direction."""
    moment = clock.iso(clock.parse(since)) if since else None
    query = reading.MessageQuery(direction, limit, moment, place_of(before, shown=False))
    return message_list(reading.list_messages(caller, sandbox_id, query), moment)


@routes.get("/messages/{message_id}", "messages.get", permission=Permission.WORKSPACE_READ, for_sandboxes=True)
async def get_message(message_id: str, caller: Caller) -> MessageDetails:
    """A message, with its response if it has one."""
    return message_details(reading.get_message(caller, message_id))


@routes.post("/messages/{message_id}/retry", "messages.retry", errors=NOT_SENT, **SENDS)
async def retry(message_id: str, caller: Caller) -> SentMessage:
    """Send a message again that has failed or was not answered in time: it goes to the end of the line, with its time to live anew."""
    return sent_message(changing.retry_message(caller, message_id))


@routes.post("/messages/{message_id}/approve", "messages.approve", **DECIDES)
async def approve(message_id: str, caller: Caller) -> SentMessage:
    """Let a message through that the collaboration policy holds until somebody approves it."""
    return sent_message(changing.approve_message(caller, message_id))


@routes.post("/messages/{message_id}/reject", "messages.reject", **DECIDES)
async def reject(message_id: str, caller: Caller, body: RejectMessage | None = None) -> SentMessage:
    """Refuse a message that waits for an approval: it has failed."""
    return sent_message(changing.reject_message(caller, message_id, body.reason if body else None))


@routes.get("/workspaces/{workspace_id}/agents/discover", "agents.discover", permission=Permission.WORKSPACE_READ)
async def discover(
    workspace_id: str,
    caller: Caller,
    capability: Line | None = None,
    role: Line | None = None,
    sandbox_id: Line | None = None,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
    offset: Offset = 0,
) -> DiscoveredAgents:
    """Find agents of a workspace's sandboxes by a capability, by a part of their role, or by their sandbox: with how they stand now and
    how fast they have answered."""
    query = discovering.AgentQuery(capability, role, sandbox_id, limit, offset)
    return discovered(*discovering.discover_agents(caller, workspace_id, query))
