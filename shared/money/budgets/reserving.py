"""Reserve money before a model call, settle it afterwards.

caps = read_caps(scope)                              one batch read
write(*caps.reserve(worst), hold on run)             every budget has room for the highest price; otherwise BudgetExhausted, nothing written
... the call ...
write(*settle_reservation(hold, ids, price), ledger) the reservation is released, the real price is spent
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import SYSTEM
from shared.core.errors import ConditionFailed, LimitExceeded
from shared.core.money import micros, usd, usd_text
from shared.core.plans import PLANS
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.budgets.rows import EXCEEDED, Budget, budget_id, new_budget, this_month, within
from shared.people.tenancy.limits import change_of_plan, how_to_raise, workspace_limit
from shared.people.tenancy.rows import Workspace
from shared.store import Operation, create, fetch, get_many, retrying, update, write

THRESHOLDS = (50, 80, 100)  # percent of a workspace's month


class BudgetExhausted(LimitExceeded):
    """A budget has no room for the highest possible price of a call. `needed` is 0 if it is used up; `remedy` says how to raise it."""

    def __init__(self, scope: str, needed: int, available: int, limit: int, remedy: str = "") -> None:
        left, amount = max(0, available), f"{limit:,} tokens" if scope == "tokens" else f"{usd_text(limit)} USD"
        if scope == "tokens":
            reason = (
                f"Models without a known price have {left:,} of {amount} left this month; the next call may use up to {needed:,}"
            )
        elif needed:
            reason = f"The {scope}'s budget has {usd_text(left)} USD left of {amount}; the next call may cost up to {usd_text(needed)} USD"
        else:
            reason = f"The {scope} has used its budget of {amount}"
        figures = {"available": left, "limit": limit} | ({"needed": needed} if needed else {})
        shown = figures if scope == "tokens" else {name: usd(figure) for name, figure in figures.items()}
        super().__init__(Situation.USAGE_LIMIT, f"{reason}{remedy and '; '}{remedy}", {"scope": scope} | shown)
        self.scope = scope
        self.needed = needed
        self.available = left
        self.unit = "tokens" if scope == "tokens" else "micros"


@dataclass(frozen=True)
class Scope:
    """The objects whose budgets a call uses."""

    org_id: str | None
    ws_id: str
    project_id: str
    card_id: str
    run_id: str
    in_tokens: bool = False
    """Whether the model has no known price: then its tokens are limited, and no money."""
    agent_id: str | None = None
    phase_id: str | None = None

    @property
    def monthly(self) -> tuple[str, str]:
        """The scope of the budget that ends with the month, and the setting that is its limit."""
        return ("tokens", "maxUnpricedTokens") if self.in_tokens else ("workspace", "maxMonthlyUsage")

    def budget_ids(self, month: str) -> list[str]:
        if self.in_tokens:
            return [budget_id("tokens", one, month) for one in (self.ws_id, self.org_id) if one]
        ids = [
            budget_id("workspace", self.ws_id, month),
            budget_id("project", self.project_id),
            budget_id("card", self.card_id),
            budget_id("run", self.run_id),
        ]
        if self.org_id is None:
            return ids
        parts = (("agent", self.agent_id), ("phase", self.phase_id))
        shared = [budget_id(scope, within(self.org_id, value)) for scope, value in parts if value]
        return [budget_id("organization", self.org_id), *shared, *ids]


@dataclass(frozen=True)
class Caps:
    """The budgets that limit a call, as they were read."""

    budgets: Sequence[Budget]
    remedies: Mapping[str, str] = field(default_factory=dict)
    """How to raise the limit, by the budget's id."""

    def reserve(self, amount: int) -> list[Operation]:
        """Return the operations that reserve `amount` in every budget; the write fails with BudgetExhausted. None for an amount of 0."""
        if amount <= 0:
            return []
        return [
            update(
                budget,
                [Budget.available.add(-amount), Budget.reserved.add(amount)],
                Budget.available >= amount,
                _exhausted_error(budget.scope, amount, self.remedies.get(budget.id, "")),
            )
            for budget in self.budgets
        ]

    def check_room(self, amount: int) -> None:
        """Raise BudgetExhausted if the budgets as read have no room; the write decides, this check only avoids useless writes."""
        for budget in self.budgets:
            if 0 < amount > budget.available:
                remedy = self.remedies.get(budget.id, "")
                raise BudgetExhausted(budget.scope, amount, int(budget.available), int(budget.limit), remedy)


