"""Invitations: whoever presents the token and has the invited address joins the workspace, once.

A token is `<invitation id>.<secret>`; only the secret's fingerprint is stored. An address has at most one invitation per
workspace: inviting it again renews that invitation with a new token, role and date, and the old token becomes invalid.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.core import clock
from shared.core.actor import GRANTS, SYSTEM, Actor, Permission, Role
from shared.core.emails import mailbox_of, normal_email
from shared.core.errors import Conflict, Forbidden, LimitExceeded, NotFound
from shared.core.ids import bare_id, derived_id, is_id
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.core.plans import FREE
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.tenancy.limits import workspace_limit
from shared.people.tenancy.members import (
    AlreadyMember,
    Member,
    check_may_grant,
    list_members,
    member_limit_error,
    new_membership,
    permissions_of,
)
from shared.people.tenancy.rows import Invitation, Organization, Seat, Workspace, WorkspaceMembership
from shared.people.tenancy.workspaces import authorize_workspace, list_memberships
from shared.store import (
    Operation,
    check,
    collection,
    count,
    create,
    fetch,
    fetch_all,
    get,
    get_many,
    id_of,
    read_ahead,
    save,
    stale,
    update_with_retry,
    write,
)

LIFETIME = 7 * 86_400  # seconds
_KEPT_S = 30 * 86_400  # seconds for which the row of an expired invitation is kept
MAILS_PER_SENDER = RateRule("invites", 50, 86_400)
"""Invitations from one person per day, for all workspaces and recipients: each is a mail."""
MAILS_PER_RECIPIENT = (RateRule("invited", 5, 3600), RateRule("invited-day", 20, 86_400))
"""Invitations to one mailbox, from all senders together."""
MAX_PENDING = 200
"""Pending invitations per workspace; a list of members shows all of them."""


@dataclass(frozen=True)
class NewInvitation:
    """An invitation with its token, which is not stored."""

    invitation: Invitation
    token: str
    workspace: Workspace
    on_trial: bool
    """Whether nobody pays for the workspace's organization: its mails then have no text of the sender's."""


@dataclass(frozen=True)
class Acceptance:
    """What an accepted invitation leads to, and the operations that write it: all but the access record."""

    workspace: Workspace
    role: Role
    membership: WorkspaceMembership
    operations: list[Operation]


def invite(actor: Actor, ws_id: str, email: str, role: Role, message: str | None = None) -> NewInvitation:
    """Invite an address, or renew its invitation. Six round trips: what decides, the plan, three counters of mails, the invitation.

    Raises NotFound("workspace"), Forbidden (also for a role with permissions that the actor lacks, and for an actor whose own
    address is not confirmed), Conflict(ALREADY_MEMBER), LimitExceeded(MEMBER_LIMIT) if the workspace is full, LimitExceeded after
    MAX_PENDING, RateLimited after MAILS_PER_SENDER and MAILS_PER_RECIPIENT.
    """
    ws_id, email = id_of(Workspace, ws_id), normal_email(email)
    members, waiting = read_ahead(lambda: list_memberships(ws_id)), read_ahead(lambda: _count_pending(ws_id))
    invitation_id = derived_id("invitation", ws_id, email)
    workspace, existing = get_many([(Workspace, *Workspace.key(ws_id)), (Invitation, *Invitation.key(invitation_id))])
    authorize_workspace(actor, ws_id, Permission.MEMBER_INVITE)
    if not actor.email_verified:
        raise Forbidden("Confirm your own e-mail address before you invite others")
    check_may_grant(actor, ws_id, GRANTS[role])
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        raise NotFound(Workspace.NAME)
    if any(row.user.get("email") == email for row in members.result()):
        raise AlreadyMember
    renewed = isinstance(existing, Invitation) and _is_pending(existing)
    _check_room(workspace, 0 if renewed else waiting.result())
    organization = fetch(Organization, str(workspace.org_id))
    records.count_anonymous(f"invites#{actor.id}", [MAILS_PER_SENDER])
    records.count_anonymous(f"invited#{fingerprint(mailbox_of(email))}", MAILS_PER_RECIPIENT)
    invitation = (
        existing if isinstance(existing, Invitation) else Invitation.new(invitation_id, org_id=workspace.org_id, ws_id=ws_id)
    )
    secret = secrets.token_urlsafe(32)
    expires = clock.epoch() + LIFETIME
    invitation.email, invitation.role, invitation.message = email, role.value, message
    invitation.status, invitation.accepted_by, invitation.token_hash = "pending", None, fingerprint(secret)
    invitation.invited_by, invitation.invited_at = actor.summary, clock.iso()
    invitation.expires_at, invitation.ttl = clock.iso(clock.from_epoch(expires)), expires + _KEPT_S
    record(invitation, EventType.MEMBER_INVITED, actor, email=email, role=role.value, renewed=existing is not None)
    write(save(invitation) if existing is not None else create(invitation, stale))
    on_trial = organization is None or organization.plan == FREE
    return NewInvitation(invitation, f"{invitation_id}.{secret}", workspace, on_trial)


def list_members_and_pending(actor: Actor, ws_id: str) -> tuple[list[Member], list[Invitation]]:
    """List the members and the pending invitations, oldest first. One round trip, two if there are invitations."""
    pending = read_ahead(lambda: _list_pending(bare_id(ws_id)))
    return list_members(actor, ws_id), pending.result()


def _list_pending(ws_id: str) -> list[Invitation]:
    ids = [row.id for row in collection(1, f"WS#{ws_id}#INV", between=_not_expired())]
    return [one for one in fetch_all(Invitation, ids) if _is_pending(one)]


def _not_expired() -> tuple[str, str]:
    """Return the range of the index, which is by the time of the invitation, in which none has expired."""
    return clock.iso(clock.now() - timedelta(seconds=LIFETIME)), "~"


def _is_pending(invitation: Invitation) -> bool:
    return invitation.status == "pending" and invitation.expires_at > clock.iso()


def accept(actor: Actor, ws_id: str, token: str) -> Member:
    """Join the workspace of the token, which can be used once. Three round trips.

    Raises NotFound("invitation") for a token that is unknown or of another workspace, Forbidden if the address is not the
    caller's, Conflict(INVITATION_NOT_PENDING) for an accepted, cancelled or expired invitation, Conflict(ALREADY_MEMBER), and
    LimitExceeded (members of the workspace, workspaces of the person).
    """
    joined: list[WorkspaceMembership] = []

    def change(invitation: Invitation) -> list[Operation]:
        acceptance = _accept(actor, invitation)
        joined[:] = [acceptance.membership]
        return [*acceptance.operations, records.grant_workspace(actor.id, acceptance.workspace.id, acceptance.role)]

    update_with_retry(lambda: _get_by_token(token, ws_id), change)
    return Member(joined[0])


def prepare_acceptance(who: Actor, token: str) -> Acceptance:
    """Prepare joining for a user who is not yet written; the operations include the change of the invitation. Raises what
    `accept` raises."""
    invitation = _get_by_token(token)
    acceptance = _accept(who, invitation)
    return Acceptance(acceptance.workspace, acceptance.role, acceptance.membership, [save(invitation), *acceptance.operations])


def cancel(actor: Actor, ws_id: str, invitation_id: str) -> None:
    """Cancel an invitation; its token becomes invalid. Two round trips.

    Raises NotFound (workspace, invitation), Forbidden, and Conflict(INVITATION_NOT_PENDING) if it was accepted.
    """

    def read() -> Invitation:
        invitation = fetch(Invitation, bare_id(invitation_id)) if is_id(bare_id(invitation_id)) else None
        bare = authorize_workspace(actor, ws_id, Permission.MEMBER_INVITE)
        if invitation is None or invitation.deleted_at or invitation.ws_id != bare or invitation.status == "cancelled":
            raise NotFound(Invitation.NAME)
        return invitation

    def change(invitation: Invitation) -> None:
        if invitation.status != "pending":
            raise _not_pending("accepted")
        invitation.status = "cancelled"
        record(invitation, EventType.INVITATION_CANCELLED, actor, email=invitation.email)

    update_with_retry(read, change)


def cancel_of_member(ws_id: str, user_id: str) -> None:
    """Cancel the pending invitations of a person that they could not send any more. Two round trips, and one for each of them."""
    inviter = get(WorkspaceMembership, *WorkspaceMembership.key_in(ws_id, user_id))
    ids = [row.id for row in collection(1, f"WS#{ws_id}#INV", between=_not_expired())]

    def change(invitation: Invitation) -> None:
        if invitation.status == "pending" and invitation.invited_by["id"] == user_id:
            invitation.status = "cancelled"
            record(invitation, EventType.INVITATION_CANCELLED, SYSTEM, email=invitation.email)

    for one in fetch_all(Invitation, ids):
        if one.invited_by["id"] == user_id and not _may_invite(inviter, Role(one.role)):
            update_with_retry(partial(_get_again, one), change)


def _get_again(invitation: Invitation) -> Invitation:
    return fetch(Invitation, invitation.id) or invitation


def _may_invite(row: WorkspaceMembership | None, role: Role) -> bool:
    """Tell whether a member may invite others in this role."""
    return row is not None and not row.deleted_at and permissions_of(row) >= GRANTS[role] | {Permission.MEMBER_INVITE}


def _check_inviter(invitation: Invitation, inviter: WorkspaceMembership | None) -> Operation:
    """Return the operation that refuses the acceptance if the inviter loses their role meanwhile. Raises Conflict if they may not
    invite any more: a pending invitation ends with the right to send it."""
    cancelled = _not_pending("cancelled")
    if inviter is None or not _may_invite(inviter, Role(invitation.role)):
        raise cancelled
    same = (WorkspaceMembership.role == inviter.role) & (WorkspaceMembership.permissions == inviter.permissions)
    return check(inviter, WorkspaceMembership.deleted_at.does_not_exist() & same, cancelled)


def _count_pending(ws_id: str) -> int:
    return count(Invitation, f"WS#{ws_id}#INV", index=1, between=_not_expired())


def _check_room(workspace: Workspace, waiting: int) -> None:
    """Refuse what can be refused before a mail is sent. Whether there is room is decided again when the invitation is accepted."""
    if workspace.member_count >= workspace_limit(workspace, "maxMembers"):
        raise member_limit_error(workspace)
    if waiting >= MAX_PENDING:
        raise LimitExceeded(Situation.LIMIT_REACHED, f"At most {MAX_PENDING} invitations wait at once", {"limit": MAX_PENDING})


def _get_by_token(token: str, ws_id: str | None = None) -> Invitation:
    """Return the invitation of a token. Raises NotFound for an invalid token and for one of another workspace."""
    invitation_id, _, secret = token.partition(".")
    invitation = fetch(Invitation, invitation_id) if is_id(invitation_id) else None
    if (
        invitation is None
        or invitation.token_hash != fingerprint(secret)
        or (ws_id is not None and invitation.ws_id != bare_id(ws_id))
    ):
        raise NotFound(Invitation.NAME)
    return invitation


def _accept(who: Actor, invitation: Invitation) -> Acceptance:
    """Mark the invitation as accepted by `who`, and return what has to be written."""
    if invitation.email != normal_email(who.email):
        raise Forbidden("This invitation is for another e-mail address")
    if invitation.status != "pending":
        raise _not_pending(invitation.status)
    if invitation.expires_at <= clock.iso():
        raise _not_pending("expired")
    ws_id, inviter_id = str(invitation.ws_id), invitation.invited_by["id"]
    workspace, inviter, seat = get_many(
        [
            (Workspace, *Workspace.key(ws_id)),
            (WorkspaceMembership, *WorkspaceMembership.key_in(ws_id, inviter_id)),
            (Seat, *Seat.key(str(invitation.org_id), who.id)),
        ]
    )
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        raise NotFound(Invitation.NAME)
    inviter_holds = _check_inviter(invitation, inviter if isinstance(inviter, WorkspaceMembership) else None)
    if inviter_id == who.id:
        raise AlreadyMember
    role = Role(invitation.role)
    membership, operations = new_membership(who, workspace, role, invitation.invited_by, seat if isinstance(seat, Seat) else None)
    operations.append(inviter_holds)
    invitation.status, invitation.accepted_by = "accepted", who.id
    return Acceptance(workspace, role, membership, operations)


def _not_pending(status: str) -> Conflict:
    reasons = {"accepted": "was accepted already", "cancelled": "was cancelled", "expired": "has expired; ask for a new one"}
    return Conflict(Situation.INVITATION_NOT_PENDING, f"The invitation {reasons[status]}", {"invitation": status})
