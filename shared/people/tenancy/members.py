"""The members of a workspace: roles, extra permissions, leaving, ownership.

To grant permissions needs `member:invite`, to take them away `member:remove`; nobody grants permissions that they do not have.
The owner changes only by a transfer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import GRANTABLE, GRANTS, Actor, Permission, Role
from shared.core.errors import CadreError, Conflict, FieldError, Forbidden, Invalid, LimitExceeded, NotFound
from shared.core.ids import bare_id, is_id
from shared.core.plans import PLANS
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.tenancy.limits import how_to_raise, workspace_limit
from shared.people.tenancy.rows import Seat, Workspace, WorkspaceMembership, membership_row
from shared.people.tenancy.seats import leave_seat, read_seat, take_seat
from shared.people.tenancy.workspaces import authorize_workspace, get_workspace, list_memberships
from shared.store import Operation, get, get_many, id_of, put, read_ahead, save, update, update_with_retry


class _OwnerImmutable(Conflict):
    def __init__(self) -> None:
        super().__init__(
            Situation.WORKSPACE_OWNER, "The owner stays the owner until the workspace is transferred to another member"
        )


class _WorkspaceDeleted(NotFound):
    """Refused by the access record: the workspace was deleted a moment ago."""

    def __init__(self) -> None:
        super().__init__(Workspace.NAME)


@dataclass(frozen=True)
class Member:
    membership: WorkspaceMembership

    @property
    def permissions(self) -> list[str]:
        """Return all permissions: those of the role and the extra ones."""
        return sorted(permissions_of(self.membership))


def permissions_of(row: WorkspaceMembership) -> frozenset[Permission]:
    """Return all permissions of a membership."""
    return GRANTS[Role(row.role)] | frozenset(map(Permission, row.permissions))


def list_members(actor: Actor, ws_id: str) -> list[Member]:
    """List the members, oldest first. One round trip per MB (about 2,000 members)."""
    rows = read_ahead(lambda: list_memberships(bare_id(ws_id)))
    authorize_workspace(actor, ws_id, Permission.WORKSPACE_READ)
    return [Member(row) for row in sorted(rows.result(), key=lambda row: (row.created_at, row.id))]


def update_member(actor: Actor, ws_id: str, user_id: str, role: Role, permissions: Sequence[str] | None = None) -> Member:
    """Change the role, and the permissions beyond it (None: unchanged). Takes effect at the member's next request. Two round
    trips.

    Raises NotFound (workspace, member), Forbidden, Invalid for a permission that does not exist or cannot be granted, and
    Conflict(WORKSPACE_OWNER) for the owner.
    """

    def change(row: WorkspaceMembership) -> list[Operation]:
        requested = None if permissions is None else _parse_permissions(permissions)
        if row.role == Role.OWNER:
            raise _OwnerImmutable
        before = permissions_of(row)
        old_values = {"role": row.role, "permissions": row.permissions}
        extra = frozenset(map(Permission, row.permissions)) if requested is None else requested
        row.role, row.permissions = role.value, sorted(extra - GRANTS[role])
        _check_change(actor, str(row.ws_id), before, permissions_of(row))
        changes = {name: [old, getattr(row, name)] for name, old in old_values.items() if old != getattr(row, name)}
        if not changes:
            return []
        record(row, EventType.MEMBER_UPDATED, actor, changes=changes, user=row.user)
        return [_update_access_record(row)]

    return Member(update_with_retry(lambda: _load_membership(actor, ws_id, user_id, Permission.MEMBER_INVITE), change))


def remove_member(actor: Actor, ws_id: str, user_id: str) -> None:
    """Remove a member, or leave oneself. From the member's next request on the workspace is invisible for them; their work stays.

    Raises NotFound (workspace, member), Forbidden, and Conflict(WORKSPACE_OWNER) for the owner. Three round trips.
    """
    user_id = bare_id(user_id)
    is_leaving = user_id == actor.id and actor.kind == "user"
    permission = Permission.WORKSPACE_READ if is_leaving else Permission.MEMBER_REMOVE

    def change(row: WorkspaceMembership) -> list[Operation]:
        if row.role == Role.OWNER:
            raise _OwnerImmutable
        if not is_leaving:
            _check_change(actor, str(row.ws_id), permissions_of(row), frozenset())
        row.deleted_at = clock.iso()
        record(row, EventType.MEMBER_REMOVED, actor, user=row.user, role=row.role, left=is_leaving)
        seat = leave_seat(str(row.org_id), str(row.ws_id), read_seat(str(row.org_id), row.id))
        return [records.revoke_workspace(row.id, str(row.ws_id)), _add_members(str(row.ws_id), -1), *seat]

    update_with_retry(lambda: _load_membership(actor, ws_id, user_id, permission), change)


def transfer(actor: Actor, ws_id: str, user_id: str) -> Workspace:
    """Make another member the owner; the previous owner becomes an administrator. All or nothing. Three round trips.

    Raises NotFound (workspace, member), Forbidden, and Conflict(DEFAULT_WORKSPACE) for an organization's default workspace, which
    belongs to the owner of the organization: contracts without workspaces use it.
    """

    def change(workspace: Workspace) -> list[Operation]:
        if workspace.is_default:
            raise Conflict(Situation.DEFAULT_WORKSPACE, "The default workspace of an organization cannot be transferred")
        new_owner, owner = _get_memberships(workspace.id, [user_id, workspace.owner["id"]])
        if new_owner.id == owner.id:
            return []
        record(workspace, EventType.WORKSPACE_UPDATED, actor, changes={"owner": [owner.user, new_owner.user]})
        workspace.owner = new_owner.user
        operations: list[Operation] = []
        for row, role in ((new_owner, Role.OWNER), (owner, Role.ADMIN)):
            record(row, EventType.MEMBER_UPDATED, actor, changes={"role": [row.role, role.value]}, user=row.user)
            row.role, row.permissions = role.value, []
            operations += [save(row), _update_access_record(row)]
        return operations

    return update_with_retry(lambda: get_workspace(actor, ws_id, Permission.WORKSPACE_ADMIN), change)


def _load_membership(actor: Actor, ws_id: str, user_id: str, permission: Permission) -> WorkspaceMembership:
    """Return a membership to an actor with this permission in the workspace. One read. Raises NotFound, Forbidden."""
    row = _get_membership(id_of(Workspace, ws_id), user_id)
    authorize_workspace(actor, ws_id, permission)
    return _present(row)


def _get_membership(ws_id: str, user_id: str) -> WorkspaceMembership | None:
    bare = bare_id(user_id)
    return get(WorkspaceMembership, *WorkspaceMembership.key_in(ws_id, bare)) if is_id(bare) else None


def _get_memberships(ws_id: str, user_ids: Sequence[str]) -> list[WorkspaceMembership]:
    """Return the memberships of these people. Raises NotFound("member"). One strongly consistent read."""
    bare = [bare_id(user_id) for user_id in user_ids]
    if not all(map(is_id, bare)):
        raise NotFound(WorkspaceMembership.NAME)
    rows: list[Any] = get_many([(WorkspaceMembership, *WorkspaceMembership.key_in(ws_id, one)) for one in bare])
    return [_present(row) for row in rows]


def _present(row: WorkspaceMembership | None) -> WorkspaceMembership:
    if row is None or row.deleted_at:
        raise NotFound(WorkspaceMembership.NAME)
    return row


def new_membership(
    user: Actor, workspace: Workspace, role: Role, invited_by: dict[str, str], seat: Seat | None
) -> tuple[WorkspaceMembership, list[Operation]]:
    """Return a new membership and the operations that write it, without the access record. `seat` is the user's seat as it was read.

    The operations are refused if the workspace or its organization is full (LimitExceeded(MEMBER_LIMIT)), closed (Forbidden) or
    deleted, or the person is already a member (Conflict(ALREADY_MEMBER)).
    """
    row: WorkspaceMembership = membership_row(
        WorkspaceMembership,
        workspace.id,
        user.id,
        role,
        org_id=workspace.org_id,
        ws_id=workspace.id,
        user=user.summary,
        last_active_at=clock.iso(),
    )
    record(row, EventType.MEMBER_JOINED, user, role=role.value, user=row.user, invited_by=invited_by)
    free = WorkspaceMembership.pk.does_not_exist() | WorkspaceMembership.deleted_at.exists()
    return row, [
        put(row, free, AlreadyMember),
        _add_members(workspace.id, 1, within=workspace),
        *take_seat(user.id, workspace, seat),
    ]


class AlreadyMember(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.ALREADY_MEMBER, "This person is a member of the workspace already")


def member_limit_error(workspace: Workspace) -> LimitExceeded:
    limit = int(workspace_limit(workspace, "maxMembers"))
    reason = f"This workspace may have at most {limit} members; {how_to_raise(workspace, 'maxMembers')}"
    return LimitExceeded(Situation.MEMBER_LIMIT, reason, {"limit": limit, "plan": PLANS[workspace.plan].name})


def check_may_grant(actor: Actor, ws_id: str, permissions: Iterable[Permission]) -> None:
    """Raise Forbidden if the actor lacks one of the permissions."""
    beyond = sorted(frozenset(permissions) - actor.grants(ws_id))
    if beyond:
        raise Forbidden(f"Nobody gives what they may not do themselves: {', '.join(beyond)}")


def _check_change(actor: Actor, ws_id: str, before: frozenset[Permission], after: frozenset[Permission]) -> None:
    """Check that the actor may change a member's permissions from `before` to `after`. Raises Forbidden."""
    check_may_grant(actor, ws_id, after - before)
    if before - after and not actor.may(Permission.MEMBER_REMOVE, ws_id):
        raise Forbidden("To take permissions from somebody needs member:remove")


