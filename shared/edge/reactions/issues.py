"""Tell GitHub of a card that is kept in step with an issue: its title, its text, whether it is done, and what is said of it; and try again
to complete the task of a merged pull request when it may be completed.

What happened at GitHub is not told to it; of what else was not changed by a person, the worker finds by the link that both sides agree.
"""

from shared.events import EventType
from shared.events.change import Change
from shared.source.repositories.messages import send
from shared.source.repositories.pulls import is_waited_for
from shared.source.repositories.rows import repository_id_of
from shared.source.repositories.work import ACTOR
from shared.work.comments.rows import Comment
from shared.work.items.rows import ItemHead

_FIELDS = frozenset({"title", "description", "status"})
_COMMENTS = frozenset({EventType.COMMENT_CREATED, EventType.COMMENT_UPDATED, EventType.COMMENT_DELETED})


def react(change: Change) -> None:
    if change.event.type is EventType.QUALITY_MEASURED:
        _complete_merged(change)
    elif change.event.actor["id"] == ACTOR:
        return
    elif change.event.type in _COMMENTS and change.kind == Comment.KIND:
        comment = change.after(Comment)
        if comment.issue:
            _send(change, {"comment": comment.id})
    elif change.kind == ItemHead.KIND and _FIELDS & change.event.changes.keys():
        card = change.after(ItemHead)
        if card.issue and not card.deleted_at:
            _send(change, {"card": card.id})


def _complete_merged(change: Change) -> None:
    """A metric may let a task pass its quality gates. What else may (a gate that was changed, a review) is tried by the job."""
    task_id = str(change.event.data["task_id"])
    if is_waited_for(task_id):
        _send(change, {"waiting": task_id})


def _send(change: Change, what: dict[str, str]) -> None:
    send({"repository": repository_id_of(str(change.proj_id))} | what, once=change.event.id)
