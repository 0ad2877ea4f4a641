"""How a message ends: delivered, failed or without an answer in time. Each change is one transaction with its event."""

from typing import Any

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.events import EventType, record
from shared.sandboxes.messages.line import leave_line
from shared.sandboxes.messages.rows import DELIVERED, FAILED, NEXT_LOOK, QUEUED, SENT, TIMEOUT, MessageHead
from shared.store import Operation, fetch, is_stale, save, write


def set_delivered(message: MessageHead) -> list[Operation]:
    """Note that the recipient has the message; return what else belongs into the transaction that writes it."""
    was_waiting = message.is_waiting
    message.delivered_at = clock.iso()
    message.reason = None
    message.due_at = clock.in_seconds(int(message.timeout_seconds)) if message.requires_response else None
    before, message.status = message.status, DELIVERED
    record_change(message, before)
    return leave_line(message) if was_waiting else []


def fail(message: MessageHead, reason: str) -> bool:
    """End a message that was not delivered: it is a dead letter. Return whether it was; False: somebody else was faster."""
    before, was_waiting = message.status, message.is_waiting
    message.status, message.reason, message.due_at = FAILED, reason, None
    record_change(message, before)
    return written(save(message), *(leave_line(message) if was_waiting else []))


def time_out(message: MessageHead) -> bool:
    """End the wait for the answer of a delivered message."""
    before, message.status, message.due_at = message.status, TIMEOUT, None
    message.reason = f"It was not answered within {int(message.timeout_seconds)} seconds"
    record_change(message, before)
    return written(save(message))


def put_back(message: MessageHead, seconds: int = NEXT_LOOK, *, counts: bool = True) -> bool:
    """Let a message wait on, to be looked at in so many seconds: its recipient cannot be reached now. `counts`: its last try was one."""
    message.status = QUEUED
    message.wait(seconds)
    message.tries = max(0, int(message.tries) - (0 if counts else 1))
    return written(save(message))


def claim(message: MessageHead) -> bool:
    """Take a message for a try of its delivery; False: another worker was faster."""
    message.tries = int(message.tries) + 1
    message.status, message.sent_at = SENT, clock.iso()
    message.due_at = clock.in_seconds(seconds_of_try(int(message.tries)))
    return written(save(message))


def seconds_of_try(number: int) -> int:
    """Return how long the acknowledgement of a try is waited for: 2, 4, 8 seconds."""
    return int(2**number)


def record_change(message: MessageHead, before: str, **data: Any) -> None:
    """Record the event of a changed status."""
    changes = {"status": [before, message.status]}
    about = {"from_sandbox": message.from_sandbox, "to_sandbox": message.to_sandbox, "reason": message.reason}
    record(message, EventType.SANDBOX_MESSAGE_CHANGED, SYSTEM, changes=changes, **about, **data)


def written(*operations: Operation) -> bool:
    """Write, and return whether nobody else was faster."""
    try:
        write(*operations)
    except Exception as error:
        if not is_stale(error):
            raise
        return False
    return True


def fetch_head(message_id: str) -> MessageHead | None:
    return fetch(MessageHead, message_id)
