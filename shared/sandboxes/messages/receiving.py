"""What a recipient says of a message: that it has it, and what it answers. Both may be said twice."""

from dataclasses import replace
from typing import Any

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.sandboxes.lifecycle.identity import actor_of
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.rows import DELIVERED, FAILED, RESPONSE, SENT, TIMEOUT, MessageHead, Pair
from shared.sandboxes.messages.sending import NewMessage, draft_message, own_sandbox, post
from shared.sandboxes.messages.settling import record_change, set_delivered
from shared.sandboxes.messages.wakes import wake_at_once
from shared.store import Operation, get_many, id_of, retrying, save, write


def acknowledge(sandbox_id: str, message_id: str) -> MessageHead:
    """Note that a sandbox has a message that was sent to it; the next one of the pair may follow. Two round trips.

    Once is as often as twice. Raises NotFound for another one's message.
    """
    key = (MessageHead, *MessageHead.key(id_of(MessageHead, message_id)))

    def attempt(_: int) -> MessageHead:
        message = get_many([key])[0]
        if not isinstance(message, MessageHead) or message.to_sandbox != sandbox_id:
            raise NotFound(MessageHead.NAME)
        if message.is_waiting or _is_late(message):
            further = set_delivered(message)
            write(save(message), *further)
        return message

    return retrying(attempt, times=10)


def _is_late(message: MessageHead) -> bool:
    """Tell whether a message failed although its recipient has it: its acknowledgement came too late."""
    return message.status == FAILED and bool(message.sent_at) and message.approval in (None, "approved")


def respond(sandbox_id: str, message_id: str, in_reply_to: str, from_agent: str | None, content: Any) -> MessageHead:
    """Answer a message that was sent to a sandbox, with an id that the sandbox has made: it is answered once, however often it is said.

    Three round trips. Raises NotFound, Invalid, Conflict(MESSAGE_STATUS) if it has another answer, LimitExceeded.
    """
    sandbox = get_many([(Sandbox, *Sandbox.key(sandbox_id))])[0]
    if not isinstance(sandbox, Sandbox):
        raise NotFound(Sandbox.NAME)
    new = NewMessage("", RESPONSE, content, from_agent=from_agent, message_id=message_id, in_reply_to=in_reply_to)
    return send_response(actor_of(sandbox), sandbox_id, new)


def send_response(actor: Actor, sandbox_id: str, new: NewMessage) -> MessageHead:
    """Answer a message, as its recipient or for it: the answer goes back to its sender. It asks no policy. Three round trips.

    Raises NotFound, Forbidden, Invalid, Conflict(MESSAGE_STATUS) if it has another answer, LimitExceeded.
    """
    if new.in_reply_to is None:
        raise Invalid(FieldError("in_reply_to", "A response names the message that it answers"))
    asked_key = (MessageHead, *MessageHead.key(bare_id(new.in_reply_to)))
    keys: list[Any] = [(Sandbox, *Sandbox.key(id_of(Sandbox, sandbox_id))), asked_key]
    rows = get_many(keys)
    responder = own_sandbox(rows[0], actor)
    asked = _answerable(rows[1], responder, new)
    keys = [(Sandbox, *Sandbox.key(asked.from_sandbox)), (Pair, f"PAIR#{responder.id}", asked.from_sandbox)]
    if new.message_id:
        keys.append((MessageHead, *MessageHead.key(bare_id(new.message_id))))
    recipient, pair, *before = get_many(keys)
    if before and isinstance(before[0], MessageHead):
        return _said_before(before[0], responder, asked)
    _require_open(asked)
    if not isinstance(recipient, Sandbox) or (recipient.deleted_at and asked.collaboration_id is None):
        raise Conflict(
            Situation.SANDBOX_STATUS, "The sandbox that asked was deleted"
        )  # in a collaboration others need the answer too
    answer = replace(new, to_agent=asked.from_agent, in_reply_to=asked.id, depth=int(asked.depth))
    answer = replace(answer, requires_response=False, collaboration_id=asked.collaboration_id)
    draft = draft_message(actor, responder, recipient, answer, strict=False)  # its agents may have changed since it was asked
    response_id = draft().id

    def note_on_asked() -> list[Operation]:
        current = get_many([asked_key])[0]
        if not isinstance(current, MessageHead):
            raise NotFound(MessageHead.NAME)
        _require_open(current)
        return _note_answer(current, response_id)

    said = post(draft, actor, pair if isinstance(pair, Pair) else None, note_on_asked)
    wake_at_once(said)
    return said


def _answerable(row: Any, responder: Sandbox, new: NewMessage) -> MessageHead:
    """Return the message that is answered. Raises Invalid unless it was sent to the one who answers, by the one who is named."""
    wrong = None
    if not isinstance(row, MessageHead) or row.to_sandbox != responder.id or row.message_type == RESPONSE:
        wrong = FieldError("in_reply_to", "This sandbox was not asked such a message", new.in_reply_to)
    elif row.approval not in (None, "approved"):
        wrong = FieldError("in_reply_to", "This message has not reached the sandbox", new.in_reply_to)
    elif new.to and new.to.casefold() not in (row.from_name.casefold(), row.from_sandbox, f"sb_{row.from_sandbox}"):
        wrong = FieldError("to_sandbox", "A response goes to the sandbox that has asked", new.to)
    if wrong is not None:
        raise Invalid(wrong)
    assert isinstance(row, MessageHead)  # noqa: S101  # told above
    return row


def _said_before(said: MessageHead, responder: Sandbox, asked: MessageHead) -> MessageHead:
    if said.from_sandbox != responder.id or said.in_reply_to != asked.id:
        raise Conflict(Situation.MESSAGE_STATUS, "This message_id was used before")
    return said


def _require_open(asked: MessageHead) -> None:
    if asked.response_id is not None:
        raise Conflict(Situation.MESSAGE_STATUS, "This message was answered before")


def _note_answer(asked: MessageHead, response_id: str) -> list[Operation]:
    """Note on a message that it was answered, in the transaction that writes the answer: whoever answers has it."""
    before, now = asked.status, clock.iso()
    further = set_delivered(asked) if before in (FAILED, SENT, "queued") else []
    asked.response_id, asked.responded_at, asked.due_at = response_id, now, None
    if asked.status == TIMEOUT:
        asked.reason = f"It was answered late, after more than {int(asked.timeout_seconds)} seconds"
    begun = asked.delivered_at if before in (DELIVERED, TIMEOUT) else asked.sent_at  # an acknowledgement may be lost
    record_change(asked, before, response_id=response_id, answer_ms=_milliseconds(begun or now, now))
    return [save(asked), *further]


def _milliseconds(begin: str, end: str) -> int:
    return max(0, round((clock.parse(end) - clock.parse(begin)).total_seconds() * 1000))
