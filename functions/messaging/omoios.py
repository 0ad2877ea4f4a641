"""omoios: the original service's collaboration of agents: threads, messages and handoffs.

An agent has no token of its own: whoever may run agents in a workspace speaks for those of it.
"""

from typing import Annotated, Any

from fastapi import Query
from pydantic import AfterValidator, Field

from shared.core.actor import Permission
from shared.core.errors import FieldError, Invalid
from shared.core.situations import Situation
from shared.core.texts import write_json
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, Offset, OneLine, Seen
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.runs.threads import handoffs, talking
from shared.runs.threads.agents import agent_id_of
from shared.runs.threads.rows import MAX_PARTICIPANTS, STATUSES, TYPES
from shared.runs.threads.rows import Message as MessageRow
from shared.runs.threads.rows import Thread as ThreadRow

routes = Routes(OMOIOS, "messaging")
DETAILS_BYTES = 10_000  # of the JSON that clients may add to a thread, a message or a handoff
CLOSED = (Situation.THREAD_STATUS,)
ANSWERED = (Situation.THREAD_STATUS, Situation.TASK_STATUS, Situation.AGENT_STATUS, Situation.CARD_ARCHIVED)


def _short(value: dict[str, Any]) -> dict[str, Any]:
    if len(write_json(value).encode()) > DETAILS_BYTES:
        raise ValueError(f"Should have at most {DETAILS_BYTES:,} bytes as JSON")
    return value


AgentId = Annotated[str, Field(min_length=1, max_length=100), OneLine]
ThreadType = Annotated[str, Form(rf"^({'|'.join(TYPES)})$", f"Should be one of {', '.join(TYPES)}")]
Status = Annotated[str, Form(rf"^({'|'.join(STATUSES)})$", f"Should be one of {', '.join(STATUSES)}")]
Details = Annotated[dict[str, Any], AfterValidator(_short)]
Text = Annotated[str, Field(min_length=1, max_length=10_000), Seen]


class CreateThread(Request):
    """`participants` are ids of live agents, or ids or names of the platform's agents."""

    thread_type: ThreadType
    participants: Annotated[list[AgentId], Field(min_length=1, max_length=MAX_PARTICIPANTS)]
    ticket_id: Id | None = None
    task_id: Id | None = None
    thread_metadata: Details | None = None


class SendMessage(Request):
    """Without `to_agent_id` it is to all participants."""

    thread_id: Id
    from_agent_id: AgentId
    message_type: Annotated[str, Field(min_length=1, max_length=50), OneLine]
    content: Text
    to_agent_id: AgentId | None = None
    message_metadata: Details | None = None


class RequestHandoff(Request):
    from_agent_id: AgentId
    to_agent_id: AgentId
    task_id: Id
    reason: Text
    context: Details | None = None


class AcceptHandoff(Request):
    accepting_agent_id: AgentId | None = None
    message: Text | None = None


class DeclineHandoff(Request):
    declining_agent_id: AgentId | None = None
    reason: Text | None = None


class Thread(Shape):
    thread_id: str
    thread_type: str
    ticket_id: str | None
    task_id: str | None
    participants: list[str]
    status: str
    thread_metadata: dict[str, Any]
    created_at: str
    closed_at: str | None


class Message(Shape):
    """`read_at`: when it was read by whom it is to, or by the reader that was asked for; of a message to all by the caller."""

    message_id: str
    thread_id: str
    from_agent_id: str
    to_agent_id: str | None
    message_type: str
    content: str
    message_metadata: dict[str, Any]
    read_at: str | None
    created_at: str


class HandoffRequested(Shape):
    thread_id: str
    message_id: str


class HandoffAnswered(Thread, Message):
    """The message of the answer, with the thread that it has closed."""


def _thread_fields(row: ThreadRow) -> dict[str, Any]:
    return {
        "thread_id": row.id,
        "thread_type": row.type,
        "ticket_id": row.item_id,
        "task_id": row.task_id,
        "participants": row.participants,
        "status": row.status,
        "thread_metadata": row.details or {},
        "created_at": row.created_at,
        "closed_at": row.closed_at,
    }


def _message_fields(row: MessageRow, reader: str) -> dict[str, Any]:
    return {
        "message_id": row.id,
        "thread_id": row.thread_id,
        "from_agent_id": row.from_agent_id,
        "to_agent_id": row.to_agent_id,
        "message_type": row.message_type,
        "content": row.content,
        "message_metadata": row.details or {},
        "read_at": (row.read_by or {}).get(reader),
        "created_at": row.created_at,
    }


def _answered(thread: ThreadRow, message: MessageRow, caller_id: str) -> HandoffAnswered:
    return HandoffAnswered(**_thread_fields(thread) | _message_fields(message, message.reader(None, caller_id)))


@routes.post("/collaboration/threads", "threads.create", status=201, permission=Permission.CARD_EDIT)
async def create_thread(body: CreateThread, caller: Caller) -> Thread:
    """Begin a thread of agents, about a ticket or a task if one is named."""
    new = talking.NewThread(body.thread_type, body.participants, body.ticket_id, body.task_id, body.thread_metadata or {})
    return Thread(**_thread_fields(talking.create_thread(caller, new)))


