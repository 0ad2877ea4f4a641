"""Revive a message that has failed; decide on one that waits for an approval."""

from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, Forbidden
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.line import enter_line
from shared.sandboxes.messages.rows import (
    APPROVED,
    BLOCKED,
    FAILED,
    FIRST_LOOK,
    PENDING,
    QUEUED,
    REJECTED,
    RESPONSE,
    TIMEOUT,
    MessageHead,
    Pair,
)
from shared.sandboxes.messages.sending import ask_policy
from shared.store import get_many, load, retrying, save, write


def retry_message(actor: Actor, message_id: str) -> MessageHead:
    """Send a message again that failed or was not answered in time; it goes to the end of the line. Three round trips.

    Raises NotFound, Forbidden (also if the policy forbids it by now), Conflict, LimitExceeded.
    """

    def attempt(number: int) -> MessageHead:
        message = load(MessageHead, message_id, actor, Permission.AGENT_RUN)
        if message.status not in (FAILED, TIMEOUT) or message.approval in (BLOCKED, REJECTED):
            reason = f"Only a message that failed or was not answered can be sent again; this one is {_shown(message)}"
            raise Conflict(Situation.MESSAGE_STATUS, reason, {"status": message.status})
        if message.response_id:
            raise Conflict(Situation.MESSAGE_STATUS, "This message was answered", {"status": message.status})
        keys: list[Any] = [(Workspace, *Workspace.key(str(message.ws_id)))]
        keys += [(Sandbox, *Sandbox.key(one)) for one in (message.from_sandbox, message.to_sandbox)]
        workspace, sender, recipient, pair = get_many([*keys, (Pair, f"PAIR#{message.from_sandbox}", message.to_sandbox)])
        if not isinstance(recipient, Sandbox) or recipient.deleted_at or not isinstance(workspace, Workspace):
            raise Conflict(Situation.SANDBOX_STATUS, "The recipient was deleted")
        if isinstance(sender, Sandbox) and message.message_type != RESPONSE and sender.id != recipient.id:
            decision = ask_policy(workspace, sender, recipient, message.message_type, actor)
            if not decision.allowed or (decision.approval and message.approval != APPROVED):
                raise Forbidden("The collaboration policy does not let this message through any more")
        return _enqueue(message, actor, pair if isinstance(pair, Pair) else None, number)

    return retrying(attempt)


def approve_message(actor: Actor, message_id: str) -> MessageHead:
    """Let a message through that waits for an approval: it gets its place in the line now. Three round trips.

    Raises NotFound, Forbidden, Conflict(MESSAGE_STATUS) if it does not wait for one, LimitExceeded.
    """

    def attempt(number: int) -> MessageHead:
        message = _load_pending(actor, message_id)
        pair = get_many([(Pair, f"PAIR#{message.from_sandbox}", message.to_sandbox)])[0]
        message.approval = APPROVED
        return _enqueue(message, actor, pair if isinstance(pair, Pair) else None, number)

    return retrying(attempt)


def reject_message(actor: Actor, message_id: str, reason: str | None = None) -> MessageHead:
    """Refuse a message that waits for an approval: it has failed. Two round trips. Raises as `approve_message` does."""

    def attempt(_: int) -> MessageHead:
        message = _load_pending(actor, message_id)
        before, message.status, message.approval = message.status, FAILED, REJECTED
        message.due_at, message.reason = None, f"Rejected: {reason}" if reason else "Rejected"
        _record(message, actor, before)
        write(save(message))
        return message

    return retrying(attempt)


def _load_pending(actor: Actor, message_id: str) -> MessageHead:
    message = load(MessageHead, message_id, actor, Permission.RUN_APPROVE)
    if message.approval != PENDING or message.status != QUEUED:
        raise Conflict(Situation.MESSAGE_STATUS, "This message does not wait for an approval", {"status": message.status})
    return message


def _enqueue(message: MessageHead, actor: Actor, pair: Pair | None, attempt: int) -> MessageHead:
    """Write a message at the end of the line, as if it was sent now."""
    place = enter_line(message, pair, attempt)
    before, message.status, message.tries, message.reason = message.status, QUEUED, 0, None
    message.expires_at = clock.in_seconds(int(message.ttl_seconds))
    message.sent_at, message.delivered_at = None, None
    message.wait(FIRST_LOOK)
    _record(message, actor, before)
    write(save(message), *place)
    return message


def _record(message: MessageHead, actor: Actor, before: str) -> None:
    changes = {"status": [before, message.status]}
    about = {"from_sandbox": message.from_sandbox, "to_sandbox": message.to_sandbox, "approval": message.approval}
    record(message, EventType.SANDBOX_MESSAGE_CHANGED, actor, changes=changes, reason=message.reason, **about)


def _shown(message: MessageHead) -> str:
    return str(message.approval if message.approval in (BLOCKED, REJECTED) else message.status)
