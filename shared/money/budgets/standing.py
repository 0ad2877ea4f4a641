"""What the budgets still allow: those of a project, of its organization and of the months of its workspaces."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.money.budgets.reserving import month_limit
from shared.money.budgets.rows import Budget, budget_id, this_month
from shared.people.tenancy.rows import Workspace
from shared.store import RowKey, get_all

MONTH_ALERT = 80
"""Percent of a workspace's month at which it is said to come to its end, as in its mails."""


@dataclass(frozen=True)
class Standing:
    """`remaining` is what may be spent until the first budget is used up, in micro-dollars; None: there is no budget at all."""

    remaining: int | None
    is_alerting: bool = False

    def status(self, next_week: int | None) -> str:
        """Return exceeded, at_risk (a budget has reached its threshold, or `next_week` is more than is left), within_budget, no_budget."""
        if self.remaining is None:
            return "no_budget"
        if self.remaining <= 0:
            return "exceeded"
        return "at_risk" if self.is_alerting or (next_week or 0) > self.remaining else "within_budget"


def read_standing(org_id: str | None, ws_ids: Iterable[str], project_id: str | None = None) -> Standing:
    """Read what the budgets of an organization, of the months of these workspaces together, and of a project allow. One round trip."""
    ids, month = list(ws_ids), this_month()
    above = [budget_id("organization", org_id)] if org_id else []
    above += [budget_id("project", project_id)] if project_id else []
    keys: list[RowKey] = [(Budget, *Budget.key(one)) for one in above]
    keys += [(Workspace, *Workspace.key(ws_id)) for ws_id in ids]
    keys += [(Budget, *Budget.key(budget_id("workspace", ws_id, month))) for ws_id in ids]
    rows = get_all(keys, consistent=False)
    limits = [row for row in rows[: len(above)] if isinstance(row, Budget) and not row.is_over]
    available = [int(budget.limit) - int(budget.spent) for budget in limits]
    alerting = any(budget.is_alerting for budget in limits)
    workspaces, months = rows[len(above) :][: len(ids)], rows[len(above) + len(ids) :]
    left = 0
    for workspace, spent in zip(workspaces, months, strict=True):
        if isinstance(workspace, Workspace):
            limit, used = month_limit(workspace), int(spent.spent) if isinstance(spent, Budget) else 0
            left += limit - used
            alerting = alerting or used * 100 >= MONTH_ALERT * limit
    if ids:
        available.append(left)
    return Standing(min(available) if available else None, alerting)
