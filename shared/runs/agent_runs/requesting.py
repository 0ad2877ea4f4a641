"""A run is asked for: what must hold is checked, and run, card and project are written in one transaction; then the queue.

Round trips: the card, everything the decision needs in one batch, the transaction, the message.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.agents.catalogue import Agent
from shared.agents.catalogue.registry import get_agent
from shared.agents.providers import registry
from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import Conflict, FieldError, Forbidden, Invalid, LimitExceeded, NotFound, Raced, Upstream
from shared.core.ids import new_id
from shared.core.money import micros
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.billing.accounts import opening, refuse_suspended
from shared.money.billing.prices import Priced, worst_case
from shared.money.billing.pricing import customer_price_micros
from shared.money.billing.rows import BillingAccount
from shared.money.budgets.reserving import BudgetExhausted
from shared.money.budgets.rows import Budget, budget_id, new_budget, this_month
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.ending import end, event_data, keep_summary, with_error
from shared.runs.agent_runs.lease import PENDING_LEASE
from shared.runs.agent_runs.model_selection import MAX_TOKENS, Choice, RequestedModel, choose
from shared.runs.agent_runs.rows import ActiveRuns, AgentRecord, Run
from shared.store import Operation, create, fetch_all, get_many, load, retrying, save, size, stale, update, write
from shared.store import get as read_row
from shared.work.boards.rows import Lane
from shared.work.items.rows import Item
from shared.work.projects.agent_configs import AgentConfig, is_enabled, template_of
from shared.work.projects.rows import Project

DEFAULT_CONCURRENT: Final = 5
PARAMETER_BYTES: Final = 32_000  # as JSON; with a context of 50,000 characters the run's row stays far below 400 KB
MAX_COST: Final = 1_000_000  # USD, of one run
_TYPICAL_TURNS, _TYPICAL_INPUT = 4, 6_000  # of the embedded model's plans; used until an agent has a record of its own
_TYPICAL_SECONDS = 60


@dataclass(frozen=True)
class Request:
    """`context` is what the person adds for the agent to read; `parameters` are the agent's own, `maxCost` (USD) a cap of the run."""

    wish: RequestedModel = field(default_factory=RequestedModel)
    context: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    trigger: str = "person"
    run_id: str | None = None
    retry_of: str | None = None
    attempt: int = 1


@dataclass(frozen=True)
class Requested:
    run: Run
    estimated_price_micros: int
    estimated_seconds: int


@dataclass
class _Facts:
    card: Item
    project: Project
    workspace: Workspace
    lane: Lane
    config: AgentConfig | None
    record: AgentRecord | None
    budget: Budget | None
    account: BillingAccount | None
    holder: Run | None


def request_run(actor: Actor, card_id: str, agent_id: str, request: Request) -> Requested:
    """Start an agent on a card.

    Raises NotFound (card, agent), Forbidden (also AGENT_NOT_ALLOWED), Invalid (model choice), Upstream (no credentials, no queue),
    Conflict(RUN_IN_PROGRESS | PROJECT_ARCHIVED), LimitExceeded(RUN_LIMIT | USAGE_LIMIT | WORKSPACE_SUSPENDED).
    """

    def attempt(number: int) -> tuple[Run, _Facts]:
        card = load(Item, card_id, actor, Permission.AGENT_RUN)
        agent = get_agent(agent_id)
        facts = _read(card, agent)
        if facts.holder is not None and not facts.holder.ended and not facts.holder.lease_alive:
            end(facts.holder, "failed", SYSTEM, ABANDONED, still=lambda one: not one.lease_alive)
            raise stale()
        _refuse(facts, agent)
        choice = choose(agent, request.wish, facts.config, facts.workspace.settings)
        if request.trigger == "person":  # the stream consumer, which starts the others, holds no credentials
            registry.provider(choice.provider)
        run = _run(actor, facts, agent, choice, request)
        try:
            write(*_operations(facts, run, request))
        except LimitExceeded as full:
            if full.situation is not Situation.RUN_LIMIT or number or not _sweep(facts.project):
                raise
            raise stale() from full  # there is room by now
        return run, facts

    run, facts = retrying(attempt)
    send(run, actor)
    return Requested(run, int(run.estimated_price_micros or 0), _seconds(facts.record))


