"""The plans: what each costs and allows. They are code and not rows, like the catalogue of agents: a price changes with a release.

`Organization.plan` says which plan an organization has; contracts show the plans under their own names.
"""

from dataclasses import dataclass
from typing import Final

FREE: Final = "free"


@dataclass(frozen=True)
class Plan:
    """`price_micros` is the fee per calendar month, before tax. A limit of None means unlimited.

    `max_projects`, `max_members` and `max_sandboxes` are of a workspace, `max_workspaces` and `max_organization_...` of an organization.
    `max_monthly_usage` is in USD. `max_unpriced_tokens` are the tokens of a month on models without a known price.
    `requests` are pairs (number of requests, seconds), for the contracts that limit by plan.
    """

    key: str
    name: str
    price_micros: int
    max_workspaces: int | None
    max_organization_projects: int | None
    max_organization_users: int | None
    max_projects: int | None
    max_members: int | None
    max_monthly_usage: int | None
    max_unpriced_tokens: int | None
    max_sandboxes: int | None
    runs_per_day: int | None
    requests: tuple[tuple[int, int], ...]

    @property
    def is_free(self) -> bool:
        """Tell whether nobody pays for it. What it gives without payment is for an organization, not again for each of its workspaces."""
        return self.price_micros == 0


PLANS: Final = {
    plan.key: plan
    for plan in (
        # Prices, projects and runs are from agentworks' price list; members and usage of the free plan are its workspace defaults.
        # Workspaces of the free plan are those of the community edition in the aintandem document (`system/info`); its projects and users
        # in an organization are the defaults in the enterprise document. Neither document limits a plan that is paid for.
        # Requests are from the table "Rate Limiting" of the enterprise document, where the enterprise plan has custom limits.
        Plan(
            FREE,
            "Free",
            0,
            max_workspaces=10,
            max_organization_projects=5,
            max_organization_users=10,
            max_projects=3,
            max_members=5,
            max_monthly_usage=100,
            max_unpriced_tokens=1_000_000,  # our choice: 60 USD at the dearest known price, below the usage of this plan
            max_sandboxes=5,  # of the community edition, from the aintandem document (`system/info`)
            runs_per_day=5,
            requests=((100, 60), (1_000, 3600), (10_000, 86_400)),
        ),
        Plan(
            "professional",
            "Pro",
            49_000_000,
            max_workspaces=None,
            max_organization_projects=None,
            max_organization_users=None,
            max_projects=None,
            max_members=5,
            max_monthly_usage=None,
            max_unpriced_tokens=10_000_000,
            max_sandboxes=50,  # our choice
            runs_per_day=100,
            requests=((1_000, 60), (50_000, 3600), (500_000, 86_400)),
        ),
        Plan(
            "enterprise",
            "Enterprise",
            199_000_000,
            max_workspaces=None,
            max_organization_projects=None,
            max_organization_users=None,
            max_projects=None,
            max_members=None,
            max_monthly_usage=None,
            max_unpriced_tokens=None,
            max_sandboxes=1_000,  # the most that the document's setting can have
            runs_per_day=None,
            requests=(),
        ),
    )
}


def more_expensive(one: str, other: str) -> str:
    """Return the plan that costs more."""
    return max(one, other, key=lambda key: PLANS[key].price_micros)


def cheapest_plan_above(key: str, limit: str) -> Plan | None:
    """Return the cheapest plan whose `limit` (the name of a field) is higher than that of the plan `key`; None if there is none."""
    held = getattr(PLANS[key], limit)
    higher = [
        plan for plan in PLANS.values() if held is not None and (getattr(plan, limit) is None or getattr(plan, limit) > held)
    ]
    return min(higher, key=lambda plan: plan.price_micros, default=None)
