"""aintandem, sections 4 and 9: messages between sandboxes in answers and on sockets, and agents that were discovered."""

from typing import Any

from shared.channels.sockets.frames import FRAME_BYTES
from shared.edge.contracts.aintandem import public_id
from shared.edge.contracts.base import Shape
from shared.edge.views.aintandem.failures import MESSAGE_DELIVERY_FAILED, Failure, failure
from shared.edge.views.aintandem.lines import frame
from shared.events import EventType
from shared.sandboxes.messages.discovering import Found
from shared.sandboxes.messages.reading import Answered, Page
from shared.sandboxes.messages.rows import DELIVERED, FAILED, Message, MessageHead


class SentMessage(Shape):
    """`approval` is an addition: `pending` if somebody must approve the message before it is delivered."""

    message_id: str
    status: str
    timestamp: str
    approval: str | None


class MessageSummary(Shape):
    """`requires_response` and what follows are additions."""

    message_id: str
    from_sandbox: str
    from_agent: str | None
    to_sandbox: str
    to_agent: str | None
    message_type: str
    content: Any
    status: str
    timestamp: str
    requires_response: bool
    priority: int
    timeout: int
    in_reply_to: str | None
    response_id: str | None
    broadcast_id: str | None
    collaboration_id: str | None
    approval: str | None
    reason: str | None
    error: Failure | None
    delivered_at: str | None
    responded_at: str | None


class ListMeta(Shape):
    """`next` is an addition: the `before` of the next page, null at the end."""

    total: int
    since: str | None
    next: str | None


class MessageList(Shape):
    messages: list[MessageSummary]
    meta: ListMeta


class ShownResponse(Shape):
    """`timestamp` and `status` are additions."""

    message_id: str
    content: Any
    status: str
    timestamp: str


class MessageDetails(MessageSummary):
    """`from_name` and what follows are additions: `number` is its place among the messages from this sender to this recipient, `tries` how
    often it was delivered since it was queued."""

    response: ShownResponse | None
    from_name: str
    number: int
    tries: int
    sent_at: str | None
    expires_at: str


class AgentMetrics(Shape):
    """`avg_response_time_ms` is null until the agent has answered a message."""

    messages_processed: int
    avg_response_time_ms: int | None


class DiscoveredAgent(Shape):
    """`sandbox_name` is an addition."""

    sandbox_id: str
    sandbox_name: str
    agent_name: str
    role: str | None
    capabilities: list[str]
    status: str
    metrics: AgentMetrics


class DiscoveredAgents(Shape):
    """`total` is an addition: how many match."""

    agents: list[DiscoveredAgent]
    total: int


def sent_message(message: MessageHead) -> SentMessage:
    return SentMessage(
        message_id=public_id("message", message.id),
        status=message.status,
        timestamp=message.created_at,
        approval=message.approval,
    )


def message_list(page: Page, since: str | None) -> MessageList:
    return MessageList.model_validate(
        {
            "messages": [_summary(one) for one in page.messages],
            "meta": {"total": page.total, "since": since, "next": place_of(page.next)},
        }
    )


def place_of(place: str | None, *, shown: bool = True) -> str | None:
    """Return a place in the list as a query has it (`#` begins a fragment there), or as the rows do."""
    return place and (place.replace("#", "~") if shown else place.replace("~", "#"))


def message_details(found: Answered) -> MessageDetails:
    message, response = found.message, found.response
    names = ("from_name", "number", "tries", "sent_at", "expires_at")
    return MessageDetails.model_validate(
        _summary(message)
        | {name: getattr(message, name) for name in names}
        | {"response": None if response is None else _response(response)}
    )


def _summary(message: Message) -> dict[str, Any]:
    names = ("from_agent", "to_agent", "message_type", "content", "status", "requires_response", "priority", "approval", "reason")
    return {
        **{name: getattr(message, name) for name in (*names, "delivered_at", "responded_at")},
        "message_id": public_id("message", message.id),
        "from_sandbox": public_id("sandbox", message.from_sandbox),
        "to_sandbox": public_id("sandbox", message.to_sandbox),
        "timestamp": message.created_at,
        "timeout": message.timeout_seconds,
        "in_reply_to": _shown("message", message.in_reply_to),
        "response_id": _shown("message", message.response_id),
        "broadcast_id": _shown("broadcast", message.broadcast_id),
        "collaboration_id": _shown("collaboration", message.collaboration_id),
        "error": failure(MESSAGE_DELIVERY_FAILED, message.reason) if message.status == FAILED else None,
    }


def _response(response: Message) -> dict[str, Any]:
    return {
        "message_id": public_id("message", response.id),
        "content": response.content,
        "status": response.status,
        "timestamp": response.created_at,
    }


def _shown(kind: str, bare: str | None) -> str | None:
    return public_id(kind, bare) if bare else None


def discovered(found: list[Found], total: int) -> DiscoveredAgents:
    return DiscoveredAgents.model_validate({"agents": [_agent(one) for one in found], "total": total})


def _agent(found: Found) -> dict[str, Any]:
    return {
        "sandbox_id": public_id("sandbox", found.sandbox.id),
        "sandbox_name": found.sandbox.name,
        "agent_name": found.agent["name"],
        "role": found.agent.get("role"),
        "capabilities": found.agent.get("capabilities") or [],
        "status": found.status,
        "metrics": {"messages_processed": found.processed, "avg_response_time_ms": found.response_ms},
    }


def message_event(kind: EventType, status: str, *, received: bool, answered: bool = False) -> str:
    """Return what the event of a message is called on the socket of its sender, or (`received`) of its recipient.

    The recipient has received a message when it has acknowledged it; before that it is queued for it.
    """
    if kind is EventType.SANDBOX_MESSAGE_BLOCKED:
        return "message_blocked"
    if kind is EventType.SANDBOX_MESSAGE_SENT:
        return "message_queued" if received else "message_sent"
    if answered:
        return "message_responded"
    return "message_received" if received and status == DELIVERED else f"message_{status}"


def message_frame(message: Message, event: str, at: str, event_id: str) -> str:
    """Return a message between sandboxes for the channel `messages`.

    A content that no socket's message holds is null there: it is read with `GET /messages/{message_id}`.
    """
    shown = _summary(message)
    names = ("message_id", "from_sandbox", "from_agent", "to_sandbox", "to_agent", "message_type", "content", "status")
    data = {
        name: shown[name] for name in (*names, "in_reply_to", "response_id", "collaboration_id", "approval", "reason", "error")
    }
    text = frame("messages", event, data, at, f"{at}#{event_id}")
    if len(text.encode()) > FRAME_BYTES:
        text = frame("messages", event, data | {"content": None, "content_omitted": True}, at, f"{at}#{event_id}")
    return text
