"""Requesting a run: check the rules, write run, card and project in one transaction, then queue the run.

Round trips: the card, one batch with everything else, the transaction, the message.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.agents.catalogue import Agent
from shared.agents.catalogue.registry import get_agent
from shared.agents.providers import registry
from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission, Role
from shared.core.errors import ConditionFailed, Conflict, FieldError, Forbidden, Invalid, LimitExceeded, NotFound, Upstream
from shared.core.ids import bare_id, new_id
from shared.core.limits import MAX_TOKENS
from shared.core.money import micros
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.money.billing.accounts import create_account_operations, refuse_suspended
from shared.money.billing.prices import Priced, worst_case_cost
from shared.money.billing.pricing import customer_price_micros
from shared.money.billing.rows import BillingAccount
from shared.money.budgets.reserving import BudgetExhausted, month_limit
from shared.money.budgets.rows import Budget, budget_id, new_budget, this_month
from shared.people.tenancy.limits import how_to_raise
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.ending import end_run, event_data, update_run_summary, with_error
from shared.runs.agent_runs.lease import PENDING_LEASE
from shared.runs.agent_runs.model_selection import ModelChoice, RequestedModel, choose_model
from shared.runs.agent_runs.reading import active_run_ids
from shared.runs.agent_runs.rows import ActiveRuns, AgentStats, Run, runs_of
from shared.runs.agent_runs.run_limits import run_count_operations
from shared.store import (
    Block,
    LastBlock,
    Operation,
    create,
    enter,
    fetch_all,
    get_many,
    load,
    retrying,
    save,
    size,
    stale,
    update,
    write,
)
from shared.work.boards.rows import Lane
from shared.work.items.pending import is_approved
from shared.work.items.rows import Item
from shared.work.projects.agent_configs import AgentConfig, is_enabled, workspace_defaults
from shared.work.projects.rows import Project

DEFAULT_CONCURRENT: Final = 5
PARAMETER_BYTES: Final = 32_000  # as JSON; with a context of 50,000 characters the run's row is still far below 400 KB
MAX_COST: Final = 1_000_000  # USD, of one run
_TYPICAL_TURNS, _TYPICAL_INPUT = 4, 6_000  # our guess (reads, acts, ends); used until an agent has its own record
_TYPICAL_SECONDS = 60


@dataclass(frozen=True)
class RunRequest:
    """A request for a run. `context` is text for the agent; `parameters` are the agent's own, with `maxCost` (USD) as the run's budget."""

    model: RequestedModel = field(default_factory=RequestedModel)
    context: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    trigger: str = "person"  # person | lane | task
    automatic: bool = False
    """Whether no person asked for the run or moved the card: such runs are limited (`run_limits`)."""
    run_id: str | None = None
    task_id: str | None = None
    """The task that the run does."""
    retry_of: str | None = None
    attempt: int = 1


@dataclass(frozen=True)
class RequestedRun:
    """A run that was requested, with what is shown beside it."""

    run: Run
    estimated_price_micros: int
    estimated_seconds: int


@dataclass
class _RunContext:
    card: Item
    project: Project
    workspace: Workspace
    lane: Lane
    config: AgentConfig | None
    agent_stats: AgentStats | None
    budget: Budget | None
    account: BillingAccount | None
    current_run: Run | None


def request_run(actor: Actor, card_id: str, agent_id: str, request: RunRequest) -> RequestedRun:
    """Start an agent on a card.

    Raises NotFound (card, agent), Forbidden (also AGENT_NOT_ALLOWED), Invalid (model choice), Upstream (no credentials, no queue),
    Conflict(RUN_IN_PROGRESS | PROJECT_ARCHIVED), LimitExceeded(RUN_LIMIT | LIMIT_REACHED | USAGE_LIMIT | WORKSPACE_SUSPENDED).
    """

    def attempt(number: int) -> tuple[Run, _RunContext]:
        last = LastBlock(runs_of(bare_id(card_id)))
        card = load(Item, card_id, actor, Permission.AGENT_RUN)
        agent = get_agent(agent_id)
        context = _read_context(card, agent)
        if context.current_run is not None and not context.current_run.ended and not context.current_run.lease_active:
            end_run(context.current_run, "failed", SYSTEM, ABANDONED, only_if=lambda one: not one.lease_active)
            raise stale()
        _check_allowed(context, agent)
        choice = choose_model(agent, request.model, context.config, context.workspace.settings)
        if request.trigger == "person":  # the stream consumer, which starts the others, has no credentials of providers
            registry.provider(choice.provider)
        block = last.result()
        run = _build_run(actor, context, agent, choice, request)
        try:
            write(*_operations(context, run, request, block))
        except LimitExceeded as full:
            if full.situation is not Situation.RUN_LIMIT or number or not _end_expired_runs(context.project):
                raise
            raise stale() from full  # there is room now
        return run, context

    run, context = retrying(attempt)
    queue_run(run, actor)
    return RequestedRun(run, int(run.estimated_price_micros or 0), _estimate_seconds(context.agent_stats))


def starter(person: Mapping[str, str], ws_id: str) -> Actor:
    """Return somebody on whose behalf the platform starts a run, with only the permissions for it: they were allowed what leads to it."""
    return Actor(
        id=person["id"],
        name=person["name"],
        kind=person.get("kind", "user"),
        email=person.get("email", ""),
        avatar_url=person.get("avatar_url"),
        workspaces={ws_id: Role.MEMBER},
        scopes=frozenset({Permission.AGENT_RUN, Permission.CARD_READ}),
    )


def queue_run(run: Run, actor: Actor) -> None:
    """Queue a run that is written. If the queue is not available, end the run as failed, which frees the card, and raise Upstream."""
    try:
        queue.enqueue(run.id, int(run.attempt))
    except Upstream as error:
        end_run(run, "failed", actor, with_error("QUEUE_UNAVAILABLE", error.message))
        raise


def _read_context(card: Item, agent: Agent) -> _RunContext:
    ws_id, proj_id = str(card.ws_id), str(card.proj_id)
    keys: list[tuple[Any, str, str]] = [
        (Project, *Project.key(proj_id)),
        (Workspace, *Workspace.key(ws_id)),
        (Lane, *Lane.key(card.lane_id)),
        (AgentConfig, *AgentConfig.key_in(proj_id, agent.id)),
        (AgentStats, *AgentStats.key_of(ws_id, agent.id)),
        (Budget, *Budget.key(budget_id("workspace", ws_id, this_month()))),
        (BillingAccount, *BillingAccount.key(ws_id)),
    ]
    if card.lease_run:
        keys.append((Run, *Run.key(card.lease_run)))
    rows: list[Any] = get_many(keys)
    return _RunContext(card, rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7] if card.lease_run else None)


def _check_allowed(context: _RunContext, agent: Agent) -> None:
    """Check all rules before anything is written; raise NotFound, Conflict, Forbidden or LimitExceeded.

    The card's status does not matter: the run puts a draft in progress, and a finished card is in the last lane, which has its own agent.
    """
    current_run = context.current_run
    if context.workspace.deleted_at or context.project.deleted_at:
        raise NotFound(Item.NAME)  # the card is deleted with them
    if context.project.status != "active":
        raise Conflict(Situation.PROJECT_ARCHIVED, f"The project is {context.project.status}; nothing runs in it")
    if agent.status != "active":
        raise _not_allowed(f"{agent.display_name} is {agent.status}")
    if not is_enabled(context.config, workspace_defaults(context.workspace.settings, agent)):
        raise _not_allowed(f"{agent.display_name} is disabled in this project")
    if not is_approved(context.card):
        raise _not_allowed(Wording("No agent works on a {card} that is not approved"))
    if context.lane.number not in agent.allowed_lanes:
        lanes = ", ".join(map(str, agent.allowed_lanes))
        raise _not_allowed(f"{agent.display_name} does not work in the lane {context.lane.name}; its lanes are {lanes}")
    if current_run is not None and current_run.lease_active:
        raise Conflict(
            Situation.RUN_IN_PROGRESS,
            f"{current_run.agent['display_name']} is working on this card",
            {"run_id": current_run.id, "lease_until": clock.iso(clock.from_epoch(int(current_run.lease_until)))},
        )
    refuse_suspended(context.account)
    limit = month_limit(context.workspace)
    spent = int(context.budget.spent) if context.budget else 0
    if spent >= limit:
        raise BudgetExhausted("workspace", 0, limit - spent, limit, how_to_raise(context.workspace, "maxMonthlyUsage"))


def _not_allowed(why: str) -> Forbidden:
    return Forbidden(why, Situation.AGENT_NOT_ALLOWED)


def _build_run(actor: Actor, context: _RunContext, agent: Agent, choice: ModelChoice, request: RunRequest) -> Run:
    card = context.card
    run = Run.new(
        request.run_id or new_id(),
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        item_id=card.id,
        phase_id=card.phase_id,
        agent_id=agent.id,
        agent={"id": agent.id, "name": agent.name, "display_name": agent.display_name, "status": agent.status},
        trigger=request.trigger,
        triggered_by=actor.summary,
        retry_of=request.retry_of,
        task_id=request.task_id,
        attempt=request.attempt,
        lease_until=clock.epoch() + PENDING_LEASE,
        provider=choice.provider,
        model=choice.model,
        temperature=choice.temperature,
        max_tokens=min(choice.max_tokens, MAX_TOKENS),
        tools=list(agent.tools),
        input_context={"context": request.context, "parameters": dict(request.parameters)},
        execution_metadata={"providerChosenBy": choice.chosen_by, "priceKnown": choice.priced},
        estimated_price_micros=_estimate_price(choice, context.agent_stats),
    )
    record(run, EventType.RUN_REQUESTED, actor, **event_data(run), provider=run.provider, model=run.model, trigger=run.trigger)
    return run


def _operations(context: _RunContext, run: Run, request: RunRequest, last: Block | None) -> list[Operation]:
    card = context.card
    place = enter(runs_of(card.id), last, run.label)
    run.counted_in = place.start
    card.lease_run = run.id
    update_run_summary(card, run)
    limit = int(context.project.settings.get("maxConcurrentRuns", DEFAULT_CONCURRENT))
    full = LimitExceeded(Situation.RUN_LIMIT, f"This project has {limit} runs under way, as many as it allows", {"limit": limit})
    project_slot = update(
        ActiveRuns.for_project(str(run.proj_id)),
        [ActiveRuns.run_ids.add({run.id})],
        ActiveRuns.closed.does_not_exist() & (ActiveRuns.run_ids.does_not_exist() | (size("run_ids") < limit)),
        lambda raw: NotFound(Item.NAME) if raw and "closed" in raw else full,
    )
    if len(json.dumps(request.parameters, ensure_ascii=False).encode()) > PARAMETER_BYTES:
        raise Invalid(FieldError("parameters", f"At most {PARAMETER_BYTES:,} bytes", None))
    operations = [
        create(run, _RunExists),
        save(card),
        project_slot,
        *place.operations,
        *run_count_operations(context.workspace, card, automatic=request.automatic),
        *create_account_operations(context.workspace, context.account),
    ]
    cap = request.parameters.get("maxCost")
    if cap is not None:
        if isinstance(cap, bool) or not isinstance(cap, int | float) or not 0 < cap <= MAX_COST:
            raise Invalid(FieldError("parameters.max_cost", f"An amount of USD above 0, at most {MAX_COST:,}", cap))
        if run.estimated_price_micros is None:
            raise Invalid(FieldError("parameters.max_cost", f"{run.model} has no known price: no cap can hold it", cap))
        operations.append(create(new_budget("run", run.id, micros(cap), org_id=run.org_id, ws_id=run.ws_id)))
    return operations


class _RunExists(ConditionFailed):
    """This run exists already."""


ABANDONED = with_error("TIMEOUT", "The run stopped without a word: its lease ran out and nobody renewed it")
"""Sets the error of a run whose worker has disappeared."""


def _end_expired_runs(project: Project) -> bool:
    """End the project's runs whose lease is over; return whether any was ended."""
    freed = False
    for run in fetch_all(Run, active_run_ids(project.id)):
        if not run.ended and not run.lease_active:
            done = end_run(run, "failed", SYSTEM, ABANDONED, only_if=lambda one: not one.lease_active)
            freed = freed or done.ended
    return freed


