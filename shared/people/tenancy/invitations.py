"""Invitations: an address is asked into a workspace; who shows the token and has the address joins, once.

A token is `<invitation id>.<secret>`; only the secret's fingerprint is stored. There is one invitation for each address in a workspace:
inviting it again renews it, with a new token, role and date, and the old token is good for nothing.
"""

import secrets
from dataclasses import dataclass

from shared.core import clock
from shared.core.actor import GRANTS, Actor, Permission, Role
from shared.core.errors import Conflict, Forbidden, LimitExceeded, NotFound
from shared.core.ids import bare_id, derived_id, is_id
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.people.access import records
from shared.people.tenancy.members import ALREADY_MEMBER, Member, check_may_grant, member_limit_error, new_membership
from shared.people.tenancy.rows import Invitation, Workspace, WorkspaceMembership
from shared.people.tenancy.workspaces import authorize_workspace, list_memberships
from shared.store import (
    Operation,
    collection,
    count,
    create,
    fetch,
    fetch_all,
    get_many,
    load,
    save,
    stale,
    update_with_retry,
    write,
)

LIFETIME = 7 * 86_400  # seconds
_KEPT_S = 30 * 86_400  # seconds after its last day
MAILS_PER_ADDRESS = RateRule("invited", 5, 3600)
"""Invitations of one person to one address in an hour, for all workspaces: each is a mail."""
MAX_PENDING = 200
"""Invitations that wait at once: what a list of members shows beside them."""


@dataclass(frozen=True)
class NewInvitation:
    invitation: Invitation
    token: str
    workspace: Workspace


@dataclass(frozen=True)
class Acceptance:
    """What somebody with a good token will write, in one transaction: all but the access record."""

    workspace: Workspace
    role: Role
    membership: WorkspaceMembership
    operations: list[Operation]


def invite(actor: Actor, ws_id: str, email: str, role: Role, message: str | None = None) -> NewInvitation:
    """Invite an address, or renew its invitation.

    Raises NotFound("workspace"), Forbidden (also for a role that may more than the actor), Conflict(ALREADY_MEMBER) for somebody who is in
    it, LimitExceeded(MEMBER_LIMIT) where there is no room now, LimitExceeded after MAX_PENDING, RateLimited after MAILS. Five round trips.
    """
    ws_id = authorize_workspace(actor, ws_id, Permission.MEMBER_INVITE)
    check_may_grant(actor, ws_id, GRANTS[role])
    email = email.strip().lower()
    invitation_id = derived_id("invitation", ws_id, email)
    workspace, existing = get_many([(Workspace, *Workspace.key(ws_id)), (Invitation, *Invitation.key(invitation_id))])
    if not isinstance(workspace, Workspace) or workspace.deleted_at:
        raise NotFound(Workspace.NAME)
    _check_room(workspace, email)
    records.count_anonymous(f"invited#{actor.id}#{fingerprint(email)}", [MAILS_PER_ADDRESS])
    invitation = existing if isinstance(existing, Invitation) else Invitation.new(invitation_id, org_id=workspace.org_id, ws_id=ws_id)
    secret = secrets.token_urlsafe(32)
    expires = clock.epoch() + LIFETIME
    invitation.email, invitation.role, invitation.message = email, role.value, message
    invitation.status, invitation.accepted_by, invitation.token_hash = "pending", None, fingerprint(secret)
    invitation.invited_by, invitation.invited_at = actor.summary, clock.iso()
    invitation.expires_at, invitation.ttl = clock.iso(clock.from_epoch(expires)), expires + _KEPT_S
    record(invitation, EventType.MEMBER_INVITED, actor, email=email, role=role.value, renewed=existing is not None)
    write(save(invitation) if existing is not None else create(invitation, stale))
    return NewInvitation(invitation, f"{invitation_id}.{secret}", workspace)


def list_pending(actor: Actor, ws_id: str) -> list[Invitation]:
    """Who is invited and has not answered, oldest first. Two round trips, one where there is nobody."""
    ids = [row.id for row in collection(1, f"WS#{authorize_workspace(actor, ws_id, Permission.WORKSPACE_READ)}#INV")]
    now = clock.iso()
    return [one for one in fetch_all(Invitation, ids) if one.status == "pending" and one.expires_at > now]