def _parse_permissions(permissions: Sequence[str]) -> frozenset[Permission]:
    known = {one.value for one in GRANTABLE}
    unknown = [one for one in permissions if one not in known]
    if unknown:
        raise Invalid(FieldError("permissions", f"Unknown permission; allowed are {', '.join(sorted(known))}", unknown[0]))
    return frozenset(map(Permission, permissions))


def _update_access_record(row: WorkspaceMembership) -> Operation:
    return records.change_workspace_role(
        row.id, str(row.ws_id), Role(row.role), map(Permission, row.permissions), _WorkspaceDeleted
    )


def _add_members(ws_id: str, by: int, *, within: Workspace | None = None) -> Operation:
    """Change the workspace's count of members, within the limit of `within` if it is given. The version goes up, so that nobody overwrites
    the count."""
    exists = Workspace.deleted_at.does_not_exist()

    def conflict_error(raw: dict[str, object] | None) -> CadreError:
        return _WorkspaceDeleted() if not raw or "deleted_at" in raw or within is None else member_limit_error(within)

    pk, sk = Workspace.key(ws_id)
    return update(
        Workspace(pk=pk, sk=sk),
        [Workspace.member_count.add(by), Workspace.version.add(1)],
        exists if within is None else exists & (Workspace.member_count < workspace_limit(within, "maxMembers")),
        conflict_error,
    )
