"""Who a sandbox is: the actor of its token, which is bound to one start of it."""

from typing import Final

from shared.core.actor import Actor, Permission, Role
from shared.core.errors import Unauthenticated
from shared.core.ids import bare_id
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.people.access.records import count_anonymous
from shared.people.access.tokens import Claims
from shared.people.tenancy.rows import Organization
from shared.sandboxes.lifecycle.rows import LIVING, Sandbox
from shared.store import RateStatus, get_many

KIND: Final = "sandbox"
REQUESTS: Final = RateRule("sandbox", 600, 60)
"""Requests of one sandbox in a minute, as its connection has messages; no document has a number."""
_MAY: Final = frozenset({Permission.WORKSPACE_READ, Permission.AGENT_RUN})


def find_sandbox(claims: Claims) -> tuple[Sandbox, bool]:
    """Return the sandbox of a token, and whether its organization is active. One round trip.

    Raises Unauthenticated if the sandbox is gone, does not run, or was started again since.
    """
    keys = [(Sandbox, *Sandbox.key(claims.user_id)), (Organization, *Organization.key(claims.org_id))]
    sandbox, organization = get_many(keys)
    if not isinstance(sandbox, Sandbox) or sandbox.deleted_at or sandbox.status not in LIVING:
        raise Unauthenticated(Situation.TOKEN_INVALID, "The sandbox does not run")
    if str(int(sandbox.start_number)) != claims.session_id:
        raise Unauthenticated(Situation.TOKEN_INVALID, "The sandbox was started again")
    return sandbox, isinstance(organization, Organization) and organization.status == "active"


def caller_of_sandbox(claims: Claims, sandbox_id: str | None, *, changes: bool) -> tuple[Actor, RateStatus | None]:
    """Return the actor of a sandbox's token, and count its request. `sandbox_id` is the one that the path names, if it names one.

    Raises Unauthenticated for another one's path, RateLimited.
    """
    if sandbox_id is not None and bare_id(sandbox_id) != claims.user_id:
        raise Unauthenticated(Situation.TOKEN_INVALID, "A sandbox speaks for itself and for no other one")
    sandbox, active = find_sandbox(claims)
    return actor_of(sandbox, active=active, changes=changes), count_anonymous(f"sandbox#{sandbox.id}", [REQUESTS])


def actor_of(sandbox: Sandbox, *, active: bool = True, changes: bool = False) -> Actor:
    """Return the actor of a sandbox: it may read its workspace and send messages there, and has no other right."""
    ws_id = str(sandbox.ws_id)
    return Actor(
        id=sandbox.id,
        name=sandbox.name,
        kind=KIND,
        session_id=str(int(sandbox.start_number)),
        org_id=sandbox.org_id,
        workspaces={ws_id: Role.MEMBER},
        scopes=_MAY,
        closed=frozenset() if active else frozenset({ws_id}),
        changes=changes,
    )
