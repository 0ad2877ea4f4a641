"""omoios: the events of threads, under the names of the original service."""

from collections.abc import Iterator
from typing import Any

from shared.events.change import Change
from shared.runs.threads.rows import HANDOFF, Message, Thread

Fields = tuple[str, str, str, dict[str, Any]]


def thread_created(change: Change) -> Iterator[Fields]:
    thread = change.after(Thread)
    if thread.type == HANDOFF and thread.task_id and len(thread.participants) > 1:
        yield "agent.handoff.requested", "thread", thread.id, _handoff(thread) | {"reason": thread.details.get("reason")}


def thread_closed(change: Change) -> Iterator[Fields]:
    thread, outcome = change.after(Thread), change.event.data.get("outcome")
    if outcome in ("accepted", "declined"):
        yield f"agent.handoff.{outcome}", "thread", thread.id, _handoff(thread)


def _handoff(thread: Thread) -> dict[str, Any]:
    giver, taker = thread.participants[:2]
    return {
        "thread_id": thread.id,
        "task_id": thread.task_id,
        "ticket_id": thread.item_id,
        "from_agent_id": giver,
        "to_agent_id": taker,
    }


def message_sent(change: Change) -> Iterator[Fields]:
    message = change.after(Message)
    payload = {
        "message_id": message.id,
        "thread_id": message.thread_id,
        "from_agent_id": message.from_agent_id,
        "to_agent_id": message.to_agent_id,
        "message_type": message.message_type,
        "content": message.content,
    }
    yield "agent.message.sent", "thread", message.thread_id, payload
