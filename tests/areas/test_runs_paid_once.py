"""A model call is paid once and its answer used, whatever happens between the answer and the ledger."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from botocore.exceptions import ClientError

from shared.agents.providers import registry
from shared.agents.providers.port import Finished, TextDelta, TokenUsage
from shared.core import clock
from shared.money.budgets.rows import Budget, budget_id, this_month
from shared.money.usage.month_summary import month_usage
from shared.money.usage.rows import UsageLine
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs import queue, turns
from shared.runs.agent_runs.lease import acquire_lease
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.runs.agent_runs.rows import UNSETTLED_CALLS, Run, Turn, UnsettledCall
from shared.runs.agent_runs.spending import reserve, settle_call, settle_stored_calls, store_call
from shared.runs.agent_runs.steps import Step, run_step
from shared.store import StepInterrupted, collection, fetch, query
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.driving import deadline
from tests.areas.running import Machine, connected
from tests.areas.test_runs import card_in, started
from tests.kills import Killed, crash_at_every_write, refused

pytestmark = pytest.mark.usefixtures("paid")

USED = TokenUsage(2_000, 0, 0, 1_000)
PRICE = 250_000
"""Of that usage, in micro-dollars."""
TERMINAL = "terminal"
"""The thread that writes a run's log."""


@pytest.fixture
def world(aws, monkeypatch) -> World:
    monkeypatch.setattr("shared.store.optimistic.pause", lambda _: None)
    made = create_world()
    made.set_wip(1, None)
    return made


@pytest.fixture
def model(monkeypatch) -> SimpleNamespace:
    """A model that says its lines and is done; `asked` says how often, `answered` whether it ever came to its end."""
    said = SimpleNamespace(name="embedded", asked=0, answered=False, lines=["Done."])

    def stream(request, cancelled=lambda: False):
        said.asked += 1
        for line in said.lines:
            yield TextDelta(line + "\n")
            if cancelled():
                break
        said.answered = True
        yield Finished("end", USED, request.model)

    said.stream = stream
    monkeypatch.setattr(registry, "provider", lambda _: said)
    return said


def begun(world: World) -> str:
    return started(world, card_in(world, 1, "doc"), "prd", parameters={"maxCost": 5})


def ready(world: World, machine: Machine) -> str:
    """A run whose next step is its first turn."""
    run_id = begun(world)
    for name in ("claim", "check_limits", "load_context"):
        run_step(name, Step(run_id, machine.execution))
    machine.at, machine.state = "Turn", {"run_id": run_id}
    return run_id


def check_paid_once(world: World, run_id: str, calls: int = 1) -> None:
    """Ledger, sums, the run's counters and every budget tell the same story, and nothing is left to settle."""
    lines = [fetch(UsageLine, row.id) for row in collection(2, f"RUN#{run_id}#USE")]
    run = fetch(Run, run_id)
    assert len(lines) == int(run.calls) == calls
    assert sum(int(line.customer_price_micros) for line in lines) == run.customer_price_micros == PRICE * calls
    assert (run.hold, run.hold_turn, run.held_until) == (None, None, None)
    cap = fetch(Budget, budget_id("run", run_id))
    assert (cap.reserved, cap.spent, cap.available) == (0, PRICE * calls, cap.limit - PRICE * calls)
    month = fetch(Budget, budget_id("workspace", world.ws_id, this_month()))
    assert (month.reserved, month.spent) == (0, month_usage(fetch(Workspace, world.ws_id)).price_micros)
    assert query(UnsettledCall, f"RUN#{run_id}", prefix="UNSETTLED#").rows == []
    assert not any(query(UnsettledCall, one, index=3).rows for one in UNSETTLED_CALLS.partitions())


# -- contention


@pytest.mark.parametrize("rows", ["BUDGET#workspace", "USG#WS#"])
def test_an_answer_that_cannot_be_settled_is_not_asked_for_again(world, machine, model, rows):
    """The month's budget and the day's sums are written by everybody: three tries of the step lose every one of their tries."""
    run_id = begun(world)
    with refused("TransactWriteItems", rows, times=36, when=lambda: model.answered) as contention:
        run = machine.play(run_id)
    assert contention.left == 0
    assert (run.status, model.asked, machine.steps.count("turn")) == ("completed", 1, 4)
    assert run.result_summary == "Done."
    check_paid_once(world, run_id)


def test_a_run_that_fails_over_its_settlement_is_paid_before_it_gives_back(world, machine, model):
    """Step Functions gives up the step; the step that ends the run finds the rows free."""
    machine.again = ()
    run_id = begun(world)
    with refused("TransactWriteItems", "USG#WS#", times=12, when=lambda: model.answered):
        run = machine.play(run_id)
    assert (run.status, run.error_code, model.asked) == ("failed", "INTERNAL_ERROR", 1)
    check_paid_once(world, run_id)


# -- deaths


def test_a_worker_may_die_between_any_two_writes_and_the_model_is_asked_once(world, monkeypatch, model):
    put_on_plan(world.ws_id)  # more runs than the free plan has in a day
    for process in crash_at_every_write(ignore_thread=TERMINAL, allow_retry=True):
        machine = connected(monkeypatch)
        machine.again = (Killed, StepInterrupted)
        model.asked = 0
        run_id = ready(world, machine)
        with process:
            run = machine.play()
        assert (run.status, model.asked) == ("completed", 1), process.names
        check_paid_once(world, run_id)


