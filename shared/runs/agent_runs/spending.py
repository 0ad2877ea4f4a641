"""The money of one model call: reserved before the call, settled and written to the ledger afterwards."""

import re
from typing import Any, Final

from shared.agents.providers.port import Finished, Request, TokenUsage
from shared.agents.providers.tokens import upper_bound
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.ids import derived_id
from shared.money.billing.prices import Price, Priced, call_cost, worst_case_cost
from shared.money.billing.pricing import customer_price_micros
from shared.money.budgets.reserving import (
    BudgetExhausted,
    Scope,
    announce_month_thresholds,
    read_caps,
    release_reservation,
    settle_reservation,
)
from shared.money.usage.recording import ALREADY_RECORDED, usage_operations
from shared.money.usage.rows import UsageLine
from shared.runs.agent_runs.failures import ModelWithoutPrice
from shared.runs.agent_runs.lease import LeaseLost
from shared.runs.agent_runs.rows import ENDED, AgentStats, Run
from shared.store import Operation, fetch, update, write
from shared.work.projects.rows import Project


def budget_scope(run: Run) -> Scope:
    return Scope(run.org_id, str(run.ws_id), str(run.proj_id), run.item_id, run.id, in_tokens=run.limited_by_tokens)


def worst_case(run: Run, request: Request) -> int:
    """Return what the call uses of its budgets at most: micro-dollars, or tokens if the run is limited by tokens."""
    tokens = upper_bound(request)
    if run.limited_by_tokens:
        return tokens + request.max_tokens
    price = worst_case_cost(run.provider, run.model, tokens, request.max_tokens)
    if not isinstance(price, Priced):
        raise ModelWithoutPrice(f"The price of {run.model} is not known any more; request the run again")
    return customer_price_micros(price.cost_micros)


def _amount_used(run: Run, line: UsageLine) -> int:
    """Return what a call used of its budgets, in the unit of `worst_case`."""
    return line.tokens if run.limited_by_tokens else int(line.customer_price_micros)


def has_budget(run: Run) -> bool:
    """Return whether the budgets have room for the call that a run waits for; one batch read, the reservation itself decides."""
    needed = "needed_tokens" if run.limited_by_tokens else "needed_micros"
    try:
        read_caps(budget_scope(run)).check_room(int((run.waiting or {}).get(needed, 0)))
    except BudgetExhausted:
        return False
    return True


def reserve(run: Run, turn: int, amount: int) -> None:
    """Reserve `amount` for this turn's call; safe to repeat. Raises BudgetExhausted, LeaseLost."""
    if run.hold_turn == turn:
        return  # reserved by an earlier try of this turn
    caps = read_caps(budget_scope(run))
    reservation = {"turn": turn, "amount": amount, "budgets": [budget.id for budget in caps.budgets]}
    is_ours = (Run.fence == run.fence) & (Run.status == "running") & Run.hold_turn.does_not_exist()
    actions = [Run.hold.set(reservation), Run.hold_turn.set(turn), Run.version.add(1)]
    write(update(Run(*Run.key(run.id)), actions, is_ours, LeaseLost()), *caps.reserve(amount))
    run.hold, run.hold_turn, run.version = reservation, turn, run.version + 1


def _find_cost(run: Run, answering_model: str, usage: TokenUsage) -> Price:
    """Return the cost at the price of the model that answered (`gpt-4o` is not a version of `gpt-4`).

    The price of the requested model is used if a dated version of it answered (`gpt-4o-2024-08-06`), or a model without a known price.
    """
    requested = run.model
    version = answering_model.removeprefix(requested) if answering_model.startswith(requested) else None
    if not answering_model or (version is not None and _DATED_VERSION.fullmatch(version)):
        return call_cost(run.provider, requested, usage)
    price = call_cost(run.provider, answering_model, usage)
    return price if isinstance(price, Priced) else call_cost(run.provider, requested, usage)


_DATED_VERSION: Final = re.compile(r"([-@:][\dv.:-]+)?")


def build_usage_line(run: Run, turn: int, usage: TokenUsage, model: str, estimated: bool) -> UsageLine:
    """Build the ledger line of a call; its id contains the run's fence, because there is one call for each fence."""
    price = _find_cost(run, model, usage)
    known = isinstance(price, Priced) and not run.limited_by_tokens  # its budgets hold tokens: no money is spent beside them
    cost_micros = price.cost_micros if isinstance(price, Priced) and known else 0
    return UsageLine.new(
        derived_id("usage", run.id, turn, int(run.fence)),
        org_id=run.org_id,
        ws_id=run.ws_id,
        proj_id=run.proj_id,
        at=clock.iso(),
        run_id=run.id,
        item_id=run.item_id,
        agent_id=run.agent_id,
        agent_name=run.agent["display_name"],
        user=run.triggered_by,
        provider=run.provider,
        model=model or run.model,
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
        estimated=estimated,
        provider_cost_micros=cost_micros,
        customer_price_micros=customer_price_micros(cost_micros) if known else 0,
        unpriced=not known,
        price_version=price.table,
    )