def settle_reservation(reservation: Mapping[str, Any] | None, budget_ids: Sequence[str], price: int) -> list[Operation]:
    """Return the operations that replace a reservation ({amount, budgets}) by the real price.

    Without a reservation (it was released when the run ended) the price is spent from `budget_ids`.
    """
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
    """Return the operations that release a reservation whose call was not made or has no known result."""
    return settle_reservation(reservation, (), 0) if reservation else []


def read_caps(scope: Scope) -> Caps:
    """Read the budgets that limit a call; the workspace's month is always one of them. One batch read; also a write when the month begins
    or its limit was changed in the workspace's settings.

    Models without a known price are paid by nobody: an organization's free workspaces share the tokens of one free plan.
    """
    month = this_month()
    budget_ids = scope.budget_ids(month)
    rows = get_many([(Workspace, *Workspace.key(scope.ws_id)), *((Budget, *Budget.key(one)) for one in budget_ids)])
    workspace, *budget_rows = rows
    remedies: dict[str, str] = {}
    budgets: list[Budget] = [row for row in budget_rows if isinstance(row, Budget) and not row.is_over]
    if isinstance(workspace, Workspace):
        name, setting = scope.monthly
        limit, plan = month_limit(workspace, setting), PLANS[workspace.plan]
        own = new_budget(name, scope.ws_id, limit, month=month, org_id=scope.org_id, ws_id=scope.ws_id)
        month_budget = _month_budget(budgets, own)
        remedies[month_budget.id] = how_to_raise(workspace, setting)
        if not scope.in_tokens:
            announce_thresholds(month_budget)  # if the process that spent it died before the announcement
        elif scope.org_id and plan.is_free:
            free = new_budget(name, scope.org_id, plan.max_unpriced_tokens or 0, month=month, org_id=scope.org_id)
            remedies[_month_budget(budgets, free).id] = change_of_plan(plan.key, "max_unpriced_tokens")
        else:
            budgets = [month_budget]
    return Caps(budgets, remedies)


def month_limit(workspace: Workspace, setting: str = "maxMonthlyUsage") -> int:
    """Return the limit of a month's calls: in micro-dollars, of models without a known price in tokens."""
    limit = workspace_limit(workspace, setting)
    return micros(limit) if setting == "maxMonthlyUsage" else int(limit)


def set_limit(
    scope: str, scope_id: str, limit: int, *, month: str | None = None, org_id: str | None = None, ws_id: str | None = None
) -> Budget:
    """Create or change the budget of a scope; reserved and spent amounts stay.

    Waiting runs are not resumed here: `agent_runs.approvals.resume_waiting` does it, at the latest by schedule.
    """
    fresh = new_budget(scope, scope_id, limit, month=month, org_id=org_id, ws_id=ws_id)

    def attempt(_: int) -> Budget:
        row = get_many([(Budget, fresh.pk, fresh.sk)])[0]
        if not isinstance(row, Budget):
            write(create(fresh, _BudgetChanged))
            return fresh
        _change_limit(row, limit)
        return row

    return retrying(attempt, again=lambda error: isinstance(error, _BudgetChanged))


def announce_spending(scope: Scope) -> None:
    """Announce the thresholds that spending has crossed, of the workspace's month and of every budget that has one; one batch read."""
    for budget in get_many([(Budget, *Budget.key(one)) for one in scope.budget_ids(this_month())]):
        if not isinstance(budget, Budget) or budget.is_over:
            continue
        if budget.scope == "workspace":
            announce_thresholds(budget)
        else:
            announce_alert(budget, scope.ws_id)


