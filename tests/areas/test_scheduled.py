"""What the clock does: runs that nobody works on, connections that are over; and what is said of a month's usage."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
import time_machine

from functions.scheduled.handler import JOBS, SECONDS
from infra.schedules import SCHEDULES, calls
from shared.agents.providers.port import Finished, TokenUsage
from shared.channels.sockets.connections import close_connection, get_connection
from shared.channels.sockets.expiry import close_expired
from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.rows import DUE, MAX_CONNECTION_AGE, DueConnection, OpenConnections
from shared.core import clock
from shared.core.settings import settings
from shared.money.billing.prices import Priced
from shared.money.budgets.reserving import read_caps
from shared.money.budgets.rows import Budget, budget_id, this_month
from shared.people.tenancy.rows import Workspace
from shared.runs.agent_runs import maintenance, queue, spending
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.runs.agent_runs.rows import ActiveRuns, Run, UnsettledCall
from shared.runs.agent_runs.spending import budget_scope, reserve, settle_call, store_call
from shared.runs.agent_runs.steps import Step, run_step
from shared.store import Unfinished, create, fetch, get, query, save, update_now, write
from tests.areas.boards_world import World
from tests.areas.driving import deadline, run_jobs
from tests.areas.test_runs import card_in, started
from tests.areas.viewers import Gateway, Viewer, raw_row
from tests.infra.test_costs import CALLS, PAGE
from tests.trips import count_requests

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:AgentRun:one"
EVENTS = Path(__file__).parents[2] / "events"


def test_every_job_is_called_by_one_rule():
    assert set(JOBS) == set(SCHEDULES)
    called = [job for jobs in calls().values() for job in jobs]
    assert sorted(called) == sorted(JOBS)
    sample = json.loads((EVENTS / "schedule.json").read_text())
    assert set(sample["detail"]["jobs"]) <= set(calls()["rate(1 minute)"])


def test_a_job_that_is_not_there_is_an_error_before_any_other_runs(aws, logged):
    with pytest.raises(LookupError, match="no job 'tea'"):
        run_jobs("timeouts", "tea")
    assert logged() == []


def test_a_job_that_fails_keeps_no_other_one_from_its_turn(aws, logged, monkeypatch):
    def fail(_: float) -> int:
        raise OSError("The table is gone")

    monkeypatch.setitem(JOBS, "timeouts", fail)
    for minute in range(3):  # whichever is first
        with time_machine.travel(minute * 60.0, tick=False), pytest.raises(Unfinished) as raised:
            run_jobs("deployments", "timeouts", "ws-reaper")
        assert raised.value.failed == 1
    lines = {line["job"]: line for line in logged() if line["message"] == "job"}
    assert {job: line["failed"] for job, line in lines.items()} == {"deployments": 0, "timeouts": 1, "ws-reaper": 0}
    (metric,) = lines["timeouts"]["_aws"]["CloudWatchMetrics"]
    assert metric["Metrics"][0]["Name"] == "failed"


def test_the_jobs_of_a_call_share_its_time_and_take_turns_at_being_first(aws, monkeypatch):
    """One that works until it is stopped leaves the others their parts, and is not before them for ever."""
    names = calls()["rate(1 minute)"]
    order: list[str] = []
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def busy(job: str) -> Callable[[float], int]:
        def work(until: float) -> int:
            nonlocal now
            assert until - now == pytest.approx(SECONDS / len(names))
            order.append(job)
            now = until
            return 1

        return work

    for job in names:
        monkeypatch.setitem(JOBS, job, busy(job))
    first = set()
    for minute in range(60):
        order.clear()
        with time_machine.travel(minute * 60.0, tick=False):
            run_jobs(*names)
        assert sorted(order) == sorted(names)
        first.add(order[0])
    assert first == set(names)


def test_a_job_says_in_one_line_how_much_it_did(aws, logged):
    run_jobs("timeouts")
    (line,) = logged()
    assert (line["job"], line["done"], line["cut_short"]) == ("timeouts", 0, False)


def send_letter(queue: str) -> None:
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody="{}")


def test_the_dead_letters_of_all_queues_share_one_metric_and_a_line_says_the_queue(aws, logged):
    emails, _ = settings().dead_letter_queues.split(",")
    run_jobs("letters")
    assert not [line for line in logged() if "_aws" in line]  # nothing to say costs nothing
    for _ in range(2):
        send_letter(emails)
    run_jobs("letters")
    (line,) = [line for line in logged() if line["message"] == "dead letters"]
    assert (line["queue"], line["dead_letters"]) == ("emails_dead", 2)
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert (metric["Namespace"], metric["Metrics"][0]["Name"]) == ("Cadre", "dead_letters")
    assert metric["Dimensions"] == [["stage", "queue"], ["stage"]]  # the second has the alarm


def test_a_queue_that_does_not_answer_hides_no_letters_of_others(aws, logged, monkeypatch):
    emails, exports = settings().dead_letter_queues.split(",")
    monkeypatch.setenv("CADRE_DEAD_LETTER_QUEUES", f"{exports}-gone,{emails}")
    settings.cache_clear()
    send_letter(emails)
    with pytest.raises(Unfinished):
        run_jobs("letters")
    assert [line["queue"] for line in logged() if line["message"] == "dead letters"] == ["emails_dead"]
    (line,) = [line for line in logged() if line["message"] == "job"]
    assert (line["failed"], line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"]) == (1, "failed")


# -- runs


def abandoned(world: World, lane: int = 1, agent: str = "prd") -> Run:
    """A run in the middle of a model's call: a lease, a place among the project's runs, a reservation. Its worker is gone."""
    run_id = started(world, card_in(world, lane, "doc"), agent, parameters={"maxCost": 5})
    for name in ("claim", "check_limits", "load_context"):
        run_step(name, Step(run_id, EXECUTION))
    run = fetch(Run, run_id)
    reserve(run, 1, 1_000_000)
    update_now(Run(*Run.key(run_id)), [Run.lease_until.set(clock.epoch() - 1)])
    return run


def test_a_run_whose_execution_is_gone_ends_and_everything_it_held_is_free(world, monkeypatch):
    run = abandoned(world)
    monkeypatch.setattr(queue, "is_execution_running", lambda _: False)
    assert sweep_runs(deadline()) == 1
    ended = fetch(Run, run.id)
    assert (ended.status, ended.error_code, ended.hold, ended.gsi3pk) == ("failed", "TIMEOUT", None, None)
    cap = fetch(Budget, budget_id("run", run.id))
    assert (cap.reserved, cap.available) == (0, cap.limit)
    assert run.id not in (get(ActiveRuns, f"PROJ#{world.project.id}", "RUNS").run_ids or ())
    assert raw_row(f"ITEM#{run.item_id}").get("lease_run") is None
    assert sweep_runs(deadline()) == 0


def test_a_run_between_two_tries_of_a_step_is_left_alone(world, monkeypatch):
    run = abandoned(world)
    monkeypatch.setattr(queue, "is_execution_running", lambda arn: arn == EXECUTION)
    assert sweep_runs(deadline()) == 0
    assert fetch(Run, run.id).status == "running"


def test_a_run_that_renews_its_lease_at_that_moment_goes_on(world, monkeypatch):
    """Its worker is quicker than the clock: the lease is asked again in the very write that ends the run."""
    run = abandoned(world)

    def renewing(arn: str) -> bool:
        fresh = fetch(Run, run.id)
        fresh.lease_until = clock.epoch() + 60
        write(save(fresh))
        return False

    monkeypatch.setattr(queue, "is_execution_running", renewing)
    assert sweep_runs(deadline()) == 0
    assert fetch(Run, run.id).status == "running"


def waiting(world: World, lane: int = 1, agent: str = "prd", execution: str = EXECUTION) -> Run:
    """A run whose execution waits for an approval."""
    run_id = started(world, card_in(world, lane, "doc"), agent)
    for name in ("claim", "check_limits", "wait_approval"):
        run_step(name, Step(run_id, execution, token=f"token of {run_id}" if name == "wait_approval" else None))
    return fetch(Run, run_id)


def test_only_a_waiting_run_whose_execution_is_gone_gets_another(world, monkeypatch):
    gone, alive = waiting(world), waiting(world, 4, "planner", "another")
    monkeypatch.setattr(queue, "is_execution_running", lambda arn: arn == "another")
    assert sweep_runs(deadline()) == 1
    assert (fetch(Run, gone.id).execution, fetch(Run, gone.id).launches) == (None, 1)
    assert (fetch(Run, alive.id).execution, fetch(Run, alive.id).launches) == ("another", 0)
    assert sweep_runs(deadline()) == 0


def test_an_answer_at_that_moment_is_stronger_than_the_clock(world, monkeypatch):
    run = waiting(world)

    def going_on(arn: str) -> bool:
        run_step("load_context", Step(run.id, EXECUTION))
        return False

    monkeypatch.setattr(queue, "is_execution_running", going_on)
    assert sweep_runs(deadline()) == 0
    assert fetch(Run, run.id).status == "running"


def test_of_many_that_wait_some_are_asked_for_each_time_and_all_in_the_end(world, monkeypatch):
    monkeypatch.setattr(maintenance, "WAITING_RUNS_PER_SWEEP", 2)
    runs = [waiting(world, execution=f"execution {number}") for number in range(5)]
    asked: list[str] = []

    def lives(arn: str) -> bool:
        asked.append(arn)
        return True

    monkeypatch.setattr(queue, "is_execution_running", lives)
    for _ in range(4):
        sweep_runs(deadline())
    assert asked[:5] == [run.execution for run in runs]
    assert len(asked) <= 8
    assert asked[5] == runs[0].execution  # round again


def test_what_there_was_no_time_for_is_done_the_next_time(world, monkeypatch):
    monkeypatch.setattr(queue, "is_execution_running", lambda _: False)
    runs = [abandoned(world), abandoned(world, 4, "planner")]
    assert sweep_runs(time.monotonic() - 1) == 0
    assert {fetch(Run, run.id).status for run in runs} == {"running"}
    assert sweep_runs(deadline()) == 2


def test_waiting_runs_there_was_no_time_for_are_asked_for_the_next_time(world, monkeypatch):
    monkeypatch.setattr(maintenance, "WAITING_RUNS_PER_SWEEP", 1)
    waiting(world, execution="first")
    waiting(world, 4, "planner", "second")
    asked: list[str] = []
    monkeypatch.setattr(queue, "is_execution_running", lambda arn: asked.append(arn) or True)
    sweep_runs(time.monotonic() - 1)
    for _ in range(2):
        sweep_runs(deadline())
    assert asked == ["first", "second"]


def test_a_run_that_cannot_be_ended_keeps_no_other_from_its_end(world, monkeypatch):
    broken, other, waits = abandoned(world), abandoned(world, 4, "planner"), waiting(world, execution="waits")
    update_now(Run(*Run.key(broken.id)), [Run.execution.set("broken")])

    def running(arn: str) -> bool:
        if arn == "broken":
            raise ValueError(arn)
        return False

    monkeypatch.setattr(queue, "is_execution_running", running)
    with pytest.raises(ExceptionGroup):
        sweep_runs(deadline())
    assert [fetch(Run, run.id).status for run in (broken, other)] == ["running", "failed"]
    assert fetch(Run, waits.id).launches == 1  # the parts after that one were done too


# -- connections


def due_rows() -> list[DueConnection]:
    return [row for partition in DUE.partitions() for row in query(DueConnection, partition, consistent=True).rows]


def viewer(gateway: Gateway, world: World) -> Viewer:
    made = Viewer(gateway, world.ada, f"/api/workspaces/{world.ws_id}/events")
    assert made.status == 200
    return made


def test_a_connection_whose_end_nobody_told_is_ended_when_it_must_be_over(world, gateway):
    lost, left = viewer(gateway, world), viewer(gateway, world)
    left.leave()
    assert [row.connection_id for row in due_rows()] == [lost.id]
    assert close_expired(deadline()) == 0  # it is not due yet
    with time_machine.travel(clock.epoch() + MAX_CONNECTION_AGE + 1, tick=True):
        assert close_expired(deadline()) == 1
        assert close_expired(deadline()) == 0
    assert gateway.closed == [lost.id]
    assert get_connection(lost.id) is None
    assert due_rows() == []
    assert get(OpenConnections, f"CONNS#{world.actor.id}").open == 0


def test_a_connection_that_cannot_be_closed_keeps_no_other_open(world, gateway, monkeypatch):
    viewers = [viewer(gateway, world) for _ in range(3)]
    stuck = due_rows()[0].connection_id

    def close(connection_id: str) -> None:
        if connection_id == stuck:
            raise ValueError(connection_id)
        disconnect(connection_id)

    monkeypatch.setattr("shared.channels.sockets.expiry.disconnect", close)
    with time_machine.travel(clock.epoch() + MAX_CONNECTION_AGE + 1, tick=True), pytest.raises(ExceptionGroup):
        close_expired(deadline())
    assert sorted(gateway.closed) == sorted(one.id for one in viewers if one.id != stuck)
    assert [row.connection_id for row in due_rows()] == [stuck]


def test_a_due_row_without_its_connection_goes_too(world, gateway):
    lost = viewer(gateway, world)
    row = due_rows()[0]
    close_connection(get_connection(lost.id))
    write(create(DueConnection(pk=row.pk, sk=row.sk, ttl=row.ttl)))
    with time_machine.travel(clock.epoch() + MAX_CONNECTION_AGE + 1, tick=True):
        run_jobs("ws-reaper")
    assert due_rows() == []


# -- a month's usage


def spend(world: World, run: Run, price: int) -> list[int]:
    """A model's call costs this much; the shares of the month that this made somebody say."""
    budget = month_of(world)
    before = budget.event_id
    fresh = fetch(Run, run.id)
    reserve(fresh, int(fresh.fence) + int(fresh.version), 0)
    done = Finished("end", TokenUsage(price, 0, 0, 0), run.model)
    call = UnsettledCall.of(fresh, fresh.hold_turn, done)
    store_call(fresh, call)
    assert settle_call(fresh, call)
    after = month_of(world)
    assert after.spent == budget.spent + price
    return [] if after.event_id == before else [after.event["data"]["threshold_percentage"]]


