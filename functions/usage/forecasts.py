"""omoios, section 16: what will be spent."""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.agents.providers.port import TokenUsage
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.money import usd
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.omoios import Id
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.insight.statistics.reading import Range, Tallies, begin_project_tallies, begin_visible_tallies
from shared.insight.statistics.tasks import begin_pending_tasks
from shared.money.billing.prices import Priced, call_cost
from shared.money.billing.pricing import customer_price_micros
from shared.money.budgets.standing import read_standing
from shared.money.usage import costs, forecasting
from shared.money.usage.costs import CostSums

WEEK, MONTH = 7, 30
BUFFER: Final = 1.2
"""How much more tokens a forecast counts with, as the original service does."""
INPUT_PARTS: Final = 4, 5
"""The share of a task's tokens that is read and not written: an agent's turns read their conversation again."""


def amount_of(amount_micros: int | None) -> float | None:
    return None if amount_micros is None else usd(amount_micros)


class CostForecast(Shape):
    """From what was spent on each day of the last thirty; `method` says how, and whether there is too little to say more. The interval
    is of 80 %. `queue_cost` is what the pending tasks will cost at the average of those that were completed in these days."""

    estimated_monthly: float | None
    estimated_weekly: float | None
    queue_depth: int
    average_cost_per_task: float | None
    budget_status: Literal["within_budget", "at_risk", "exceeded", "no_budget"]
    weekly_low: float | None
    weekly_high: float | None
    monthly_low: float | None
    monthly_high: float | None
    queue_cost: float | None
    budget_remaining: float | None
    basis_days: int
    method: str


class ForecastTasks(Request):
    pending_task_count: Annotated[int, Field(gt=0, le=1_000_000)]
    avg_tokens_per_task: Annotated[int, Field(gt=0, le=100_000_000)] = 5_000
    provider: Annotated[str, Field(max_length=50)] = "anthropic"
    model: Annotated[str, Field(max_length=200)] = "claude-sonnet-4.5"


class TasksForecast(Shape):
    """In USD, as the customer pays it. `price_table` names where the model's price is from."""

    task_count: int
    estimated_cost: float
    estimated_tokens: int
    avg_tokens_per_task: int
    buffer_multiplier: float
    price_table: str


async def forecast(caller: Caller, project_id: Id | None = None) -> CostForecast:
    """Forecast the costs of a project (`project_id`, an addition) or of all the caller's workspaces."""
    today = clock.now().date()
    sums, counted, (org_id, ws_ids, project) = _forecast_basis(caller, project_id, str(_history_begin(today)))
    pending = [begin_pending_tasks(ws_id, project) for ws_id in ws_ids]
    standing = read_standing(org_id, ws_ids, project)
    days = forecasting.history(sums.days, today)
    week, month = forecasting.estimate(days, WEEK), forecasting.estimate(days, MONTH)
    done = sum(tally.tasks_completed for tally in counted.by_value.values())
    average = sum(sums.days.values()) // done if done else None
    waiting = sum(count() for count in pending)
    return CostForecast(
        estimated_monthly=amount_of(month.expected),
        estimated_weekly=amount_of(week.expected),
        queue_depth=waiting,
        average_cost_per_task=amount_of(average),
        budget_status=standing.status(week.expected),
        weekly_low=amount_of(week.low),
        weekly_high=amount_of(week.high),
        monthly_low=amount_of(month.low),
        monthly_high=amount_of(month.high),
        queue_cost=None if average is None else usd(average * waiting),
        budget_remaining=amount_of(standing.remaining),
        basis_days=len(days),
        method=forecasting.method_of(days),
    )


def _history_begin(today: date) -> date:
    return date.fromordinal(today.toordinal() - forecasting.HISTORY_DAYS)


def _forecast_basis(
    caller: Actor, project_id: str | None, since: str
) -> tuple[CostSums, Tallies, tuple[str | None, list[str], str | None]]:
    """Return what was spent, what was completed on each day since, and whose budgets hold: organization, workspaces, project."""
    if project_id is None:
        visible = begin_visible_tallies(caller, Range("DAY", since), Permission.USAGE_READ)
        sums = costs.visible_costs(caller, "provider")
        seen = [ws_id for ws_id in caller.workspaces if caller.may(Permission.USAGE_READ, ws_id)]
        return sums, visible(), (caller.org_id, seen, None)
    begun = costs.begin_project_costs(project_id, "provider")
    tallies = begin_project_tallies(project_id, Range("DAY", since))
    project = costs.project_of_costs(caller, project_id)
    return begun(), tallies(), (project.org_id, [str(project.ws_id)], project.id)


async def forecast_tasks(body: ForecastTasks, caller: Caller) -> TasksForecast:
    """Forecast what tasks will cost with a model, from their number and their tokens, a fifth more as a buffer. Four of five tokens are
    counted as read, one as written."""
    tokens = -(-body.pending_task_count * body.avg_tokens_per_task * round(BUFFER * 10) // 10)
    read, of = INPUT_PARTS
    each = -(-body.avg_tokens_per_task * round(BUFFER * 10) // 10)
    price = call_cost(body.provider, body.model, TokenUsage(input=each * read // of, output=each - each * read // of))
    if not isinstance(price, Priced):
        raise Invalid(FieldError("model", f"The price of {body.model} of the provider {body.provider} is not known", body.model))
    return TasksForecast(
        task_count=body.pending_task_count,
        estimated_cost=usd(customer_price_micros(price.cost_micros) * body.pending_task_count),
        estimated_tokens=tokens,
        avg_tokens_per_task=body.avg_tokens_per_task,
        buffer_multiplier=BUFFER,
        price_table=price.table,
    )


def publish(routes: Routes) -> None:
    """Declare the forecasts."""
    routes.get("/costs/forecast", "costs.forecast", permission=Permission.USAGE_READ)(forecast)
    routes.post("/costs/forecast", "costs.forecastPost")(forecast_tasks)
