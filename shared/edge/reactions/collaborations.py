"""Wake the worker that moves collaborations on: by their own changes, by the messages in them, by members that are lost."""

from typing import Final

from shared.events import EventType
from shared.events.change import Change
from shared.sandboxes.collaborations.rows import Collaboration, active_of
from shared.sandboxes.collaborations.wakes import wake_collaboration
from shared.sandboxes.lifecycle.rows import ERROR, STOPPED, STOPPING, Sandbox
from shared.sandboxes.messages.rows import FAILED, TIMEOUT, MessageHead
from shared.store import index_rows

_AWAY: Final = (ERROR, STOPPING, STOPPED)


def react(change: Change) -> None:
    if change.kind == Collaboration.KIND:
        wake_collaboration(change.id)
    elif change.kind == MessageHead.KIND and "collaboration_id" in change.new:
        _of_message(change)
    elif change.kind == Sandbox.KIND and (
        change.event.type is EventType.SANDBOX_DELETED
        or (change.event.type is EventType.SANDBOX_STATUS and change.status()[1] in _AWAY)
    ):
        for row in index_rows(3, active_of(str(change.ws_id))):
            if change.id in row.f["members"]:
                wake_collaboration(row.id)


def _of_message(change: Change) -> None:
    """Wake for an ask that was answered or has failed, and for one that was sent: what asks may have ended meanwhile."""
    message = change.after(MessageHead)
    is_sent = change.event.type is EventType.SANDBOX_MESSAGE_SENT
    if message.in_reply_to is None and (is_sent or message.response_id or message.status in (FAILED, TIMEOUT)):
        wake_collaboration(str(message.collaboration_id))
