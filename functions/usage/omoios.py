"""omoios, section 16: costs, budgets and forecasts.

A cost is what the customer pays for a call, as in the statistics of a project: budgets hold this money, and everybody who may see costs
sees the same figure. What the provider charges is the addition `provider_cost`, for who may see it (`Actor.sees_costs`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import Query
from pydantic import Field

from functions.usage import budgets
from functions.usage.budgets import number_of
from shared.agents.catalogue.registry import get_agent
from shared.agents.providers.port import TokenUsage
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.core.money import usd
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.money.billing.prices import Priced, call_cost
from shared.money.billing.pricing import customer_price_micros
from shared.money.budgets.standing import read_standing
from shared.money.usage import costs, forecasting
from shared.money.usage.costs import CostSums, LineFilter
from shared.money.usage.reading import Sum
from shared.money.usage.rows import UsageLine
from shared.runs.agent_runs.rows import Run
from shared.store import load
from shared.work.boards.lanes import canonical_phase
from shared.work.statistics.reading import AGENTS, Range, Tallies, begin_project_tallies, visible_tallies
from shared.work.statistics.tasks import begin_pending_tasks

routes = Routes(OMOIOS, "usage")
budgets.publish(routes)

SummaryScope = Literal["global", "ticket", "agent", "phase", "project", "task"]
BUFFER: Final = 1.2
"""How much more tokens a forecast counts with, as the original service does."""
INPUT_PARTS: Final = 4, 5
"""The share of a task's tokens that is read and not written: an agent's turns read their conversation again."""
_WEEK, _MONTH = 7, 30


class AgentCost(Shape):
    agent_id: str
    cost: float
    tasks_completed: int
    provider_cost: float | None


class ProjectForecast(Shape):
    """`low` and `high` are an interval of 80 %; null where `method` says that the history is too short."""

    estimated_monthly: float | None
    budget_remaining: float | None
    low: float | None
    high: float | None
    method: str


class ProjectCosts(Shape):
    """In USD, as the customer pays it. What was used before phases were counted is in no phase."""

    project_id: str
    total_cost: float
    cost_by_agent: list[AgentCost]
    cost_by_phase: dict[str, float]
    forecast: ProjectForecast
    provider_cost: float | None


class DailyCost(Shape):
    date: str
    cost: float


class AgentCosts(Shape):
    """`cost_trend`: the last seven whole days cost at least a tenth more or less than the seven before, else it is stable.
    `recent_costs` are the days with usage of the last thirty, newest first. `cost_per_task` is null before the first completed task."""

    agent_id: str
    total_cost: float
    cost_per_task: float | None
    cost_trend: Literal["increasing", "decreasing", "stable"]
    recent_costs: list[DailyCost]
    provider_cost: float | None


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


class CostRecord(Shape):
    """A model call. `task_id` is the run that made it. Costs are null if the model has no known price."""

    id: int
    task_id: str
    agent_id: str
    provider: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_cost: float | None
    completion_cost: float | None
    total_cost: float | None
    recorded_at: str
    provider_cost: float | None


class CostPart(Shape):
    """A part of a sum: of a provider, an agent or a month, as `dimension` says."""

    dimension: str
    value: str
    total_cost: float
    total_tokens: int
    record_count: int


class CostSummary(Shape):
    """`unpriced_count` calls used a model without a known price; they are in no cost."""

    scope_type: str
    scope_id: str
    total_cost: float
    total_tokens: int
    record_count: int
    breakdown: list[CostPart]
    unpriced_count: int
    provider_cost: float | None


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


def _amount(amount_micros: int | None) -> float | None:
    return None if amount_micros is None else usd(amount_micros)


def _provider_cost(caller: Actor, total: Sum) -> float | None:
    return usd(total.cost_micros) if caller.sees_costs else None


@routes.get("/costs/projects/{project_id}", "costs.project", permission=Permission.USAGE_READ)
async def project_costs(project_id: str, caller: Caller) -> ProjectCosts:
    """Get what a project has cost, by agent and by phase, and what it will cost."""
    agents = costs.begin_project_costs(project_id)
    phases = costs.begin_project_costs(project_id, "phase")
    counted = begin_project_tallies(project_id, AGENTS)
    project = costs.project_of_costs(caller, project_id)
    standing = read_standing(project.org_id, [str(project.ws_id)], project.id)
    sums, done = agents(), counted().by_value
    days = forecasting.history(sums.days, clock.now().date())
    month = forecasting.estimate(days, _MONTH)
    return ProjectCosts(
        project_id=project.id,
        total_cost=usd(sums.total.price_micros),
        cost_by_agent=[
            AgentCost(
                agent_id=agent_id,
                cost=usd(part.price_micros),
                tasks_completed=done[agent_id].tasks_completed if agent_id in done else 0,
                provider_cost=_provider_cost(caller, part),
            )
            for agent_id, part in sorted(sums.parts.items(), key=lambda one: (-one[1].price_micros, one[0]))
        ],
        cost_by_phase={phase: usd(part.price_micros) for phase, part in sorted(phases().parts.items())},
        forecast=ProjectForecast(
            estimated_monthly=_amount(month.expected),
            budget_remaining=_amount(standing.remaining),
            low=_amount(month.low),
            high=_amount(month.high),
            method=forecasting.method_of(days),
        ),
        provider_cost=_provider_cost(caller, sums.total),
    )


@routes.get("/costs/agents/{agent_id}", "costs.agent", permission=Permission.USAGE_READ)
async def agent_costs(agent_id: str, caller: Caller) -> AgentCosts:
    """Get what an agent has cost in all the caller's workspaces."""
    agent = get_agent(agent_id)
    sums = costs.visible_costs(caller, "agent", agent.id)
    counted = visible_tallies(caller, Range.agent(agent.id), Permission.USAGE_READ).by_value
    done = counted[agent.id].tasks_completed if agent.id in counted else 0
    return AgentCosts(
        agent_id=agent.id,
        total_cost=usd(sums.total.price_micros),
        cost_per_task=usd(sums.total.price_micros // done) if done else None,
        cost_trend=forecasting.trend(sums.days, clock.now().date()),
        recent_costs=[DailyCost(date=str(day), cost=usd(price)) for day, price in sorted(sums.days.items(), reverse=True)],
        provider_cost=_provider_cost(caller, sums.total),
    )


@routes.get("/costs/forecast", "costs.forecast", permission=Permission.USAGE_READ)
async def forecast(caller: Caller, project_id: Id | None = None) -> CostForecast:
    """Forecast the costs of a project (`project_id`, an addition) or of all the caller's workspaces."""
    today = clock.now().date()
    sums, counted, (org_id, ws_ids, project) = _forecast_basis(caller, project_id, str(_history_begin(today)))
    pending = [begin_pending_tasks(ws_id, project) for ws_id in ws_ids]
    standing = read_standing(org_id, ws_ids, project)
    days = forecasting.history(sums.days, today)
    week, month = forecasting.estimate(days, _WEEK), forecasting.estimate(days, _MONTH)
    done = sum(tally.tasks_completed for tally in counted.by_value.values())
    average = sum(sums.days.values()) // done if done else None
    waiting = sum(count() for count in pending)
    return CostForecast(
        estimated_monthly=_amount(month.expected),
        estimated_weekly=_amount(week.expected),
        queue_depth=waiting,
        average_cost_per_task=_amount(average),
        budget_status=standing.status(week.expected),
        weekly_low=_amount(week.low),
        weekly_high=_amount(week.high),
        monthly_low=_amount(month.low),
        monthly_high=_amount(month.high),
        queue_cost=None if average is None else usd(average * waiting),
        budget_remaining=_amount(standing.remaining),
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
        sums = costs.visible_costs(caller, "provider")
        counted = visible_tallies(caller, Range("DAY", since), Permission.USAGE_READ)
        seen = [ws_id for ws_id in caller.workspaces if caller.may(Permission.USAGE_READ, ws_id)]
        return sums, counted, (caller.org_id, seen, None)
    begun = costs.begin_project_costs(project_id, "provider")
    tallies = begin_project_tallies(project_id, Range("DAY", since))
    project = costs.project_of_costs(caller, project_id)
    return begun(), tallies(), (project.org_id, [str(project.ws_id)], project.id)


@routes.post("/costs/forecast", "costs.forecastPost")
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


@routes.get("/costs/records", "costs.records", permission=Permission.USAGE_READ)
async def records(
    caller: Caller,
    call: ThisCall,
    task_id: Id | None = None,
    agent_id: Id | None = None,
    project_id: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str, Query(max_length=2_000)] | None = None,
) -> list[CostRecord]:
    """List model calls, newest first: of a run (`task_id`), an agent, a project (an addition), or of all the caller's workspaces.

    `X-Total-Count` has their number; `X-Next-Cursor`, if there are more, the `cursor` of the next page (both additions).
    """
    if task_id is not None:
        run = load(Run, task_id, caller, Permission.USAGE_READ)
        calls = int(run.calls) if agent_id is None or get_agent(agent_id).id == run.agent_id else 0
        page = costs.list_run_lines(caller, run.id, calls, limit=limit, cursor=cursor) if calls else costs.LinePage([], 0, None)
    else:
        wanted = LineFilter(project_id, get_agent(agent_id).id if agent_id else None)
        page = costs.list_lines(caller, wanted, limit=limit, cursor=cursor)
    call.headers.append(("X-Total-Count", str(page.total)))
    if page.next is not None:
        call.headers.append(("X-Next-Cursor", page.next))
    return [_record(line, caller) for line in page.lines]


def _record(line: UsageLine, caller: Actor) -> CostRecord:
    written, price = line.output_price_micros, int(line.customer_price_micros)
    return CostRecord(
        id=number_of(line.id),
        task_id=line.run_id,
        agent_id=line.agent_id,
        provider=line.provider,
        model=line.model,
        prompt_tokens=line.tokens - int(line.output_tokens),
        completion_tokens=int(line.output_tokens),
        total_tokens=line.tokens,
        prompt_cost=None if line.unpriced else usd(price - written),
        completion_cost=None if line.unpriced else usd(written),
        total_cost=None if line.unpriced else usd(price),
        recorded_at=line.at,
        provider_cost=usd(int(line.provider_cost_micros)) if caller.sees_costs and not line.unpriced else None,
    )


@routes.get("/costs/summary", "costs.summary", permission=Permission.USAGE_READ)
async def summary(caller: Caller, scope_type: SummaryScope, scope_id: Id | None = None) -> CostSummary:
    """Sum the costs of a scope: of everything the caller sees, by provider; of an agent or a phase, by month; of a ticket, by agent; of a
    project (an addition), by provider; of a run (`task`)."""
    if scope_type == "global":
        return _summary(caller, scope_type, caller.org_id or "", costs.visible_costs(caller, "provider"))
    if not scope_id:
        raise Invalid(FieldError("scope_id", "This scope needs the id of what is summed", scope_id))
    if scope_type == "agent":
        agent = get_agent(scope_id)
        return _summary(caller, scope_type, agent.id, costs.visible_costs(caller, "agent", agent.id))
    if scope_type == "phase":
        phase = canonical_phase(scope_id)
        return _summary(caller, scope_type, phase, costs.visible_costs(caller, "phase", phase))
    if scope_type == "ticket":
        return _summary(caller, scope_type, scope_id, costs.card_costs(caller, scope_id))
    if scope_type == "task":
        return _run_summary(caller, load(Run, scope_id, caller, Permission.USAGE_READ))
    begun = costs.begin_project_costs(scope_id, "provider")
    costs.project_of_costs(caller, scope_id)
    return _summary(caller, scope_type, scope_id, begun())


def _summary(caller: Actor, scope_type: str, scope_id: str, sums: CostSums) -> CostSummary:
    return CostSummary(
        scope_type=scope_type,
        scope_id=scope_id,
        total_cost=usd(sums.total.price_micros),
        total_tokens=sums.total.tokens,
        record_count=sums.total.calls,
        breakdown=_breakdown(sums.dimension, sums.parts),
        unpriced_count=sums.total.unpriced_calls,
        provider_cost=_provider_cost(caller, sums.total),
    )


def _breakdown(dimension: str, parts: Mapping[str, Sum]) -> list[CostPart]:
    return [
        CostPart(
            dimension=dimension,
            value=value,
            total_cost=usd(part.price_micros),
            total_tokens=part.tokens,
            record_count=part.calls,
        )
        for value, part in sorted(parts.items())
    ]


def _run_summary(caller: Actor, run: Run) -> CostSummary:
    calls = int(run.calls)
    whole = Sum(
        calls, run.total_tokens, int(run.provider_cost_micros), int(run.customer_price_micros), calls if run.unpriced else 0
    )
    sums = CostSums("model", whole, {run.model: whole} if calls else {})
    return _summary(caller, "task", run.id, sums)