def announce_alert(budget: Budget, ws_id: str | None) -> None:
    """Record once that a budget has reached its threshold, and once that it is used up. `ws_id` is the workspace in which it happened."""
    level = budget.alert_level
    if level <= budget.warned:
        return
    kind = EventType.BUDGET_EXCEEDED if level == EXCEEDED else EventType.BUDGET_WARNING
    budget.warned = level
    record(budget, kind, SYSTEM, **alert_data(budget), workspace_id=ws_id)
    actions = [Budget.warned.set(level), Budget.event_id.set(budget.event_id), Budget.event.set(budget.event)]
    # somebody else announced it
    with suppress(_BudgetChanged):
        write(update(budget, actions, Budget.warned < level, _BudgetChanged))


def alert_data(budget: Budget) -> dict[str, Any]:
    """Return the data of a budget's events."""
    return {
        "scope": budget.scope,
        "scope_id": budget.scope_id,
        "limit_micros": int(budget.limit),
        "spent_micros": int(budget.spent),
        "alert_threshold": None if budget.alert_threshold is None else float(budget.alert_threshold),
    }


def announce_thresholds(budget: Budget) -> None:
    """Record an event for each threshold (50, 80, 100 percent) that a workspace's month has reached, once, in this order.

    If several are reached at once, the lower ones have `passed`: they cause no e-mail.
    """
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
        write(update(budget, actions, Budget.warned < threshold, _BudgetChanged))
    except ConditionFailed:
        return  # somebody else announced it


def change_month_limit(ws_id: str, limit: int) -> None:
    """Apply a workspace's new monthly limit to this month's budget, if there is one, and announce thresholds; a read and two writes."""
    budget = fetch(Budget, budget_id("workspace", ws_id, this_month()))
    if budget is None:
        return
    if budget.limit != limit:
        _change_limit(budget, limit)
    announce_thresholds(budget)


def _has_reached(budget: Budget, threshold: int) -> bool:
    return bool(budget.limit > 0 and budget.spent * 100 >= threshold * budget.limit)


class _BudgetChanged(ConditionFailed):
    """The budget was changed at the same time."""


def _month_budget(budgets: list[Budget], fresh: Budget) -> Budget:
    """Return a month's budget with the limit of `fresh`: from the budgets that were read, else `fresh`, which is written and added."""
    known = next((one for one in budgets if one.id == fresh.id), None)
    if known is None:
        known = _create_budget(fresh)
        budgets.append(known)
    elif known.limit != fresh.limit:
        _change_limit(known, int(fresh.limit))
    return known


def _create_budget(fresh: Budget) -> Budget:
    try:
        write(create(fresh, _BudgetChanged))
    except ConditionFailed:
        row = get_many([(Budget, fresh.pk, fresh.sk)])[0]
        assert isinstance(row, Budget)  # noqa: S101 - the write just refused because it exists
        return row
    return fresh


def _change_limit(budget: Budget, limit: int) -> None:
    more = limit - int(budget.limit)
    # after a higher limit the same threshold is announced again
    warned = max((one for one in THRESHOLDS if one <= budget.warned and budget.spent * 100 >= one * limit > 0), default=0)
    actions = [Budget.limit.set(limit), Budget.available.add(more), Budget.warned.set(warned)]
    try:
        write(update(budget, actions, Budget.limit == int(budget.limit), _BudgetChanged))
    except ConditionFailed:
        return  # somebody else updated it
    budget.limit, budget.available, budget.warned = limit, budget.available + more, warned


def _exhausted_error(scope: str, amount: int, remedy: str) -> Any:
    def build_error(row: dict[str, Any] | None) -> BudgetExhausted:
        def number(name: str) -> int:
            return int(row[name]["N"]) if row and name in row else 0

        return BudgetExhausted(scope, amount, number("available"), number("limit"), remedy)

    return build_error
