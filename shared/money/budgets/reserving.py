"""Reserve before the call, settle after it.

caps = caps_of(run)                        one batch read
write(*caps.reserve(worst), hold on run)   every cap has room for the worst case, or BudgetExhausted and nothing is written
... the call ...
write(*caps.settle(worst, price), ledger)  what was reserved is free again, what it cost is spent
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.actor import SYSTEM
from shared.core.errors import LimitExceeded, Raced
from shared.core.money import micros, usd
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.budgets.rows import Budget, budget_id, new_budget, this_month
from shared.people.tenancy.rows import Workspace
from shared.store import Operation, create, fetch, get_many, retrying, update, write

THRESHOLDS = (50, 80, 100)  # percent of a workspace's month


class BudgetExhausted(LimitExceeded):
    """A cap has no room for a call's worst case."""

    def __init__(self, scope: str, needed: int, available: int, limit: int) -> None:
        super().__init__(
            Situation.USAGE_LIMIT,
            f"The {scope}'s budget has {usd(max(0, available)):.2f} USD left of {usd(limit):.2f};"
            f" the next call may cost up to {usd(needed):.2f}",
            {"scope": scope, "needed": usd(needed), "available": usd(available), "limit": usd(limit)},
        )
        self.scope = scope
        self.needed = needed
        self.available = available


@dataclass(frozen=True)
class Scope:
    """Whose money a call spends."""

    org_id: str | None
    ws_id: str
    project_id: str
    card_id: str
    run_id: str

    def budget_ids(self, month: str) -> list[str]:
        ids = [
            budget_id("workspace", self.ws_id, month),
            budget_id("project", self.project_id),
            budget_id("card", self.card_id),
            budget_id("run", self.run_id),
        ]
        return [budget_id("organization", self.org_id), *ids] if self.org_id else ids


@dataclass(frozen=True)
class Caps:
    """The caps that stand above a call, as they were read."""

    budgets: Sequence[Budget]

    def reserve(self, amount: int) -> list[Operation]:
        """Take `amount` from every cap, if each has it. Nothing to reserve for a call that costs nothing."""
        if amount <= 0:
            return []
        return [
            update(
                budget,
                [Budget.available.add(-amount), Budget.reserved.add(amount)],
                Budget.available >= amount,
                _exhausted_error(budget.scope, amount),
            )
            for budget in self.budgets
        ]

    def check_room(self, amount: int) -> None:
        """Raises BudgetExhausted when the caps as read have no room. The write decides; this only spares the try."""
        for budget in self.budgets:
            if 0 < amount > budget.available:
                raise BudgetExhausted(budget.scope, amount, int(budget.available), int(budget.limit))


def settle_reservation(reservation: Mapping[str, Any] | None, budget_ids: Sequence[str], price: int) -> list[Operation]:
    """The reservation `held` ({amount, budgets}) becomes `price`. Without one (it was released when the run ended) the price
    is spent from the caps `ids` all the same: what was used is used."""
    amount = int(reservation["amount"]) if reservation else 0
    budgets: Sequence[str] = reservation["budgets"] if reservation else budget_ids
    if amount == 0 and price == 0:
        return []
    keys = {one: Budget.key(one) for one in budgets}
    return [
        update(
            Budget(*keys[one]),
            [Budget.available.add(amount - price), Budget.reserved.add(-amount), Budget.spent.add(price)],
        )
        for one in budgets
    ]


def release_reservation(reservation: Mapping[str, Any] | None) -> list[Operation]:
    """Give back a reservation whose call will not be made or cannot be known."""
    return settle_reservation(reservation, (), 0) if reservation else []


def read_caps(scope: Scope) -> Caps:
    """The caps that exist above a call, the workspace's month always among them. One batch read; a write when the month begins
    or when its limit was changed in the workspace's settings."""
    month = this_month()
    budget_ids = scope.budget_ids(month)
    rows = get_many([(Workspace, *Workspace.key(scope.ws_id)), *((Budget, *Budget.key(one)) for one in budget_ids)])
    workspace, *budget_rows = rows
    budgets: list[Budget] = [row for row in budget_rows if isinstance(row, Budget)]
    if isinstance(workspace, Workspace):
        limit = micros(workspace.settings.get("maxMonthlyUsage", 0))
        month_budget = next((one for one in budgets if one.scope == "workspace"), None)
        if month_budget is None:
            month_budget = _create_month_budget(scope, month, limit)
            budgets.append(month_budget)
        elif month_budget.limit != limit:
            _change_limit(month_budget, limit)
        announce_thresholds(month_budget)  # where whoever spent it ended before saying so
    return Caps(budgets)


