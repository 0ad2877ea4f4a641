"""A budget and what is left of it.

DynamoDB's conditions do no arithmetic, so the row stores the result: `available = limit - reserved - spent`, all changed in the same
update. `available` may be negative in two cases: the limit was lowered, or a call was settled without a reservation.
"""

from typing import Final

from shared.core import clock
from shared.core.money import MICROS, micros
from shared.store import Entity, NumberAttribute, UnicodeAttribute

SCOPES: Final = ("organization", "agent", "phase", "workspace", "project", "card", "run", "tokens")
"""From the widest to the narrowest, and `tokens`: what a workspace may use on models without a known price. A workspace's budget and its
`tokens` are for a month; the others end when their `period_end` says so, if at all. `agent` and `phase` are of an organization: all runs of
this agent, or on cards of this phase, in all its workspaces."""
EXCEEDED: Final = 100  # percent: `warned` of a budget that is used up


class Budget(Entity):
    """A budget, at `BUDGET#<scope>:<id>[:<month>], META`; in micro-dollars of customer price, of the scope `tokens` in tokens."""

    KIND = "BUDGET"
    NAME = "budget"

    scope = UnicodeAttribute()
    scope_id = UnicodeAttribute()
    month = UnicodeAttribute(null=True)
    limit = NumberAttribute()
    available = NumberAttribute()
    reserved = NumberAttribute(default=0)
    spent = NumberAttribute(default=0)
    warned = NumberAttribute(default=0)
    """The highest announced threshold, in percent."""
    alert_threshold = NumberAttribute(null=True)
    """The share (0 to 1) from which on it is announced that the budget comes to its end; None: never, or a workspace's month."""
    period_start = UnicodeAttribute(null=True)
    """From when on spending counts, if it is not from when the budget was made."""
    period_end = UnicodeAttribute(null=True)
    """From then on the budget limits nothing. None: it has no end."""

    @property
    def is_over(self) -> bool:
        return self.period_end is not None and self.period_end <= clock.iso()

    @property
    def is_exceeded(self) -> bool:
        return bool(self.spent >= self.limit)

    @property
    def is_alerting(self) -> bool:
        """Whether so much is spent that it is to be announced."""
        share = self.alert_threshold
        return share is not None and int(self.spent) * MICROS >= micros(share) * int(self.limit)

    @property
    def alert_level(self) -> int:
        """The threshold that spending has reached, as `warned` says it; 0: none."""
        if self.alert_threshold is None:
            return 0
        if self.is_exceeded:
            return EXCEEDED
        return min(max(1, int(100 * self.alert_threshold)), EXCEEDED - 1) if self.is_alerting else 0

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"BUDGETS#{self.ws_id or self.org_id}", f"{self.scope}#{self.scope_id}#{self.month or ''}")}


def this_month() -> str:
    return clock.iso()[:7]


def within(org_id: str, value: str) -> str:
    """Return the `scope_id` of an agent or a phase in an organization: both have the same names everywhere."""
    return f"{org_id}/{value}"


def budget_id(scope: str, scope_id: str, month: str | None = None) -> str:
    return f"{scope}:{scope_id}" + (f":{month}" if month else "")


def new_budget(
    scope: str, scope_id: str, limit: int, *, month: str | None = None, org_id: str | None = None, ws_id: str | None = None
) -> Budget:
    """Build a budget without spending, not yet written."""
    return Budget.new(
        budget_id(scope, scope_id, month),
        scope=scope,
        scope_id=scope_id,
        month=month,
        limit=limit,
        available=limit,
        org_id=org_id,
        ws_id=ws_id,
    )
