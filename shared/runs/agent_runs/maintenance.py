"""The scheduled sweep of runs: settle model calls that nobody settled, end runs whose worker has disappeared, resume runs whose budget
has room again, start a new execution for waiting runs that lost theirs, end runs whose approval has expired, and release reservations that
ended runs still hold.

Cards and projects do not depend on it: after the lease of a run, any request may take over the card and the run's place in the project.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.approvals import resume_waiting
from shared.runs.agent_runs.ending import end_run, publish_status, with_error
from shared.runs.agent_runs.recovery import relaunch
from shared.runs.agent_runs.requesting import ABANDONED
from shared.runs.agent_runs.rows import HOLDING_RESERVATION, IN_PROGRESS, UNSETTLED_CALLS, Run, UnsettledCall
from shared.runs.agent_runs.spending import release_run_reservation, settle_stored_calls
from shared.store import fetch, fetch_indexed, iterate_shards, process_all, process_in_turn, sweep

_PAGE = 100
WAITING_RUNS_PER_SWEEP = 100
"""Waiting runs that are checked each minute; a thousand of them take ten minutes."""
_GRACE = timedelta(minutes=5)  # the state machine itself ends an approval that expires; the sweep only does it later


def sweep_runs(until: float) -> int:
    """Do everything that is due for runs; return how many things were done. Stops at `until` (`time.monotonic`).

    Each part has its share of the time that is left, and the failure of one does not keep the others from being done.
    """
    parts: tuple[Callable[[float], int], ...] = (
        _settle_calls,  # first, while the reservations are still there
        _resume_waiting_runs,
        _end_abandoned,
        _recover_waiting_runs,
        _release_reservations,
    )

    return process_in_turn("the sweep of runs", parts, lambda part, end: part(end), until, lambda part: part.__name__)


def _settle_calls(until: float) -> int:
    """Settle stored model calls whose worker died before it did; return how many. A run whose lease is active does it itself."""
    rows = iterate_shards(UnsettledCall, UNSETTLED_CALLS, until, index=3, limit=_PAGE)
    return process_all(UNSETTLED_CALLS.name, rows, _settle_calls_of_run, lambda row: f"{Run.NAME} {row.run_id}")


def _settle_calls_of_run(row: UnsettledCall) -> int:
    run = fetch(Run, row.run_id)
    return settle_stored_calls(run, is_holder=not run.lease_active) if run is not None else 0


def _resume_waiting_runs(until: float) -> int:
    return resume_waiting(until=until)


def _process(where: str, runs: Iterable[Run], work: Callable[[Run], int]) -> int:
    return process_all(where, runs, work, lambda run: f"{Run.NAME} {run.id}")


def _end_abandoned(until: float) -> int:
    """End every active run whose lease is over and whose execution is gone; return how many."""
    runs = iterate_shards(Run, IN_PROGRESS, until, index=3, limit=_PAGE, read=partial(fetch_indexed, Run))
    return _process(IN_PROGRESS.name, runs, _end_if_abandoned)


def _recover_waiting_runs(until: float) -> int:
    """Relaunch or end waiting runs whose execution or time is gone; return how many.

    Checks WAITING_RUNS_PER_SWEEP runs, each with a call of Step Functions; the next sweep continues there.
    """
    read = partial(fetch_indexed, Run)
    runs = sweep(Run, "RUNS#WAITING", ["RUNS#WAITING"], until, index=3, limit=_PAGE, read=read, at_most=WAITING_RUNS_PER_SWEEP)
    return _process("RUNS#WAITING", runs, _recover_waiting_run)


def _recover_waiting_run(run: Run) -> bool:
    """End or relaunch a run that can no longer be answered; return whether it was."""
    if run.status != "waiting":
        return False
    expires = (run.waiting or {}).get("expires_at")
    if expires and clock.parse(expires) < clock.now() - _GRACE:
        token = run.wait_token
        set_error = with_error("APPROVAL_EXPIRED", "Nobody answered in time")
        done = end_run(run, "failed", SYSTEM, set_error, only_if=lambda one: one.status == "waiting" and one.wait_token == token)
    elif queue.is_execution_running(run.execution) if run.execution else run.lease_active:
        return False
    else:
        before = int(run.launches)
        done = relaunch(run)
        if not done.ended:
            return int(done.launches) > before
    if not done.ended:
        return False
    if run.execution:
        queue.stop_execution(run.execution, done.error_message or "")
    publish_status(done)
    return True


def _release_reservations(until: float) -> int:
    """Release reservations of ended runs whose lease is over; return how many."""
    over = ("0", f"{clock.epoch():012d}")
    runs = iterate_shards(Run, HOLDING_RESERVATION, until, index=3, between=over, limit=_PAGE, read=partial(fetch_indexed, Run))
    return _process(HOLDING_RESERVATION.name, runs, release_run_reservation)


def _end_if_abandoned(run: Run) -> bool:
    """End the run if it is abandoned; return whether it is over now."""
    if run.ended or run.lease_active:
        return False
    if run.execution and queue.is_execution_running(run.execution):
        return False  # between two tries of a step, which may be further apart than the length of a lease
    done = end_run(run, "failed", SYSTEM, ABANDONED, only_if=lambda one: not one.lease_active)
    if done.ended:
        publish_status(done)
    return done.ended
