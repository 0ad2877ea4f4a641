"""Runs whose worker was never heard of again come to their end, so that nobody looks at a run that runs for ever. Runs that wait for a
budget go on where there is room again; those whose execution is gone get another one, those whose approval has expired end. What an
ended run still holds for a call that will not settle any more is given back.

A card does not depend on it: one whose run's lease is over is anybody's to take, and a project's place too. This only says so sooner.
"""

import time
from datetime import timedelta
from functools import partial

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.approvals import resume_waiting
from shared.runs.agent_runs.ending import end, with_error
from shared.runs.agent_runs.recovery import relaunch
from shared.runs.agent_runs.requesting import ABANDONED
from shared.runs.agent_runs.rows import HOLDING, UNDERWAY, Run, WaitingCursor
from shared.runs.agent_runs.spending import release_reservation
from shared.runs.terminal import publish_run_status
from shared.store import fetch_indexed, get, iterate_shards, query, update_now

_PAGE = 100
WAITERS = 100
"""Waiting runs that are looked at in a minute: a thousand of them take ten."""
_GRACE = timedelta(minutes=5)  # the state machine has the first word on an approval that expires


def sweep(until: float) -> int:
    """What is due for runs that nobody works on. How many were concerned. Stops at `until` (`time.monotonic`)."""
    return resume_waiting(until=until) + _end_abandoned(until) + _take_up_lost(until) + _release_reservations(until)


def _end_abandoned(until: float) -> int:
    """End every run under way whose lease is over and whose execution is gone. How many were ended."""
    return sum(
        _ended(run) for run in iterate_shards(Run, UNDERWAY, until, index=3, limit=_PAGE, read=partial(fetch_indexed, Run))
    )


def _take_up_lost(until: float) -> int:
    """Take up again, or end, waiting runs that nobody can answer any more. WAITERS of them each time, each costing a call of Step
    Functions; the next time goes on where this one stopped."""
    seen = get(WaitingCursor, "SWEEP", "RUNS#WAITING")
    page = query(Run, "RUNS#WAITING", index=3, limit=WAITERS, start=seen.after if seen else None)
    ended = 0
    for run in fetch_indexed(Run, page.rows):
        if time.monotonic() > until:
            break
        ended += int(_lost(run))
    update_now(WaitingCursor.the(), [WaitingCursor.after.set(page.next_key) if page.next_key else WaitingCursor.after.remove()])
    return ended


def _lost(run: Run) -> bool:
    """Whether this run waited for what cannot come any more: it is over now, or a new execution waits for it."""
    if run.status != "waiting":
        return False
    expires = (run.waiting or {}).get("expires_at")
    if expires and clock.parse(expires) < clock.now() - _GRACE:
        still = run.wait_token
        why = with_error("APPROVAL_EXPIRED", "Nobody answered in time")
        done = end(run, "failed", SYSTEM, why, still=lambda one: one.status == "waiting" and one.wait_token == still)
    elif queue.execution_lives(run.execution) if run.execution else run.lease_alive:
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
    publish_run_status(done.id, done.item_id, done.ws_id, done.status, progress=int(done.progress))
    return True


def _release_reservations(until: float) -> int:
    """Give back what ended runs hold for calls whose lease is over."""
    over = ("0", f"{clock.epoch():012d}")
    runs = iterate_shards(Run, HOLDING, until, index=3, between=over, limit=_PAGE, read=partial(fetch_indexed, Run))
    return sum(release_reservation(run) for run in runs)


def _ended(run: Run) -> bool:
    """Whether this run was abandoned, and is over now."""
    if run.ended or run.lease_alive:
        return False
    if run.execution and queue.execution_lives(run.execution):
        return False  # between two tries of a step, which may be further apart than a lease is long
    done = end(run, "failed", SYSTEM, ABANDONED, still=lambda one: not one.lease_alive)
    if done.ended:
        publish_run_status(done.id, done.item_id, done.ws_id, done.status, progress=int(done.progress))
    return done.ended