def settle_call(
    run: Run, turn: int, done: Finished, project_name: str, journal_operations: list[Operation], progress: int
) -> bool:
    """Settle a finished call: write ledger, budgets, the run's counters and `journal_operations` in one transaction.

    If the lease is lost, the money is still recorded as spent, but the journal is not written. Returns whether it was written.
    """
    line = build_usage_line(run, turn, done.usage, done.model, done.estimated)
    price = int(line.customer_price_micros)
    counts = [*_usage_counters(line), Run.version.add(1)]
    row = Run(*Run.key(run.id))
    is_ours = (Run.fence == run.fence) & (Run.status == "running") & (Run.hold_turn == turn)
    clear_reservation = [Run.hold.remove(), Run.hold_turn.remove(), Run.progress.set(progress)]
    used = _amount_used(run, line)
    ledger_operations = [*usage_operations(line, project_name), *_agent_stats_operations(run, price)]
    try:
        write(
            update(row, counts + clear_reservation, is_ours, LeaseLost()),
            *settle_reservation(run.hold, (), used),
            *journal_operations,
            *ledger_operations,
        )
    except LeaseLost:
        settle_late_call(run, turn, counts, used, ledger_operations)
        return False
    run.hold = run.hold_turn = None
    if price:
        announce_month_thresholds(str(run.ws_id))
    return True


def settle_late_call(run: Run, turn: int, counts: list[Any], used: int, ledger_operations: list[Operation]) -> None:
    """Settle a call that finished after its run had ended or had a new holder: settle the reservation that the ended run still holds, or
    spend what was used without one."""
    row = Run(*Run.key(run.id))
    try:
        try:
            write(
                update(row, counts + CLEAR_RESERVATION, holds_reservation(turn), LeaseLost()),
                *settle_reservation(run.hold, (), used),
                *ledger_operations,
            )
        except LeaseLost:
            existing = [budget.id for budget in read_caps(budget_scope(run)).budgets]
            write(update(row, counts), *settle_reservation(None, existing, used), *ledger_operations)
    except ConditionFailed as error:
        if error is not ALREADY_RECORDED:
            raise
    if used and not run.limited_by_tokens:
        announce_month_thresholds(str(run.ws_id))


CLEAR_RESERVATION: Final = [
    Run.hold.remove(),
    Run.hold_turn.remove(),
    Run.held_until.remove(),
    Run.gsi3pk.remove(),
    Run.gsi3sk.remove(),
]
"""Actions that remove the reservation from an ended run, and the run from the list of those that hold one."""


def holds_reservation(turn: int) -> Any:
    """Return the condition that an ended run still holds the reservation of this turn's call."""
    return Run.status.is_in(*ENDED) & (Run.hold_turn == turn) & Run.held_until.exists()


def release_run_reservation(run: Run) -> bool:
    """Release the reservation that a run holds after its end; return whether this call released it."""
    if run.hold_turn is None:
        return False
    actions = [*CLEAR_RESERVATION, Run.version.add(1)]
    try:
        write(
            update(Run(*Run.key(run.id)), actions, holds_reservation(int(run.hold_turn)), LeaseLost()),
            *release_reservation(run.hold),
        )
    except LeaseLost:
        return False
    return True


def _agent_stats_operations(run: Run, price: int) -> list[Operation]:
    record = AgentStats(*AgentStats.key_of(str(run.ws_id), run.agent_id))
    return [update(record, [AgentStats.price_micros.add(price)])] if price else []


def _usage_counters(line: UsageLine) -> list[Any]:
    actions = [
        Run.calls.add(1),
        Run.input_tokens.add(line.input_tokens),
        Run.cache_read_tokens.add(line.cache_read_tokens),
        Run.cache_write_tokens.add(line.cache_write_tokens),
        Run.output_tokens.add(line.output_tokens),
        Run.provider_cost_micros.add(line.provider_cost_micros),
        Run.customer_price_micros.add(line.customer_price_micros),
    ]
    return [*actions, Run.unpriced.set(True)] if line.unpriced else actions


def fetch_project_name(run: Run) -> str:
    project = fetch(Project, str(run.proj_id))
    return project.name if project else ""