@routes.get("/collaboration/threads", "threads.list", permission=Permission.CARD_READ)
async def list_threads(
    caller: Caller,
    call: ThisCall,
    agent_id: AgentId | None = None,
    ticket_id: Id | None = None,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Offset = 0,
) -> list[Thread]:
    """List threads, newest first: those of an agent, of a ticket, or of all the caller's workspaces. `X-Total-Count` has their number."""
    found, total = talking.list_threads(caller, agent_id=agent_id, item_id=ticket_id, status=status, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [Thread(**_thread_fields(one)) for one in found]


@routes.post("/collaboration/threads/{thread_id}/close", "threads.close", permission=Permission.CARD_EDIT, errors=CLOSED)
async def close_thread(thread_id: Id, caller: Caller) -> Thread:
    """Close a thread: nothing more is said in it. A handoff that is not answered is withdrawn."""
    return Thread(**_thread_fields(talking.close_thread(caller, thread_id)))


@routes.post("/collaboration/messages", "threads.send", status=201, permission=Permission.CARD_EDIT, errors=CLOSED)
async def send_message(body: SendMessage, caller: Caller) -> Message:
    """Send a message of an agent to another one in a thread, or to all in it."""
    new = talking.NewMessage(body.from_agent_id, body.message_type, body.content, body.to_agent_id, body.message_metadata or {})
    row = talking.send_message(caller, body.thread_id, new)
    return Message(**_message_fields(row, row.reader(None, caller.id)))


@routes.get("/collaboration/threads/{thread_id}/messages", "threads.messages", permission=Permission.CARD_READ)
async def list_messages(
    thread_id: Id,
    caller: Caller,
    call: ThisCall,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    unread_only: bool = False,
    agent_id: AgentId | None = None,
    offset: Offset = 0,
) -> list[Message]:
    """List the messages of a thread in their order; `X-Total-Count` has their number.

    `unread_only`: those that were not read by whom they are to, and of those to all what the caller has not read. With `agent_id`, an
    addition, what this agent should read and has not.
    """
    found, total = talking.list_messages(
        caller, thread_id, reader_id=agent_id, unread_only=unread_only, limit=limit, offset=offset
    )
    call.headers.append(("X-Total-Count", str(total)))
    reader = agent_id_of(agent_id) if agent_id else None
    return [Message(**_message_fields(one, one.reader(reader, caller.id))) for one in found]


@routes.post("/collaboration/messages/{message_id}/read", "threads.read", permission=Permission.CARD_EDIT)
async def read_message(message_id: Id, caller: Caller, agent_id: AgentId | None = None) -> Message:
    """Mark a message as read by whom it is to, or by the agent `agent_id`. Again it changes nothing."""
    row = talking.read_message(caller, message_id, agent_id)
    reader = agent_id_of(agent_id) if agent_id else None
    return Message(**_message_fields(row, row.reader(reader, caller.id)))


@routes.post(
    "/collaboration/handoff/request",
    "handoff.request",
    status=201,
    permission=Permission.CARD_EDIT,
    errors=(Situation.TASK_STATUS,),
)
async def request_handoff(body: RequestHandoff, caller: Caller) -> HandoffRequested:
    """Ask another agent to take over a task from the one that holds it."""
    thread, message = handoffs.request_handoff(
        caller, body.from_agent_id, body.to_agent_id, body.task_id, body.reason, body.context
    )
    return HandoffRequested(thread_id=thread.id, message_id=message.id)


@routes.post("/collaboration/handoff/{thread_id}/accept", "handoff.accept", permission=Permission.CARD_EDIT, errors=ANSWERED)
async def accept_handoff(
    thread_id: Id,
    caller: Caller,
    accepting_agent_id: AgentId | None = None,
    message: Text | None = None,
    body: AcceptHandoff | None = None,
) -> HandoffAnswered:
    """Accept a handoff: the agent that was asked holds the task from then on. What is asked for in the query may stand in the body."""
    said = body or AcceptHandoff()
    agent_id = _needed("accepting_agent_id", accepting_agent_id or said.accepting_agent_id)
    text = message or said.message or "Handoff accepted"
    return _answered(*handoffs.accept_handoff(caller, thread_id, agent_id, text), caller.id)


@routes.post("/collaboration/handoff/{thread_id}/decline", "handoff.decline", permission=Permission.CARD_EDIT, errors=CLOSED)
async def decline_handoff(
    thread_id: Id,
    caller: Caller,
    declining_agent_id: AgentId | None = None,
    reason: Text | None = None,
    body: DeclineHandoff | None = None,
) -> HandoffAnswered:
    """Decline a handoff: the task stays with its agent. What is asked for in the query may stand in the body."""
    said = body or DeclineHandoff()
    agent_id = _needed("declining_agent_id", declining_agent_id or said.declining_agent_id)
    text = _needed("reason", reason or said.reason)
    return _answered(*handoffs.decline_handoff(caller, thread_id, agent_id, text), caller.id)


def _needed(name: str, value: str | None) -> str:
    """Return a value that is needed, in the query or in the body. Raises Invalid without it."""
    if value is None:
        raise Invalid(FieldError(name, "Field required"))
    return value
