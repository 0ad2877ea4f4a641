"""Wake the worker that delivers messages between sandboxes: for a new message, for the next one of a line, for a sandbox that runs now."""

from shared.core import clock
from shared.events import EventType
from shared.events.change import Change
from shared.sandboxes.lifecycle.rows import RUNNING
from shared.sandboxes.messages.rows import IN_FLIGHT, PENDING, QUEUED, Line, MessageHead
from shared.sandboxes.messages.wakes import LONGEST_DELAY, wake, wake_for, wake_for_broadcast
from shared.store import fetch, query


def react(change: Change) -> None:
    if change.kind == MessageHead.KIND:
        _of_message(change)
    elif change.event.type is EventType.SANDBOX_BROADCAST:
        wake_for_broadcast(change.id)
    elif change.event.type is EventType.SANDBOX_DELETED or (
        change.event.type is EventType.SANDBOX_STATUS and change.status()[1] == RUNNING
    ):
        wake(change.id)


def _of_message(change: Change) -> None:
    message = change.after(MessageHead)
    if _still_waits(change, message) or (change.status()[0] is not None and _others_wait(message)):
        wake(message.to_sandbox)
    ends_at = message.expires_at if message.status == QUEUED else message.due_at if message.awaits_answer else None
    if ends_at is not None and (seconds := clock.seconds_between(clock.iso(), ends_at) + 1) <= LONGEST_DELAY:
        wake_for(change.id, max(0, seconds))  # what ends later is found by the job


def _still_waits(change: Change, message: MessageHead) -> bool:
    """Tell whether a message that was put into the line is there yet: who sends one wakes the worker too, and is faster."""
    if message.status != QUEUED or message.approval == PENDING:
        return False
    now = fetch(MessageHead, change.id)
    return now is not None and now.status == QUEUED


def _others_wait(message: MessageHead) -> bool:
    """Tell whether something may be delivered to its recipient now: the next one of its sender, or what no place was free for."""
    page = query(Line, Line.partition(message.to_sandbox), prefix=message.from_sandbox, limit=1, consistent=True)
    if page.rows:
        return True
    return len(query(Line, Line.partition(message.to_sandbox), limit=IN_FLIGHT, consistent=True).rows) == IN_FLIGHT
