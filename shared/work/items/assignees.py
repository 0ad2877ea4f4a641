"""Assignees of a card: the members of its workspace."""

from shared.core.actor import Actor
from shared.core.errors import FieldError, Invalid
from shared.core.ids import bare_id
from shared.people.tenancy.rows import WorkspaceMembership
from shared.store import get


def member_summary(actor: Actor, ws_id: str, user_id: str) -> dict[str, str]:
    """Return the summary of a member that rows store. Raises Invalid for other users. One read, none for the actor's own id."""
    user_id = bare_id(user_id)
    if user_id == actor.id and actor.kind == "user":
        return actor.summary
    membership = get(WorkspaceMembership, *WorkspaceMembership.key_in(ws_id, user_id))
    if membership is None or membership.deleted_at:
        raise Invalid(FieldError("assignee_id", "Not a member of this workspace", user_id))
    summary: dict[str, str] = membership.user
    return summary
