"""What an organization's plan allows, where a contract counts requests by plan."""

from shared.core.limits import RateRule

PLANS: dict[str, tuple[tuple[int, int], ...]] = {  # requests in a window of so many seconds; an enterprise plan's are agreed upon
    "free": ((100, 60), (1_000, 3600), (10_000, 86_400)),
    "professional": ((1_000, 60), (50_000, 3600), (500_000, 86_400)),
    "enterprise": (),
}


def plan_rules(name: str, plan: str, only: int | None = None) -> tuple[RateRule, ...]:
    """Every window of a plan, or `only` the one of so many seconds, each counted under a name of its own."""
    windows = PLANS.get(plan, PLANS["free"])
    return tuple(RateRule(f"{name}{window}", limit, window) for limit, window in windows if only in {None, window})
