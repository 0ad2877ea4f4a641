"""A cap, and what is left of it.

DynamoDB's conditions do no arithmetic, so the row keeps the answer itself: `available = limit - reserved - spent`, all four changed
in the same update. `available` may go below zero in two cases: the limit was lowered, or a call settled that nobody had reserved.
"""

from typing import Final

from shared.core import clock
from shared.store import Entity, NumberAttribute, UnicodeAttribute

SCOPES: Final = ("organization", "workspace", "project", "card", "run")
"""From the widest to the narrowest. A workspace's cap is for a month; the others are for good."""


class Budget(Entity):
    """At `BUDGET#<scope>:<id>[:<month>], META`. Micro-dollars of customer price."""

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
    """The highest threshold, in percent, that was announced."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"BUDGETS#{self.ws_id or self.org_id}", f"{self.scope}#{self.scope_id}#{self.month or ''}")}


def this_month() -> str:
    return clock.iso()[:7]


def budget_id(scope: str, scope_id: str, month: str | None = None) -> str:
    return f"{scope}:{scope_id}" + (f":{month}" if month else "")


def new_budget(
    scope: str, scope_id: str, limit: int, *, month: str | None = None, org_id: str | None = None, ws_id: str | None = None
) -> Budget:
    """A budget of which nothing is spent, not yet written."""
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
