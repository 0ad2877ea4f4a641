"""Deliver what is due for a sandbox: of each sender the message that is first in its line, those of the highest priority first.

A message is posted to the connection of its recipient and stays in the line until it is acknowledged. One that is not acknowledged in time
is posted again, three times in all. Every step is a condition on the message's version, so any number of workers may do it at once.
"""

from collections.abc import Sequence
from typing import Any, Final

from shared.channels.sockets.client import GONE, SENT, socket_client
from shared.core import clock
from shared.core.texts import write_json
from shared.sandboxes.lifecycle.living import wake_up
from shared.sandboxes.lifecycle.rows import ASLEEP, RUNNING, Link, Sandbox
from shared.sandboxes.messages import rows as words
from shared.sandboxes.messages.line import first_of_each
from shared.sandboxes.messages.rows import DUE, IN_FLIGHT, MAX_TRIES, QUEUED, Message, MessageHead
from shared.sandboxes.messages.settling import claim, fail, put_back, seconds_of_try, time_out
from shared.sandboxes.messages.wakes import wake
from shared.store import fetch, fetch_all, get_many, iterate_shards, process_all

FRAME_BYTES: Final = 90_000
"""A longer message is posted without its content, and the sandbox fetches it: a frame of API Gateway has 128 KB at most."""
AGAIN_AFTER: Final = 30
"""Seconds after which a message whose recipient is running and unreachable is looked at again, if nothing else wakes the worker."""


def deliver(sandbox_id: str) -> None:
    """Deliver what is due for a sandbox, and wake it if it is asleep."""
    sandbox, link = _ends(sandbox_id)
    lines = first_of_each(sandbox_id)
    if not lines:
        return
    firsts = fetch_all(MessageHead, [line.message_id for line in lines])
    waiting = [one for one in firsts if one.is_waiting]
    if sandbox is None or sandbox.deleted_at:
        for one in waiting:
            fail(one, "Its recipient was deleted")
        return
    due = [one for one in waiting if not _ended(one)]
    if sandbox.status == ASLEEP and due:
        wake_up(sandbox)
    if sandbox.status != RUNNING or link is None or not link.connection or link.start_number != sandbox.start_number:
        _let_wait(due)
        return
    _post(sandbox_id, str(link.connection), due)


def _ends(sandbox_id: str) -> tuple[Sandbox | None, Link | None]:
    sandbox, link = get_many([(Sandbox, *Sandbox.key(sandbox_id)), (Link, *Link.key(sandbox_id))])
    return sandbox if isinstance(sandbox, Sandbox) else None, link if isinstance(link, Link) else None


def _ended(message: MessageHead) -> bool:
    """End a message whose time is over, or which was tried in vain. Return whether it needs nothing more."""
    now = clock.iso()
    if message.status == words.SENT and str(message.due_at) > now:
        return False
    if message.status == words.SENT and int(message.tries) >= MAX_TRIES:
        return fail(message, f"It was not acknowledged, after {MAX_TRIES} tries") or True
    if message.expires_at <= now:
        return fail(message, f"It was not delivered within {int(message.ttl_seconds)} seconds") or True
    return False


def _is_in_flight(message: MessageHead) -> bool:
    return message.status == words.SENT and str(message.due_at) > clock.iso()


def _let_wait(messages: Sequence[MessageHead]) -> None:
    """Let messages wait for a recipient that cannot be reached: its own word that it is ready wakes the worker."""
    for one in messages:
        if not _is_in_flight(one) and (one.status != QUEUED or str(one.due_at) <= clock.iso()):
            put_back(one)


def _post(sandbox_id: str, connection: str, waiting: Sequence[MessageHead]) -> None:
    """Post as many messages as may be in flight, by priority and by age."""
    in_flight = sum(map(_is_in_flight, waiting))
    ready = sorted((one for one in waiting if not _is_in_flight(one)), key=lambda one: (-int(one.priority), one.created_at))
    chosen = {one.id: one for one in ready[: max(0, IN_FLIGHT - in_flight)]}
    contents = {one.id: one for one in fetch_all(Message, list(chosen))}
    claimed = [(one, contents[one.id]) for one in chosen.values() if one.id in contents and claim(one)]
    if not claimed:
        return
    result = socket_client().post(connection, *(frame(content) for _, content in claimed))
    unsent = [head for head, _ in claimed[len(claimed) - len(result.unsent) :]]
    if result.outcome != SENT:
        for head in unsent:  # the first of them may have arrived: it is known by its id
            put_back(head, AGAIN_AFTER, counts=False)
    sent = [head for head, _ in claimed[: len(claimed) - len(unsent)]]
    if sent:
        wake(sandbox_id, min(seconds_of_try(int(one.tries)) for one in sent))
    if unsent and result.outcome != GONE:
        wake(sandbox_id, 2)


def frame(message: Message) -> str:
    """Return the frame of a message for its recipient's own socket; of a long one only its id."""
    data = for_recipient(message)
    text = write_json({"event": "message", "data": data})
    if len(text.encode()) > FRAME_BYTES:
        return write_json({"event": "message", "data": {"message_id": data["message_id"], "by_reference": True}})
    return text


def for_recipient(message: Message) -> dict[str, Any]:
    """Return a message as its recipient gets it: with the ids that `GET /messages/{message_id}` shows too."""
    return {
        "message_id": f"msg_{message.id}",
        "from_sandbox": f"sb_{message.from_sandbox}",
        "from_name": message.from_name,
        "from_agent": message.from_agent,
        "to_agent": message.to_agent,
        "message_type": message.message_type,
        "content": message.content,
        "priority": int(message.priority),
        "requires_response": bool(message.requires_response),
        "timeout": int(message.timeout_seconds),
        "in_reply_to": f"msg_{message.in_reply_to}" if message.in_reply_to else None,
        "collaboration_id": f"col_{message.collaboration_id}" if message.collaboration_id else None,
        "number": int(message.number),
    }


def look_at(message_id: str) -> None:
    """Do what is due with a message: end its wait for an answer or for an approval, or try to deliver it."""
    message = fetch(MessageHead, message_id)
    if message is None or message.due_at is None or message.due_at > clock.iso():
        return
    if message.awaits_answer:
        time_out(message)
        return
    if message.status not in (QUEUED, words.SENT):
        return
    if message.expires_at <= clock.iso() and message.status == QUEUED:
        _ended(message)
        return
    deliver(message.to_sandbox)
    after = fetch(MessageHead, message_id)
    if after is not None and after.status == QUEUED and after.due_at is not None and after.due_at <= clock.iso():
        put_back(after)  # it stands behind another one, whose end wakes the worker


def deliver_due(until: float) -> int:
    """Look at every message that is due. Return how many there were. Stops at `until` (`time.monotonic`)."""
    rows = iterate_shards(MessageHead, DUE, until, index=4, between=("0", clock.iso()), limit=100)
    return process_all(DUE.name, rows, _look_at_row, lambda row: f"message {row.entity_id}")


def _look_at_row(row: MessageHead) -> int:
    look_at(row.entity_id)
    return 1
