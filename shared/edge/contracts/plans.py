"""How many requests an organization's plan allows, where a contract counts them by plan."""

from shared.core.limits import RateRule
from shared.core.plans import FREE, PLANS


def plan_rules(name: str, plan: str, only: int | None = None) -> tuple[RateRule, ...]:
    """Every window of a plan, or `only` the one of so many seconds, each counted under a name of its own."""
    windows = PLANS.get(plan, PLANS[FREE]).requests
    return tuple(RateRule(f"{name}{window}", limit, window) for limit, window in windows if only in {None, window})
