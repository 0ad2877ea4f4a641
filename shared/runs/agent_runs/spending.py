"""The money of one model call: reserved before the call, stored with its answer, and then settled and written to the ledger.

reserve(run, turn, worst)                      before the call
store_call(run, call, answer)                  one small transaction, on rows that only this run has
settle_call(run, call)                         one large transaction, on rows that everybody writes: it may fail, and is then repeated
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

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
    announce_spending,
    read_caps,
    release_reservation,
    settle_reservation,
)
from shared.money.usage.recording import CallRecorded, usage_operations
from shared.money.usage.rows import UsageLine
from shared.runs.agent_runs.failures import CardGone, ModelWithoutPrice
from shared.runs.agent_runs.lease import LeaseLost, check_fence
from shared.runs.agent_runs.rows import ENDED, AgentStats, Run, Turn, UnsettledCall
from shared.store import Operation, check, create, delete, fetch, iterate, put, update, write
from shared.work.items.rows import Item
from shared.work.projects.rows import Project


def budget_scope(run: Run) -> Scope:
    return Scope(
        run.org_id,
        str(run.ws_id),
        str(run.proj_id),
        run.item_id,
        run.id,
        in_tokens=run.limited_by_tokens,
        agent_id=run.agent_id,
        phase_id=run.phase_id,
    )


def worst_case(run: Run, request: Request) -> int:
    """Return what the call uses of its budgets at most: micro-dollars, or tokens if the run is limited by tokens."""
    amount = most_used(run.provider, run.model, request, has_price=not run.limited_by_tokens)
    if amount is None:
        raise ModelWithoutPrice(f"The price of {run.model} is not known any more; request the run again")
    return amount


def most_used(provider: str, model: str, request: Request, *, has_price: bool) -> int | None:
    """Return what a call uses of its budgets at most: micro-dollars, or tokens without a price. None: its price is not known any more."""
    tokens = upper_bound(request)
    if not has_price:
        return tokens + request.max_tokens
    price = worst_case_cost(provider, model, tokens, request.max_tokens)
    return customer_price_micros(price.cost_micros) if isinstance(price, Priced) else None


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


class _CardDeleted(ConditionFailed):
    """The card of the run was deleted: no call is made for it any more."""


def reserve(run: Run, turn: int, amount: int) -> None:
    """Reserve `amount` for this turn's call; safe to repeat. Raises BudgetExhausted, LeaseLost, CardGone."""
    if run.hold_turn == turn:
        return  # reserved by an earlier try of this turn
    caps = read_caps(budget_scope(run))
    reservation = {"turn": turn, "amount": amount, "budgets": [budget.id for budget in caps.budgets]}
    is_ours = (Run.fence == run.fence) & (Run.status == "running") & Run.hold_turn.does_not_exist()
    actions = [Run.hold.set(reservation), Run.hold_turn.set(turn), Run.version.add(1)]
    card_exists = check(Item(*Item.key(run.item_id)), Item.deleted_at.does_not_exist(), _CardDeleted)
    try:
        write(update(Run(*Run.key(run.id)), actions, is_ours, LeaseLost()), card_exists, *caps.reserve(amount))
    except _CardDeleted:
        raise CardGone("The card was deleted") from None
    run.hold, run.hold_turn, run.version = reservation, turn, run.version + 1


def find_cost(provider: str, requested: str, answering_model: str, usage: TokenUsage) -> Price:
    """Return the cost at the price of the model that answered (`gpt-4o` is not a version of `gpt-4`).

    The price of the requested model is used if a dated version of it answered (`gpt-4o-2024-08-06`), or a model without a known price.
    """
    version = answering_model.removeprefix(requested) if answering_model.startswith(requested) else None
    if not answering_model or (version is not None and _DATED_VERSION.fullmatch(version)):
        return call_cost(provider, requested, usage)
    price = call_cost(provider, answering_model, usage)
    return price if isinstance(price, Priced) else call_cost(provider, requested, usage)


_DATED_VERSION: Final = re.compile(r"([-@:][\dv.:-]+)?")


def build_usage_line(run: Run, call: UnsettledCall) -> UsageLine:
    """Build the ledger line of a call; its id contains the call's fence, because there is one call for each fence."""
    return UsageLine.new(
        derived_id("usage", run.id, int(call.turn), int(call.fence)),
        org_id=run.org_id,
        ws_id=run.ws_id,
        proj_id=run.proj_id,
        at=call.at,
        run_id=run.id,
        item_id=run.item_id,
        phase_id=run.phase_id,
        agent_id=run.agent_id,
        agent_name=run.agent["display_name"],
        user=run.triggered_by,
        provider=run.provider,
        model=call.model or run.model,
        estimated=call.estimated,
        # where its budgets hold tokens, no money is spent beside them
        **usage_figures(run.provider, run.model, call.model, TokenUsage(**call.usage), has_price=not run.limited_by_tokens),
    )


class Owner(Protocol):
    """Whose a call is that no run makes."""

    @property
    def id(self) -> str: ...
    @property
    def org_id(self) -> Any: ...
    @property
    def ws_id(self) -> Any: ...


