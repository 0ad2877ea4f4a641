"""omoios, section 16: the budgets of costs."""

from datetime import UTC
from hashlib import sha256
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import AfterValidator, Field

from shared.core import clock
from shared.core.actor import Permission
from shared.core.money import micros, usd
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Date, Offset
from shared.edge.contracts.omoios import Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.events import BUDGET_SCOPES
from shared.money.budgets import setting
from shared.money.budgets.rows import Budget

_SCOPE_NAMES: Final = {scope: BUDGET_SCOPES.get(scope, scope) for scope in setting.SETTABLE}
_SCOPES: Final = {name: scope for scope, name in _SCOPE_NAMES.items()}
"""The scopes of budgets under this contract's names; `project` is an addition."""
ScopeType = Literal["global", "ticket", "agent", "phase", "project"]


def number_of(text: str) -> int:
    """Return a whole number for an id: the same for the same id, and small enough for a JavaScript number."""
    return int.from_bytes(sha256(text.encode()).digest()[:8]) >> 11


def _moment(value: str) -> str:
    return clock.iso(clock.parse(value).astimezone(UTC))


class BudgetResponse(Shape):
    """Money in USD. `reserved_amount` is held by model calls that are under way; a call begins only if its highest price fits into what
    neither they nor those before have used."""

    id: int
    scope_type: str
    scope_id: str
    limit_amount: float
    spent_amount: float
    remaining_amount: float
    period_start: str
    period_end: str | None
    alert_threshold: float | None
    alert_triggered: bool
    utilization_percent: float
    created_at: str
    updated_at: str
    reserved_amount: float


class BudgetCheck(Shape):
    """All amounts are 0 if there is no budget that holds now."""

    exists: bool
    limit: float
    spent: float
    remaining: float
    utilization_percent: float
    exceeded: bool
    alert_threshold: float | None
    alert_triggered: bool | None


class CreateBudget(Request):
    """`scope_id`: the id of the ticket, agent or project, or the name of the phase; a global budget is the organization's. Without
    `period_end` the budget has no end."""

    scope_type: ScopeType
    scope_id: Id | None = None
    limit_amount: Annotated[float, Field(gt=0, le=1_000_000_000, allow_inf_nan=False)]
    period_end: Annotated[Date, AfterValidator(_moment)] | None = None
    alert_threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.8


async def budgets(
    caller: Caller,
    call: ThisCall,
    scope_type: ScopeType | None = None,
    scope_id: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Offset = 0,
) -> list[BudgetResponse]:
    """List the budgets that people have set, also those whose period is over: 5,000 of a scope in a workspace at most. `X-Total-Count`
    has their number. `scope_id` is an addition."""
    found, total = setting.list_budgets(caller, _SCOPES[scope_type] if scope_type else None, scope_id, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [_budget(one) for one in found]


async def create_budget(body: CreateBudget, caller: Caller) -> BudgetResponse:
    """Set the budget of a scope; it stops runs from their next model call on. Of a scope that has one it sets the limit, the threshold and
    the end anew, and what was spent in its period stays."""
    terms = setting.Terms(micros(body.limit_amount), body.alert_threshold, body.period_end)
    return _budget(setting.set_budget(caller, _SCOPES[body.scope_type], body.scope_id, terms))


async def check_budget(caller: Caller, scope_type: ScopeType, scope_id: Id | None = None) -> BudgetCheck:
    """Tell what the budget of a scope allows now."""
    budget = setting.find_budget(caller, _SCOPES[scope_type], scope_id)
    if budget is None:
        return BudgetCheck(
            exists=False,
            limit=0,
            spent=0,
            remaining=0,
            utilization_percent=0,
            exceeded=False,
            alert_threshold=None,
            alert_triggered=None,
        )
    return BudgetCheck(
        exists=True,
        limit=usd(int(budget.limit)),
        spent=usd(int(budget.spent)),
        remaining=usd(int(budget.limit) - int(budget.spent)),
        utilization_percent=_utilization(budget),
        exceeded=budget.is_exceeded,
        alert_threshold=_threshold(budget),
        alert_triggered=budget.is_alerting,
    )


def _threshold(budget: Budget) -> float | None:
    return None if budget.alert_threshold is None else float(budget.alert_threshold)


def _utilization(budget: Budget) -> float:
    return round(100 * int(budget.spent) / int(budget.limit), 2) if budget.limit else 100.0


def _budget(budget: Budget) -> BudgetResponse:
    _, _, value = str(budget.scope_id).rpartition("/")
    return BudgetResponse(
        id=number_of(budget.id),
        scope_type=_SCOPE_NAMES[budget.scope],
        scope_id=value,
        limit_amount=usd(int(budget.limit)),
        spent_amount=usd(int(budget.spent)),
        remaining_amount=usd(int(budget.limit) - int(budget.spent)),
        period_start=budget.period_start or budget.created_at,
        period_end=budget.period_end,
        alert_threshold=_threshold(budget),
        alert_triggered=budget.is_alerting,
        utilization_percent=_utilization(budget),
        created_at=budget.created_at,
        updated_at=budget.updated_at,
        reserved_amount=usd(int(budget.reserved)),
    )


def publish(routes: Routes) -> None:
    """Declare the operations of budgets."""
    routes.get("/costs/budgets", "costs.budgets", permission=Permission.USAGE_READ)(budgets)
    routes.post("/costs/budgets", "costs.createBudget", status=201, permission=Permission.WORKSPACE_WRITE)(create_budget)
    routes.get("/costs/budgets/check", "costs.checkBudget", permission=Permission.USAGE_READ)(check_budget)
