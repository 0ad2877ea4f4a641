"""The plan of an organization, for callers that do not bring it along."""

from functools import lru_cache

from shared.core import clock, counts
from shared.core.plans import FREE
from shared.people.tenancy.rows import Organization
from shared.store import fetch


def plan_of(org_id: str) -> str:
    """Return the plan of an organization as it was within the last minute: one read a minute, in each process."""
    reads = _plan_in.cache_info().misses
    plan = _plan_in(org_id, clock.epoch() // 60)
    counts.count_lookup(found=_plan_in.cache_info().misses == reads)
    return plan


@lru_cache(maxsize=512)
def _plan_in(org_id: str, minute: int) -> str:  # noqa: ARG001 - it ends what is kept
    organization = fetch(Organization, org_id)
    return organization.plan if organization else FREE
