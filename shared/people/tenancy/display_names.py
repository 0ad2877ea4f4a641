"""Keep the names in workspace and organization memberships up to date. (Authors of comments and the like keep the name of that
time.)"""

from typing import Any

from shared.core.actor import Actor
from shared.core.errors import ConditionFailed
from shared.people.tenancy.rows import OrgMembership, Workspace, WorkspaceMembership
from shared.store import collection, fetch, update_now, update_with_retry


class _MemberLeft(ConditionFailed):
    """Not a member any more."""


def update_display_names(person: Actor) -> None:
    """Write a person's current name and picture into their memberships and the workspaces they own. One write each; a person
    belongs to at most 100 workspaces."""
    for listed in collection(1, f"USER#{person.id}#WSS"):
        membership = _rename_membership(WorkspaceMembership, listed.id, person, WorkspaceMembership.user.set(person.summary))
        if membership is not None and membership.role == "owner":
            _rename_owner(listed.id, person)
    for listed in collection(1, f"USER#{person.id}#ORGS"):
        _rename_membership(OrgMembership, listed.id, person, OrgMembership.name.set(person.name))


def _rename_membership(model: Any, container: str, person: Actor, action: Any) -> Any:
    """Rename a membership and return it; None if the person has left."""
    pk, sk = model.key_in(container, person.id)
    here = model.pk.exists() & model.deleted_at.does_not_exist()
    try:
        return model.decode(update_now(model(pk=pk, sk=sk), [action, model.version.add(1)], here, _MemberLeft))
    except _MemberLeft:
        return None


def _rename_owner(ws_id: str, person: Actor) -> None:
    def read() -> Workspace:
        workspace = fetch(Workspace, ws_id)
        if workspace is None:
            raise LookupError(f"workspace {ws_id} has an owner but no row")
        return workspace

    def change(workspace: Workspace) -> None:
        if workspace.owner["id"] == person.id:
            workspace.owner = person.summary

    update_with_retry(read, change)
