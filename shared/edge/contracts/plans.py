"""Rate limits by plan, for contracts that count requests by the organization's plan."""

from shared.core.limits import RateRule
from shared.core.plans import FREE, PLANS


def plan_rules(name: str, plan: str, only: int | None = None) -> tuple[RateRule, ...]:
    """Return the rules of a plan, one per window, or `only` the one with that many seconds. Each is counted under its own name."""
    windows = PLANS.get(plan, PLANS[FREE]).requests
    return tuple(RateRule(f"{name}{window}", limit, window) for limit, window in windows if only in {None, window})