def month_of(world: World) -> Budget:
    return fetch(Budget, budget_id("workspace", world.ws_id, this_month()))


def limit_month(world: World, usd: float) -> None:
    workspace = fetch(Workspace, world.ws_id)
    workspace.settings = workspace.settings | {"maxMonthlyUsage": usd}
    write(save(workspace))


@pytest.fixture
def run(world, monkeypatch) -> Run:
    """A run under way whose model costs a micro-dollar a token."""
    monkeypatch.setattr(spending, "call_cost", lambda *about: Priced(about[-1].input, "t"))
    monkeypatch.setattr(spending, "customer_price_micros", lambda micros: micros)
    run_id = started(world, card_in(world, 1, "doc"), "prd")
    for name in ("claim", "check_limits", "load_context"):
        run_step(name, Step(run_id, EXECUTION))
    return fetch(Run, run_id)


def test_each_share_of_the_month_is_said_once_when_the_ledger_crosses_it(world, run):
    limit_month(world, 0.001)
    read_caps(budget_scope(run))
    told = [spend(world, run, price) for price in (499, 1, 200, 99, 1, 150, 49, 1, 500)]
    assert told == [[], [50], [], [], [80], [], [], [100], []]
    limit_month(world, 0.01)  # 15 % of it is spent
    assert [spend(world, run, price) for price in (3000, 500, 10_000)] == [[], [50], [100]]


def test_what_nobody_said_is_said_before_the_next_call(world, run, monkeypatch):
    """Whoever spent it died before saying so."""
    limit_month(world, 0.001)
    read_caps(budget_scope(run))
    with monkeypatch.context() as patch:
        patch.setattr(spending, "announce_spending", lambda _: None)
        assert spend(world, run, 900) == []
    read_caps(budget_scope(run))
    assert month_of(world).event["data"]["threshold_percentage"] == 80


def test_what_jobs_read_when_nothing_is_due_is_documented(aws):
    """A platform without traffic pays for it, every minute of the month."""
    reads = 0
    for job, expression in SCHEDULES.items():
        with time_machine.travel("2026-11-15T02:30:00Z", tick=False), count_requests() as seen:
            assert JOBS[job](deadline()) == 0
        assert set(seen.names) <= {"Query"}
        reads += seen.count * CALLS[expression]
    assert f"| reads of these jobs | {reads:,} |" in PAGE
