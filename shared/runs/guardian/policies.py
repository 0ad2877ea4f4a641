"""Who may intervene, and which interventions are taken back by themselves. The numbers are the original service's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Forbidden

AUTHORITIES: Final[Mapping[int, str]] = MappingProxyType({1: "WORKER", 2: "WATCHDOG", 3: "MONITOR", 4: "GUARDIAN", 5: "SYSTEM"})
GUARDIAN, SYSTEM = 4, 5
EMERGENCY, PRIORITY_OVERRIDE, REALLOCATION, INTERVENTION = (
    "emergency",
    "priority_override",
    "resource_reallocation",
    "intervention",
)
ROLLBACK_SECONDS: Final[Mapping[str, int]] = MappingProxyType({EMERGENCY: 60 * 60, PRIORITY_OVERRIDE: 120 * 60})
"""After how long an intervention is taken back by itself, by its policy; one of another policy stays until somebody reverts it."""
SCORE_SECONDS: Final = 30 * 60
"""After how long it is looked at what an intervention has brought."""


def require_authority(actor: Actor, ws_id: str, org_id: str | None, authority: int) -> None:
    """Raise Forbidden unless the authority suffices for an intervention and the actor may claim it in this workspace.

    Administrators, who may approve runs, may claim GUARDIAN. Only the owner and the platform may claim SYSTEM, which is for emergencies.
    """
    if authority < GUARDIAN:
        name = AUTHORITIES[authority]
        raise Forbidden(f"An intervention needs the authority {GUARDIAN} (GUARDIAN) at least, not {authority} ({name})")
    needed = Permission.WORKSPACE_ADMIN if authority >= SYSTEM else Permission.RUN_APPROVE
    actor.require(needed, ws_id, org_id, f"Your role may not claim the authority {authority} ({AUTHORITIES[authority]})")


def policy_of(action_type: str, authority: int) -> str:
    """Return the policy under which an intervention stands: with the authority SYSTEM it is an emergency."""
    if authority >= SYSTEM:
        return EMERGENCY
    return {"override_priority": PRIORITY_OVERRIDE, "reallocate": REALLOCATION}.get(action_type, INTERVENTION)
