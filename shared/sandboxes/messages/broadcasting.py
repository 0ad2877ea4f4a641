"""A broadcast: one message for each sandbox of the workspace, the sender's own too, as the document shows its recipients.

The request writes whom it is for; the worker writes the messages, whose ids follow from the broadcast's, so it may begin again at any time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Forbidden, Invalid, LimitExceeded
from shared.core.ids import bare_id, derived_id, is_id, new_id
from shared.events import EventType, record
from shared.people.tenancy.rows import Workspace
from shared.people.tenancy.workspaces import authorize_workspace
from shared.sandboxes.configuration.policy import Decision
from shared.sandboxes.lifecycle.reading import begin_named
from shared.sandboxes.lifecycle.rows import ERROR, Sandbox
from shared.sandboxes.messages.rows import COMMAND, FAILED, PENDING, Broadcast, MessageHead, Pair
from shared.sandboxes.messages.sending import (
    SANDBOX,
    TTL,
    NewMessage,
    agent_of,
    ask_policy,
    draft_message,
    own_sandbox,
    post,
    record_sent,
    write_pending,
)
from shared.store import create, fetch, get_many, stale, write

_PART: Final = 30
"""Recipients whose rows are read at once: three for each."""


@dataclass(frozen=True)
class NewBroadcast:
    from_sandbox: str
    message_type: str
    content: Any
    from_agent: str | None = None
    priority: int = 5
    ttl_seconds: int = TTL


@dataclass(frozen=True)
class Sent:
    """A broadcast, and the ids of the sandboxes that the policy keeps it from."""

    broadcast: Broadcast
    blocked: list[str]


def broadcast_message(actor: Actor, ws_id: str, new: NewBroadcast) -> Sent:
    """Send a message to every sandbox of a workspace that is not in error. Two round trips; the worker does the rest.

    Raises NotFound, Forbidden (also if the policy lets it reach nobody else), Invalid.
    """
    bare, sender_id = bare_id(ws_id), bare_id(new.from_sandbox)
    names = begin_named(bare)
    keys: list[Any] = [(Workspace, *Workspace.key(bare))]
    keys += [(Sandbox, *Sandbox.key(sender_id))] if is_id(sender_id) else []
    workspace, *found = get_many(keys)
    authorize_workspace(actor, ws_id, Permission.AGENT_CONFIGURE if _is_command(actor, new) else Permission.AGENT_RUN)
    living = [row for row in names if row.f["status"] != ERROR]
    if not isinstance(workspace, Workspace) or not found or not isinstance(found[0], Sandbox) or found[0].ws_id != bare:
        raise Invalid(FieldError("from_sandbox", "There is no sandbox with this id in the workspace", new.from_sandbox))
    sender = own_sandbox(found[0], actor)
    recipients, blocked = [], []
    for row in living:
        recipient = Sandbox.new(row.id, name=row.f["name"])
        said = ask_policy(workspace, sender, recipient, new.message_type, actor) if row.id != sender.id else Decision(True)
        if said.allowed:
            recipients.append({"sandbox_id": row.id, "approval": PENDING if said.approval else None})
        else:
            blocked.append(row.id)
    if blocked and all(one["sandbox_id"] == sender.id for one in recipients):
        raise Forbidden("The collaboration policy lets this broadcast reach no other sandbox")
    broadcast = Broadcast.new(
        new_id(),
        org_id=sender.org_id,
        ws_id=bare,
        from_sandbox=sender.id,
        from_name=sender.name,
        from_agent=agent_of(sender, new.from_agent, "from_agent"),
        message_type=new.message_type,
        content=new.content,
        priority=new.priority,
        ttl_seconds=new.ttl_seconds,
        recipients=recipients,
        sent_by=actor.summary,
    )
    about: dict[str, Any] = {"from_sandbox": sender.id, "message_type": new.message_type, "recipients": len(recipients)}
    record(broadcast, EventType.SANDBOX_BROADCAST, actor, blocked=blocked or None, **about)
    write(create(broadcast, stale))
    return Sent(broadcast, blocked)


def _is_command(actor: Actor, new: NewBroadcast) -> bool:
    return new.message_type == COMMAND and actor.kind != SANDBOX


def write_messages(broadcast_id: str, until: float) -> bool:
    """Write the messages of a broadcast that do not exist yet, until `until` (`time.monotonic`). Return whether none is missing."""
    broadcast = fetch(Broadcast, broadcast_id)
    if broadcast is None:
        return True
    sender = fetch(Sandbox, broadcast.from_sandbox)
    if sender is None:
        return True
    recipients = list(broadcast.recipients)
    for start in range(0, len(recipients), _PART):
        if start and time.monotonic() > until:
            return False
        _write_part(broadcast, sender, recipients[start : start + _PART])
    return True


def _write_part(broadcast: Broadcast, sender: Sandbox, part: Sequence[dict[str, Any]]) -> None:
    ids = [str(one["sandbox_id"]) for one in part]
    keys: list[Any] = [(MessageHead, *MessageHead.key(derived_id(broadcast.id, one))) for one in ids]
    keys += [(Sandbox, *Sandbox.key(one)) for one in ids] + [(Pair, f"PAIR#{sender.id}", one) for one in ids]
    rows = get_many(keys)
    number = len(ids)
    for place, about in enumerate(part):
        message, recipient, pair = rows[place], rows[number + place], rows[2 * number + place]
        if message is None and isinstance(recipient, Sandbox) and not recipient.deleted_at:
            _write_one(broadcast, sender, recipient, pair if isinstance(pair, Pair) else None, about["approval"])


def _write_one(broadcast: Broadcast, sender: Sandbox, recipient: Sandbox, pair: Pair | None, approval: str | None) -> None:
    said = broadcast.sent_by
    actor = Actor(id=said["id"], name=said["name"], kind=said["kind"], email=said.get("email", ""))
    new = NewMessage(
        recipient.id,
        broadcast.message_type,
        broadcast.content,
        from_agent=broadcast.from_agent,
        priority=int(broadcast.priority),
        requires_response=False,
        ttl_seconds=int(broadcast.ttl_seconds),
        message_id=derived_id(broadcast.id, recipient.id),
        broadcast_id=broadcast.id,
    )
    draft = draft_message(actor, sender, recipient, new, strict=False)  # its agents may have changed since it was sent
    if approval:
        write_pending(draft(), actor)
        return
    try:
        post(draft, actor, pair)
    except LimitExceeded as full:
        message = draft()
        message.status, message.reason, message.due_at = FAILED, full.message, None
        record_sent(message, actor)
        write(create(message, stale))