def set_limit(
    scope: str, scope_id: str, limit: int, *, month: str | None = None, org_id: str | None = None, ws_id: str | None = None
) -> Budget:
    """Give a scope a cap, or change the one it has. What is reserved and spent stays.

    Runs that wait for it do not notice by themselves: `agent_runs.approvals.resume_waiting` tells them, at the latest by the clock.
    """
    fresh = new_budget(scope, scope_id, limit, month=month, org_id=org_id, ws_id=ws_id)

    def attempt(_: int) -> Budget:
        row = get_many([(Budget, fresh.pk, fresh.sk)])[0]
        if not isinstance(row, Budget):
            write(create(fresh, _CHANGED))
            return fresh
        _change_limit(row, limit)
        return row

    return retrying(attempt, again=lambda error: error is _CHANGED)


def announce_month_thresholds(ws_id: str) -> None:
    """Say it where this month's spending has just crossed a threshold. One read."""
    budget = fetch(Budget, budget_id("workspace", ws_id, this_month()))
    if budget is not None:
        announce_thresholds(budget)


def announce_thresholds(budget: Budget) -> None:
    """Say each of 50, 80 and 100 percent that a workspace has reached of its month, once, in this order. What is reached at one stroke is
    said one after the other, the lower with `passed`: news, but nothing to write letters about."""
    reached = [one for one in THRESHOLDS if _has_reached(budget, one)]
    for threshold in reached:
        if threshold > budget.warned:
            _announce_threshold(budget, threshold, passed=threshold != reached[-1])


def _announce_threshold(budget: Budget, threshold: int, *, passed: bool) -> None:
    budget.warned = threshold
    record(
        budget,
        EventType.USAGE_THRESHOLD,
        SYSTEM,
        workspace_id=budget.scope_id,
        threshold_percentage=threshold,
        current_micros=int(budget.spent),
        limit_micros=int(budget.limit),
        passed=passed,
    )
    actions = [Budget.warned.set(threshold), Budget.event_id.set(budget.event_id), Budget.event.set(budget.event)]
    try:
        write(update(budget, actions, Budget.warned < threshold, _CHANGED))
    except Raced:
        return  # somebody else said it


def change_month_limit(ws_id: str, limit: int) -> None:
    """A workspace's monthly limit is another one now: the month's cap follows, and says what that makes of what is spent. A read and
    two writes; no cap yet, nothing to do."""
    budget = fetch(Budget, budget_id("workspace", ws_id, this_month()))
    if budget is None:
        return
    if budget.limit != limit:
        _change_limit(budget, limit)
    announce_thresholds(budget)


def _has_reached(budget: Budget, threshold: int) -> bool:
    return bool(budget.limit > 0 and budget.spent * 100 >= threshold * budget.limit)


_CHANGED = Raced("The budget was changed at the same time")


def _create_month_budget(scope: Scope, month: str, limit: int) -> Budget:
    fresh = new_budget("workspace", scope.ws_id, limit, month=month, org_id=scope.org_id, ws_id=scope.ws_id)
    try:
        write(create(fresh, _CHANGED))
    except Raced:
        row = get_many([(Budget, fresh.pk, fresh.sk)])[0]
        assert isinstance(row, Budget)  # noqa: S101 - the write just refused because it exists
        return row
    return fresh


def _change_limit(budget: Budget, limit: int) -> None:
    more = limit - int(budget.limit)
    # of a higher limit the same share is news again
    warned = max((one for one in THRESHOLDS if one <= budget.warned and budget.spent * 100 >= one * limit > 0), default=0)
    actions = [Budget.limit.set(limit), Budget.available.add(more), Budget.warned.set(warned)]
    try:
        write(update(budget, actions, Budget.limit == int(budget.limit), _CHANGED))
    except Raced:
        return  # somebody else brought it up to date
    budget.limit, budget.available, budget.warned = limit, budget.available + more, warned


def _exhausted_error(scope: str, amount: int) -> Any:
    def build_error(row: dict[str, Any] | None) -> BudgetExhausted:
        def number(name: str) -> int:
            return int(row[name]["N"]) if row and name in row else 0

        return BudgetExhausted(scope, amount, number("available"), number("limit"))

    return build_error
