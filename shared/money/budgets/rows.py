"""A budget and what is left of it.

DynamoDB's conditions do no arithmetic, so the row stores the result: `available = limit - reserved - spent`, all changed in the same
update. `available` may be negative in two cases: the limit was lowered, or a call was settled without a reservation.
"""

from typing import Final

from shared.core import clock
from shared.store import Entity, NumberAttribute, UnicodeAttribute

SCOPES: Final = ("organization", "workspace", "project", "card", "run", "tokens")
"""From the widest to the narrowest, and `tokens`: what a workspace may use on models without a known price. A workspace's budget and its
`tokens` are for a month; the others have no end."""


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

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"BUDGETS#{self.ws_id or self.org_id}", f"{self.scope}#{self.scope_id}#{self.month or ''}")}


def this_month() -> str:
    return clock.iso()[:7]


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