def send(run: Run, actor: Actor) -> None:
    """Queue a run that is written. When the queue does not take it the run ends as failed, and the card is free again."""
    try:
        queue.enqueue(run.id, int(run.attempt))
    except Upstream as error:
        end(run, "failed", actor, with_error("QUEUE_UNAVAILABLE", error.message))
        raise


def _read(card: Item, agent: Agent) -> _Facts:
    ws_id, proj_id = str(card.ws_id), str(card.proj_id)
    wanted: list[tuple[Any, str, str]] = [
        (Project, *Project.key(proj_id)),
        (Workspace, *Workspace.key(ws_id)),
        (Lane, *Lane.key(card.lane_id)),
        (AgentConfig, *AgentConfig.key_in(proj_id, agent.id)),
        (AgentRecord, *AgentRecord.key_of(ws_id, agent.id)),
        (Budget, *Budget.key(budget_id("workspace", ws_id, this_month()))),
        (BillingAccount, *BillingAccount.key(ws_id)),
    ]
    if card.lease_run:
        wanted.append((Run, *Run.key(card.lease_run)))
    found: list[Any] = get_many(wanted)
    return _Facts(
        card, found[0], found[1], found[2], found[3], found[4], found[5], found[6], found[7] if card.lease_run else None
    )


def _refuse(facts: _Facts, agent: Agent) -> None:
    """Everything that can be said no to before anything is written.

    The card's status is no reason: the run puts a draft in progress, and a finished card lies in the last lane, whose own agent learns
    from what is done.
    """
    holder = facts.holder
    if facts.workspace.deleted_at or facts.project.deleted_at:
        raise NotFound(Item.NAME)  # it goes with them
    if facts.project.status != "active":
        raise Conflict(Situation.PROJECT_ARCHIVED, f"The project is {facts.project.status}; nothing runs in it")
    if agent.status != "active":
        raise _not_allowed(f"{agent.display_name} is {agent.status}")
    if not is_enabled(facts.config, template_of(facts.workspace.settings, agent)):
        raise _not_allowed(f"{agent.display_name} is disabled in this project")
    if facts.lane.number not in agent.allowed_lanes:
        lanes = ", ".join(map(str, agent.allowed_lanes))
        raise _not_allowed(f"{agent.display_name} does not work in the lane {facts.lane.name}; its lanes are {lanes}")
    if holder is not None and holder.lease_alive:
        raise Conflict(
            Situation.RUN_IN_PROGRESS,
            f"{holder.agent['display_name']} is working on this card",
            {"run_id": holder.id, "lease_until": clock.iso(clock.from_epoch(int(holder.lease_until)))},
        )
    refuse_suspended(facts.account)
    limit = micros(facts.workspace.settings.get("maxMonthlyUsage", 0))
    spent = int(facts.budget.spent) if facts.budget else 0
    if spent >= limit:
        raise BudgetExhausted("workspace", 0, limit - spent, limit)


def _not_allowed(why: str) -> Forbidden:
    return Forbidden(why, Situation.AGENT_NOT_ALLOWED)


def _run(actor: Actor, facts: _Facts, agent: Agent, choice: Choice, request: Request) -> Run:
    card = facts.card
    run = Run.new(
        request.run_id or new_id(),
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        item_id=card.id,
        agent_id=agent.id,
        agent={"id": agent.id, "name": agent.name, "display_name": agent.display_name, "status": agent.status},
        trigger=request.trigger,
        triggered_by=actor.summary,
        retry_of=request.retry_of,
        attempt=request.attempt,
        lease_until=clock.epoch() + PENDING_LEASE,
        provider=choice.provider,
        model=choice.model,
        temperature=choice.temperature,
        max_tokens=min(choice.max_tokens, MAX_TOKENS),
        tools=list(agent.tools),
        input_context={"context": request.context, "parameters": dict(request.parameters)},
        execution_metadata={"providerChosenBy": choice.because, "priceKnown": True},
    )
    estimate = _estimate(choice, facts.record)
    run.estimated_price_micros = estimate
    run.execution_metadata["priceKnown"] = estimate is not None
    record(run, EventType.RUN_REQUESTED, actor, **event_data(run), provider=run.provider, model=run.model, trigger=run.trigger)
    return run


