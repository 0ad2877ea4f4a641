"""omoios, section 16: costs, budgets and forecasts.

A cost is what the customer pays for a call, as in the statistics of a project: budgets hold this money, and everybody who may see costs
sees the same figure. What the provider charges is the addition `provider_cost`, for who may see it (`Actor.sees_costs`).
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Query

from functions.usage import budgets, forecasts
from functions.usage.budgets import number_of
from functions.usage.forecasts import MONTH, amount_of
from shared.agents.catalogue.registry import get_agent
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.money import usd
from shared.edge.contracts.base import Shape
from shared.edge.contracts.omoios import OMOIOS, Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.insight.statistics.reading import (
    AGENTS,
    Range,
    begin_project_tallies,
    begin_spent,
    begin_tallies,
    begin_visible_tallies,
)
from shared.insight.statistics.rows import workspace_statistics
from shared.money.budgets.standing import read_standing
from shared.money.usage import costs, forecasting
from shared.money.usage.costs import CostSums, LineFilter
from shared.money.usage.reading import Sum
from shared.money.usage.rows import UsageLine
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents import reading as live_agents
from shared.store import authorize, fetch, get_many, id_of
from shared.work.boards.lanes import canonical_phase
from shared.work.tasks.rows import TaskHead

routes = Routes(OMOIOS, "usage")
budgets.publish(routes)
forecasts.publish(routes)

SummaryScope = Literal["global", "ticket", "agent", "phase", "project", "task"]


class AgentCost(Shape):
    agent_id: str
    cost: float
    tasks_completed: int
    provider_cost: float | None = None


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
    provider_cost: float | None = None


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
    provider_cost: float | None = None


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
    provider_cost: float | None = None


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
    provider_cost: float | None = None


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
    month = forecasting.estimate(days, MONTH)
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
            estimated_monthly=amount_of(month.expected),
            budget_remaining=amount_of(standing.remaining),
            low=amount_of(month.low),
            high=amount_of(month.high),
            method=forecasting.method_of(days),
        ),
        provider_cost=_provider_cost(caller, sums.total),
    )


@routes.get("/costs/agents/{agent_id}", "costs.agent", permission=Permission.USAGE_READ)
async def agent_costs(agent_id: str, caller: Caller) -> AgentCosts:
    """Get what an agent of the catalogue has cost in all the caller's workspaces, or what a live agent's tasks have cost that runs of the
    platform did."""
    try:
        agent = get_agent(agent_id)
    except NotFound:
        return _live_agent_costs(caller, agent_id)
    tallies = begin_visible_tallies(caller, Range.agent(agent.id), Permission.USAGE_READ)
    sums = costs.visible_costs(caller, "agent", agent.id)
    counted = tallies().by_value
    done = counted[agent.id].tasks_completed if agent.id in counted else 0
    return AgentCosts(
        agent_id=agent.id,
        total_cost=usd(sums.total.price_micros),
        cost_per_task=usd(sums.total.price_micros // done) if done else None,
        cost_trend=forecasting.trend(sums.days, clock.now().date()),
        recent_costs=[DailyCost(date=str(day), cost=usd(price)) for day, price in sorted(sums.days.items(), reverse=True)],
        provider_cost=_provider_cost(caller, sums.total),
    )


def _live_agent_costs(caller: Actor, agent_id: str) -> AgentCosts:
    """Raises NotFound, Forbidden."""
    agent = live_agents.get_agent(caller, agent_id, Permission.USAGE_READ).agent
    partition = workspace_statistics(str(agent.ws_id))
    tallies, days = begin_tallies(partition, Range.agent(agent.id)), begin_spent(str(agent.ws_id), agent.id)
    counted, spent = tallies().by_value, days()
    done, total = counted[agent.id].tasks_completed if agent.id in counted else 0, sum(spent.values())
    newest = sorted(spent.items(), reverse=True)[: forecasting.HISTORY_DAYS]
    return AgentCosts(
        agent_id=agent.id,
        total_cost=usd(total),
        cost_per_task=usd(total // done) if done else None,
        cost_trend=forecasting.trend(spent, clock.now().date()),
        recent_costs=[DailyCost(date=str(day), cost=usd(price)) for day, price in newest],
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
    """List model calls, newest first: of a task's last run or of a run (`task_id`), of an agent, of a project
    (an addition), or of all the caller's workspaces.

    `X-Total-Count` has their number; `X-Next-Cursor`, if there are more, the `cursor` of the next page (both additions).
    """
    if task_id is not None:
        run = _run_of(caller, task_id)
        asked = run is not None and (agent_id is None or get_agent(agent_id).id == run.agent_id)
        page = costs.LinePage([], 0, None)
        if run is not None and asked:
            page = costs.list_run_lines(caller, run.id, int(run.calls), limit=limit, cursor=cursor)
    else:
        wanted = LineFilter(project_id, get_agent(agent_id).id if agent_id else None)
        page = costs.list_lines(caller, wanted, limit=limit, cursor=cursor)
    call.headers.append(("X-Total-Count", str(page.total)))
    if page.next is not None:
        call.headers.append(("X-Next-Cursor", page.next))
    return [_record(line, caller) for line in page.lines]


def _run_of(caller: Actor, task_id: str) -> Run | None:
    """Return a run by its id, or the run that did a task last; None if no run of ours did it. Raises NotFound, Forbidden."""
    bare = id_of(TaskHead, task_id)
    run, task = get_many([(Run, *Run.key(bare)), (TaskHead, *TaskHead.key(bare))])
    if isinstance(task, TaskHead) and not task.deleted_at:
        authorize(task, caller, Permission.USAGE_READ)
        return fetch(Run, task.work_run_id) if task.work_run_id else None
    if not isinstance(run, Run) or run.deleted_at:
        raise NotFound(TaskHead.NAME)
    return authorize(run, caller, Permission.USAGE_READ)


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
    project (an addition), by provider; of a task's last run or of a run (`task`)."""
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
        return _run_summary(caller, scope_id, _run_of(caller, scope_id))
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


def _run_summary(caller: Actor, task_id: str, run: Run | None) -> CostSummary:
    if run is None:
        return _summary(caller, "task", task_id, CostSums("model"))
    calls = int(run.calls)
    whole = Sum(
        calls, run.total_tokens, int(run.provider_cost_micros), int(run.customer_price_micros), calls if run.unpriced else 0
    )
    sums = CostSums("model", whole, {run.model: whole} if calls else {})
    return _summary(caller, "task", task_id, sums)