def dead_after_its_answer(machine: Machine, world: World) -> str:
    """A run whose worker died when the answer was stored and not settled."""
    run_id = begun(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "settle_call", _die)
        with pytest.raises(Killed):
            machine.play(run_id)
    return run_id


def _die(*_: object) -> None:
    raise Killed


def test_a_stored_call_of_a_cancelled_run_is_settled_by_the_clock(world, machine, model):
    run_id = dead_after_its_answer(machine, world)
    assert world.ada("runs", "POST", f"/runs/{run_id}/cancel").status == 202
    assert sweep_runs(deadline()) == 1
    check_paid_once(world, run_id)
    assert sweep_runs(deadline()) == 0


def test_a_stored_call_of_an_abandoned_run_is_settled_before_its_reservation_is_given_back(world, machine, model, monkeypatch):
    run_id = dead_after_its_answer(machine, world)
    monkeypatch.setattr(queue, "is_execution_running", lambda _: False)
    assert sweep_runs(deadline()) == 0  # its lease is not over: the step may be repeated
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=True):
        assert sweep_runs(deadline()) == 2
    assert fetch(Run, run_id).status == "failed"
    check_paid_once(world, run_id)


def test_the_clock_takes_nothing_from_the_worker_that_comes_back(world, machine, model):
    """The lease is over and the call settled by the clock; then the step is repeated and finds its answer."""
    run_id = dead_after_its_answer(machine, world)
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=True):
        assert sweep_runs(deadline()) == 1
        assert (machine.play().status, model.asked) == ("completed", 1)
    check_paid_once(world, run_id)


def test_a_worker_that_lost_the_run_leaves_its_reservation_to_the_next_holder(world, machine, model):
    """It stands still between answer and settlement, and goes on when the step has been repeated."""
    run_id = ready(world, machine)
    run = fetch(Run, run_id)
    reserve(run, 1, 1_000_000)
    call = UnsettledCall.of(run, 1, Finished("end", USED, run.model))
    answer = Turn(*Turn.key_of(run_id, 1), number=1, fence=int(run.fence), text="A", stop="end", model=run.model, at=call.at)
    assert store_call(run, call, lambda: answer) is answer
    holder = acquire_lease(run_id, machine.execution)
    assert settle_call(run, call) is False
    assert settle_stored_calls(holder, is_holder=True) == 1
    assert settle_call(run, call) is False
    check_paid_once(world, run_id)
    reserve(holder, 2, 1_000_000)
    assert fetch(Run, run_id).hold_turn == 2


def test_a_call_that_is_stored_again_after_it_was_settled_takes_nothing_from_the_next(world, machine, model):
    """The answer to its writing was lost, and the clock was quicker; meanwhile the run has reserved again for the same turn."""
    run_id = ready(world, machine)
    run = fetch(Run, run_id)
    reserve(run, 1, 1_000_000)
    call = UnsettledCall.of(run, 1, Finished("cancelled", USED, run.model))
    store_call(run, call)
    assert settle_call(run, call) is True
    reserve(run, 1, 1_000_000)
    store_call(run, call)
    assert settle_stored_calls(run, is_holder=True) == 0
    assert (run.hold["amount"], run.hold_turn) == (1_000_000, 1)
    again = UnsettledCall.of(acquire_lease(run_id, machine.execution), 1, Finished("end", USED, run.model))
    holder = fetch(Run, run_id)
    store_call(holder, again)
    assert settle_stored_calls(holder, is_holder=True) == 1
    check_paid_once(world, run_id, calls=2)


# -- trouble of ours while the model speaks


def test_a_log_that_cannot_be_written_does_not_cut_off_a_paid_call(world, machine, model):
    model.lines = ["x" * 1_500] * 60  # enough to fill a chunk: the log is written while the model speaks
    run_id = begun(world)
    with refused("TransactWriteItems", "LOG#", times=24, when=lambda: model.asked > 0):
        run = machine.play(run_id)
    assert (run.status, model.asked) == ("completed", 1)
    check_paid_once(world, run_id)


def test_a_lease_that_cannot_be_checked_does_not_cut_off_a_paid_call(world, machine, model, monkeypatch):
    monkeypatch.setattr(turns, "CHECK_INTERVAL", 0.0)
    model.lines = ["One", "Two", "Three"]
    run_id = begun(world)
    speaking: Callable[[], bool] = lambda: model.asked > 0 and not model.answered  # noqa: E731
    with refused("GetItem", f"RUN#{run_id}", times=2, code="AccessDeniedException", when=speaking) as refusals:
        run = machine.play(run_id)
    assert (run.status, model.asked, refusals.left) == ("completed", 1, 0)
    check_paid_once(world, run_id)


def test_an_answer_that_cannot_be_stored_is_paid_all_the_same(world, machine, model, monkeypatch):
    """Its text is a file, and there are no files for a moment: the model is asked again, and both calls are in the ledger."""
    stored = turns.store_text
    broken = [True]

    def store(key: str, text: str) -> str:
        if broken and broken.pop():
            raise ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")
        return stored(key, text)

    monkeypatch.setattr(turns, "store_text", store)
    run_id = begun(world)
    assert (machine.play(run_id).status, model.asked) == ("completed", 2)
    check_paid_once(world, run_id, calls=2)
