"""Who has a place in an organization: a person has one seat, in however many of its workspaces they are.

A seat and the organization's `user_count` change in the transaction that changes a membership, so that `max_users` holds when requests
race. The seat is read before; a write that finds another one than was read is refused with `stale` and is done again.
"""

from typing import Any

from shared.core.errors import CadreError, LimitExceeded, NotFound
from shared.core.plans import PLANS
from shared.core.situations import Situation
from shared.people.tenancy.limits import active_organization, change_of_plan, closed_error, organization_limit, room_for_user
from shared.people.tenancy.rows import Organization, Seat, Workspace
from shared.store import Operation, check, create, delete, get, retrying, stale, update, write


def take_seat(user_id: str, workspace: Workspace, seat: Seat | None) -> list[Operation]:
    """Return the operations with which a person, who has this seat, enters a workspace.

    Refused with LimitExceeded(MEMBER_LIMIT) for a person too many, and with Forbidden while the organization is not active.
    """
    org_id = str(workspace.org_id)
    organization = Organization(*Organization.key(org_id))
    if seat is not None:
        return [
            check(organization, active_organization(), closed_error),
            update(seat, [Seat.workspaces.add({workspace.id})], Seat.pk.exists(), stale),
        ]
    return [
        update(
            organization,
            [Organization.user_count.add(1), Organization.version.add(1)],
            active_organization() & room_for_user(workspace),
            _full,
        ),
        create(new_seat(org_id, user_id, workspace.id), stale),
    ]


def new_seat(org_id: str, user_id: str, ws_id: str) -> Seat:
    """Build the seat of a person who enters the first workspace of an organization."""
    return Seat(*Seat.key(org_id, user_id), workspaces={ws_id})


def enlarge_seat(org_id: str, user_id: str, ws_id: str) -> Operation:
    """Return the operation that adds a workspace to the seat of a person who is in the organization anyway."""
    return update(Seat(*Seat.key(org_id, user_id)), [Seat.workspaces.add({ws_id})])


def leave_seat(org_id: str, ws_id: str, seat: Seat | None) -> list[Operation]:
    """Return the operations with which a person leaves a workspace; none for somebody who came before there were seats, or has left."""
    if seat is None or ws_id not in (seat.workspaces or ()):
        return []
    same = Seat.workspaces == seat.workspaces
    if len(seat.workspaces) > 1:
        return [update(seat, [Seat.workspaces.delete({ws_id})], same, stale)]
    less = [Organization.user_count.add(-1), Organization.version.add(1)]
    return [delete(seat, same, stale), update(Organization(*Organization.key(org_id)), less, Organization.pk.exists())]


def read_seat(org_id: str, user_id: str) -> Seat | None:
    """Return the seat of a person in an organization. One strongly consistent read."""
    return get(Seat, *Seat.key(org_id, user_id))


def vacate(org_id: str, ws_id: str, user_id: str) -> None:
    """Take a person out of a workspace that was deleted. Safe to repeat. Two round trips."""

    def attempt(_: int) -> None:
        if operations := leave_seat(org_id, ws_id, read_seat(org_id, user_id)):
            write(*operations)

    retrying(attempt)


def _full(raw: dict[str, Any] | None) -> CadreError:
    if raw is None:
        return NotFound(Organization.NAME)
    organization = Organization.decode(raw)
    if organization.status != "active":
        return closed_error(raw)
    limit, plan, remedy = organization_limit(organization, "max_users"), PLANS[organization.plan], ""
    if organization.max_users is None:
        remedy = f"; {change_of_plan(plan.key, 'max_organization_users', 'its default workspace')}"
    reason = f"This organization may have at most {limit} users{remedy}"
    return LimitExceeded(Situation.MEMBER_LIMIT, reason, {"limit": limit, "plan": plan.name})