def _operations(facts: _Facts, run: Run, request: Request) -> list[Operation]:
    card = facts.card
    card.lease_run = run.id
    keep_summary(card, run)
    limit = int(facts.project.settings.get("maxConcurrentRuns", DEFAULT_CONCURRENT))
    full = LimitExceeded(Situation.RUN_LIMIT, f"This project has {limit} runs under way, as many as it allows", {"limit": limit})
    places = update(
        ActiveRuns.of(str(run.proj_id)),
        [ActiveRuns.run_ids.add({run.id})],
        ActiveRuns.closed.does_not_exist() & (ActiveRuns.run_ids.does_not_exist() | (size("run_ids") < limit)),
        lambda raw: NotFound(Item.NAME) if raw and "closed" in raw else full,
    )
    if len(json.dumps(request.parameters, ensure_ascii=False).encode()) > PARAMETER_BYTES:
        raise Invalid(FieldError("parameters", f"At most {PARAMETER_BYTES:,} bytes", None))
    operations = [create(run, _TWICE), save(card), places, *opening(facts.workspace, facts.account)]
    cap = request.parameters.get("maxCost")
    if cap is not None:
        if isinstance(cap, bool) or not isinstance(cap, int | float) or not 0 < cap <= MAX_COST:
            raise Invalid(FieldError("parameters.max_cost", f"An amount of USD above 0, at most {MAX_COST:,}", cap))
        if run.estimated_price_micros is None:
            raise Invalid(FieldError("parameters.max_cost", f"{run.model} has no known price: no cap can hold it", cap))
        operations.append(create(new_budget("run", run.id, micros(cap), org_id=run.org_id, ws_id=run.ws_id)))
    return operations


_TWICE = Raced("This run exists already")


ABANDONED = with_error("TIMEOUT", "The run stopped without a word: its lease ran out and nobody renewed it")
"""The error of a run whose worker was never heard of again."""


def _sweep(project: Project) -> bool:
    """End the project's runs whose lease is over; whether a place became free."""
    row = read_row(ActiveRuns, ActiveRuns.of(project.id).pk, "RUNS")
    swept = False
    for run in fetch_all(Run, sorted(row.run_ids or ()) if row else ()):
        if not run.ended and not run.lease_alive:
            done = end(run, "failed", SYSTEM, ABANDONED, still=lambda one: not one.lease_alive)
            swept = swept or done.ended
    return swept


def _estimate(choice: Choice, record_: AgentRecord | None) -> int | None:
    """What the run will probably be charged: the agent's average here, else a typical run at this model's price. None: no price."""
    price = worst_case(choice.provider, choice.model, _TYPICAL_INPUT, min(choice.max_tokens, 1_500))
    if not isinstance(price, Priced):
        return None
    if record_ is not None and record_.succeeded and record_.price_micros:
        return int(record_.price_micros) // int(record_.runs)
    return customer_price_micros(price.cost_micros) * _TYPICAL_TURNS


def _seconds(record_: AgentRecord | None) -> int:
    if record_ is not None and record_.runs and record_.duration_ms:
        return max(1, int(record_.duration_ms) // int(record_.runs) // 1000)
    return _TYPICAL_SECONDS


def retry_run(actor: Actor, run_id: str, wish: RequestedModel) -> Requested:
    """A new run of the same agent on the same card, with the same context. Raises Conflict(RUN_STATUS) unless the old one failed or
    was cancelled; otherwise as `request_run`."""
    old = load(Run, run_id, actor, Permission.AGENT_RUN)
    if old.status not in ("failed", "cancelled"):
        raise Conflict(Situation.RUN_STATUS, f"The run is {old.status}: only failed and cancelled runs can be retried")
    kept: dict[str, Any] = old.input_context
    request = Request(
        wish=RequestedModel(
            wish.provider or (None if wish.model else old.provider),
            wish.model or (None if wish.provider else old.model),
            wish.temperature if wish.temperature is not None else old.temperature,
            wish.max_tokens or int(old.max_tokens),
        ),
        context=kept.get("context"),
        parameters=kept.get("parameters") or {},
        retry_of=old.id,
        attempt=int(old.attempt) + 1,
    )
    return request_run(actor, old.item_id, old.agent_id, request)
