"""What a workspace can be billed under. Code and not rows, as the catalogue of agents is: a price changes by a release that says so."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Plan:
    """`price_micros` is the fee of a calendar month, before tax. A limit of None is no limit."""

    id: str
    name: str
    price_micros: int
    limits: dict[str, Any]


PLANS: Final = {
    plan.id: plan
    for plan in (
        Plan("free", "Free", 0, {"maxProjects": 3, "maxMembers": 5, "maxMonthlyUsage": 100, "runsPerDay": 5}),
        Plan("pro", "Pro", 49_000_000, {"maxProjects": None, "maxMembers": 5, "maxMonthlyUsage": None, "runsPerDay": 100}),
        Plan(
            "enterprise",
            "Enterprise",
            199_000_000,
            {"maxProjects": None, "maxMembers": None, "maxMonthlyUsage": None, "runsPerDay": None},
        ),
    )
}


def dearer(one: str, other: str) -> str:
    """Of two plans the one that costs more."""
    return max(one, other, key=lambda name: PLANS[name].price_micros)