def usage_line_of(
    owner: Owner,
    attempt: str,
    agent: tuple[str, str],
    user: Mapping[str, str],
    chosen: tuple[str, str],
    done: Finished,
    *,
    has_price: bool,
) -> UsageLine:
    """Build the ledger line of a call that no run makes: it is its owner's own. `agent` is an id and a name, `chosen` a provider and a
    model."""
    (agent_id, agent_name), (provider, model) = agent, chosen
    return UsageLine.new(
        derived_id("usage", owner.id, attempt),
        org_id=owner.org_id,
        ws_id=owner.ws_id,
        proj_id=owner.id,
        at=clock.iso(),
        run_id=owner.id,
        item_id=owner.id,
        agent_id=agent_id,
        agent_name=agent_name,
        user=dict(user),
        provider=provider,
        model=done.model or model,
        estimated=done.estimated,
        **usage_figures(provider, model, done.model, done.usage, has_price=has_price),
    )


def usage_figures(provider: str, requested: str, answering_model: str, usage: TokenUsage, *, has_price: bool) -> dict[str, Any]:
    """Return what a line of the ledger says of a call: its tokens, and its cost and price in micro-dollars."""
    price = find_cost(provider, requested, answering_model, usage)
    known = isinstance(price, Priced) and has_price
    cost_micros = price.cost_micros if isinstance(price, Priced) and known else 0
    written = find_cost(provider, requested, answering_model, TokenUsage(output=usage.output))
    return {
        "input_tokens": usage.input,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "output_tokens": usage.output,
        "provider_cost_micros": cost_micros,
        "output_cost_micros": min(cost_micros, written.cost_micros) if isinstance(written, Priced) else 0,
        "customer_price_micros": customer_price_micros(cost_micros) if known else 0,
        "unpriced": not known,
        "price_version": price.table,
    }


def store_call(run: Run, call: UnsettledCall, answer: Callable[[], Turn] | None = None) -> Turn | None:
    """Store what a finished call used, together with its answer: from here on it is paid once, and not asked again, whoever dies.

    Returns the answer if it is stored. If it cannot be (the lease is lost, or `answer` raises), what the call used is stored alone.
    """
    stored = None
    try:
        if answer is not None:
            turn = answer()
            write(check_fence(run), create(turn), put(call))
            stored = turn
    except LeaseLost:
        pass
    finally:
        if stored is None:
            write(put(call))
    return stored


def settle_stored_calls(run: Run, *, is_holder: bool) -> int:
    """Settle the calls of a run that are stored and not in the ledger; return how many were settled."""
    calls = list(iterate(UnsettledCall, f"RUN#{run.id}", prefix="UNSETTLED#", consistent=True))
    return sum(settle_call(run, call, is_holder=is_holder) for call in calls)


def settle_call(run: Run, call: UnsettledCall, *, is_holder: bool = True) -> bool:
    """Settle a stored call: write ledger, budgets and the run's counters, and remove its record, in one transaction. Safe to repeat.

    What it used replaces the reservation if the caller holds the run, or if the run has ended and kept it; otherwise it is spent without
    one. A reservation that another holder works with is left alone, and the call stays stored. Returns whether it was settled.
    """
    turn, line = int(call.turn), build_usage_line(run, call)
    price, used = int(line.customer_price_micros), _amount_used(run, line)
    reserved = settle_reservation(run.hold, (), used)
    operations = [
        delete(call, UnsettledCall.pk.exists(), CallRecorded),
        *usage_operations(line, _fetch_project_name(run)),
        *_agent_stats_operations(run, price),
    ]

    def settle_if(condition: Any, actions: list[Any], budgets: list[Operation]) -> bool:
        counted = update(Run(*Run.key(run.id)), [*_usage_counters(line), Run.version.add(1), *actions], condition, LeaseLost())
        try:
            write(*operations, counted, *budgets)
        except LeaseLost:
            return False
        return True

    try:
        done = (
            (is_holder and settle_if(_is_held_by(run, turn), [*_CLEAR_HOLD, Run.progress.set(progress_after(turn))], reserved))
            or settle_if(holds_reservation(turn), CLEAR_RESERVATION, reserved)
            or settle_if(_has_no_reservation(turn), [], _spend_unreserved(run, used))
        )
    except CallRecorded:
        write(delete(call))  # it is there only if it was stored again after it was settled
        _read_hold(run)
        return False
    if done and run.hold_turn == turn:
        run.hold = run.hold_turn = None
    if done and price:
        announce_spending(budget_scope(run))
    return done


def _read_hold(run: Run) -> None:
    """Read again what the run has reserved: somebody else has settled its call."""
    stored = fetch(Run, run.id)
    run.hold, run.hold_turn = (stored.hold, stored.hold_turn) if stored is not None else (None, None)


def _spend_unreserved(run: Run, used: int) -> list[Operation]:
    return settle_reservation(None, [budget.id for budget in read_caps(budget_scope(run)).budgets], used)


def progress_after(turn: int) -> int:
    """Return the progress in percent after this many turns; it always rises and stays below 100."""
    return int(95 * (1 - 0.7**turn))


def _is_held_by(run: Run, turn: int) -> Any:
    return (Run.fence == run.fence) & (Run.status == "running") & (Run.hold_turn == turn)


def _has_no_reservation(turn: int) -> Any:
    return Run.pk.exists() & (Run.hold_turn.does_not_exist() | (Run.hold_turn != turn))


_CLEAR_HOLD: Final = [Run.hold.remove(), Run.hold_turn.remove()]
CLEAR_RESERVATION: Final = [
    *_CLEAR_HOLD,
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


def _fetch_project_name(run: Run) -> str:
    project = fetch(Project, str(run.proj_id))
    return project.name if project else ""