def accept(actor: Actor, ws_id: str, token: str) -> Member:
    """Join the workspace that the token is for. It is good once.

    Raises NotFound("invitation") for a token that is none (of this workspace), Forbidden when the address is not the caller's,
    Conflict(INVITATION_NOT_PENDING) for an invitation that was accepted or cancelled or is too old, Conflict(ALREADY_MEMBER) and
    LimitExceeded (members of the workspace, workspaces of the person). Three round trips.
    """
    joined: list[WorkspaceMembership] = []

    def change(invitation: Invitation) -> list[Operation]:
        acceptance = _accept(actor, invitation)
        joined[:] = [acceptance.membership]
        return [*acceptance.operations, records.grant_workspace(actor.id, acceptance.workspace.id, acceptance.role)]

    update_with_retry(lambda: _get_by_token(token, ws_id), change)
    return Member(joined[0])


def prepare_acceptance(who: Actor, token: str) -> Acceptance:
    """For somebody who is about to be written: what joining takes, the invitation's own change included. Raises what `accept` does."""
    invitation = _get_by_token(token)
    acceptance = _accept(who, invitation)
    return Acceptance(acceptance.workspace, acceptance.role, acceptance.membership, [save(invitation), *acceptance.operations])


def cancel(actor: Actor, ws_id: str, invitation_id: str) -> None:
    """Its token is good for nothing from now on. Raises NotFound (workspace, invitation), Forbidden, and
    Conflict(INVITATION_NOT_PENDING) where it was accepted. Two round trips."""
    ws_id = authorize_workspace(actor, ws_id, Permission.MEMBER_INVITE)

    def read() -> Invitation:
        invitation = load(Invitation, invitation_id, actor)
        if invitation.ws_id != ws_id or invitation.status == "cancelled":
            raise NotFound(Invitation.NAME)
        return invitation

    def change(invitation: Invitation) -> None:
        if invitation.status != "pending":
            raise _not_pending("accepted")
        invitation.status = "cancelled"
        record(invitation, EventType.INVITATION_CANCELLED, actor, email=invitation.email)

    update_with_retry(read, change)


def _check_room(workspace: Workspace, email: str) -> None:
    """What can be said no to before anybody is written to. That there is room is decided when the invitation is accepted."""
    if any(row.user.get("email") == email for row in list_memberships(workspace.id)):
        raise ALREADY_MEMBER
    limit = int(workspace.settings["maxMembers"])
    if workspace.member_count >= limit:
        raise member_limit_error(limit)
    if count(Invitation, f"WS#{workspace.id}#INV", index=1) >= MAX_PENDING:
        raise LimitExceeded(Situation.LIMIT_REACHED, f"At most {MAX_PENDING} invitations wait at once", {"limit": MAX_PENDING})


def _get_by_token(token: str, ws_id: str | None = None) -> Invitation:
    """The invitation of a token. What is no token, and one of another workspace, look the same."""
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
    """Mark it accepted by `who`, and what that takes."""
    if invitation.email != who.email.strip().lower():
        raise Forbidden("This invitation is for another e-mail address")
    if invitation.status != "pending":
        raise _not_pending(invitation.status)
    if invitation.expires_at <= clock.iso():
        raise _not_pending("expired")
    workspace = fetch(Workspace, str(invitation.ws_id))
    if workspace is None or workspace.deleted_at:
        raise NotFound(Invitation.NAME)
    role = Role(invitation.role)
    membership, operations = new_membership(who, workspace, role, invitation.invited_by)
    invitation.status, invitation.accepted_by = "accepted", who.id
    return Acceptance(workspace, role, membership, operations)


def _not_pending(how: str) -> Conflict:
    words = {"accepted": "was accepted already", "cancelled": "was cancelled", "expired": "has expired; ask for a new one"}
    return Conflict(Situation.INVITATION_NOT_PENDING, f"The invitation {words[how]}", {"invitation": how})