def _estimate_price(choice: ModelChoice, agent_stats: AgentStats | None) -> int | None:
    """Estimate the price: the agent's average in the workspace, else that of a typical run; None if the model has no known price."""
    price = worst_case_cost(choice.provider, choice.model, _TYPICAL_INPUT, min(choice.max_tokens, 1_500))
    if not isinstance(price, Priced):
        return None
    if price.cost_micros == 0:
        return 0  # a free model, whatever the agent's earlier runs with others have cost
    if agent_stats is not None and agent_stats.succeeded and agent_stats.price_micros:
        return int(agent_stats.price_micros) // int(agent_stats.runs)
    return customer_price_micros(price.cost_micros) * _TYPICAL_TURNS


def _estimate_seconds(agent_stats: AgentStats | None) -> int:
    if agent_stats is not None and agent_stats.runs and agent_stats.duration_ms:
        return max(1, int(agent_stats.duration_ms) // int(agent_stats.runs) // 1000)
    return _TYPICAL_SECONDS


def retry_run(actor: Actor, run_id: str, requested: RequestedModel) -> RequestedRun:
    """Request a new run of the same agent on the same card with the same context. Raises Conflict(RUN_STATUS) unless the old run failed or
    was cancelled, and the errors of `request_run`."""
    old = load(Run, run_id, actor, Permission.AGENT_RUN)
    if old.status not in ("failed", "cancelled"):
        raise Conflict(Situation.RUN_STATUS, f"The run is {old.status}: only failed and cancelled runs can be retried")
    previous: dict[str, Any] = old.input_context
    request = RunRequest(
        model=RequestedModel(
            requested.provider or (None if requested.model else old.provider),
            requested.model or (None if requested.provider else old.model),
            requested.temperature if requested.temperature is not None else old.temperature,
            requested.max_tokens or int(old.max_tokens),
        ),
        context=previous.get("context"),
        parameters=previous.get("parameters") or {},
        retry_of=old.id,
        attempt=int(old.attempt) + 1,
    )
    return request_run(actor, old.item_id, old.agent_id, request)
