"""Decisions of people about a run: cancel, approve, reject."""

import math
from collections.abc import Iterator
from functools import partial

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.money.budgets.reserving import set_limit
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.ending import end_run, event_data, publish_status, with_error
from shared.runs.agent_runs.recovery import relaunch
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.spending import has_budget
from shared.store import QueryOptions, fetch, fetch_indexed, iterate, load, process_all, sweep, update_with_retry


def cancel_run(actor: Actor, run_id: str, reason: str | None = None) -> Run:
    """Cancel a run: change its status, its fence and its card's lease in one transaction, then stop its execution.

    The worker of the run fails at its next write, because the fence has changed. Raises Conflict(RUN_STATUS) for a run that completed or
    failed; safe to repeat.
    """
    done = stop_run(actor, load(Run, run_id, actor, Permission.AGENT_RUN), reason or "Cancelled")
    if done.status != "cancelled":
        raise Conflict(Situation.RUN_STATUS, f"The run is {done.status} already")
    return done


def stop_run(actor: Actor, run: Run, reason: str) -> Run:
    """Cancel a run that was read already; a run that completed or failed stays as it is."""
    execution = run.execution
    done = end_run(run, "cancelled", actor, with_error("CANCELLED", reason))
    arn = done.execution or execution
    if done.status == "cancelled":
        if arn:
            queue.stop_execution(arn, reason)
        publish_status(done)
    return done


def approve_run(actor: Actor, run_id: str, max_cost_micros: int | None = None) -> Run:
    """Approve a waiting run; the first answer counts. If the run waits for its own budget, `max_cost_micros` is its new limit.

    Raises Conflict(RUN_STATUS) unless the run waits.
    """
    run = load(Run, run_id, actor, Permission.RUN_APPROVE)
    _require_waiting(run)
    if max_cost_micros is not None:
        if (run.waiting or {}).get("scope") != "run":  # a new budget would not contain what the run has spent
            raise Invalid(FieldError("max_cost", "The run does not wait for a budget of its own", None))
        set_limit("run", run.id, max_cost_micros, org_id=run.org_id, ws_id=run.ws_id)
    run = _record_answer(actor, run, "approved")
    if not queue.resume_execution(str(run.wait_token), {"approved": True}):
        if run.execution and queue.is_execution_running(run.execution):
            return run  # it was answered already; or the wait is over, and the execution itself ends the run
        run = relaunch(run)
        if run.ended:
            raise Conflict(Situation.RUN_STATUS, "The run does not wait any more")
    return run


def reject_run(actor: Actor, run_id: str, reason: str | None = None) -> Run:
    """Reject a waiting run: it ends as cancelled, with the reason. Raises Conflict(RUN_STATUS) unless the run waits."""
    run = load(Run, run_id, actor, Permission.RUN_APPROVE)
    _require_waiting(run)
    run = _record_answer(actor, run, "rejected")
    token, waited_for = run.wait_token, run.waiting_for
    code = "APPROVAL_REJECTED" if waited_for == "approval" else "USAGE_LIMIT_EXCEEDED"
    done = end_run(run, "cancelled", actor, with_error(code, reason or f"Rejected by {actor.name}"))
    if token:
        queue.fail_waiting_execution(
            token, "ApprovalRejected" if waited_for == "approval" else "BudgetRefused", done.error_message or ""
        )
    publish_status(done)
    return done


def _require_waiting(run: Run) -> None:
    if run.status == "waiting" and not run.wait_token:
        raise Conflict(Situation.RUN_STATUS, "The run is being taken up again; answer in a moment")
    if run.status != "waiting":
        raise Conflict(Situation.RUN_STATUS, f"The run is {run.status}: it does not wait for an answer")
    expires = (run.waiting or {}).get("expires_at")
    if expires and clock.parse(expires) < clock.now():
        raise Conflict(Situation.RUN_STATUS, "The time for an answer is over")


def _record_answer(actor: Actor, run: Run, answer: str) -> Run:
    """Store the answer and who gave it; the same answer may be repeated until the execution continues, another one is a Conflict."""

    def change(row: Run) -> None:
        _require_waiting(row)
        previous = (row.waiting or {}).get("answer")
        if previous is not None and previous != answer:
            raise Conflict(Situation.RUN_STATUS, f"The run was {previous} already")
        if previous is None:
            row.approved = row.approved or (answer == "approved" and row.waiting_for == "approval") or None
            row.waiting = (row.waiting or {}) | {"answer": answer, "answered_by": actor.summary, "answered_at": clock.iso()}
            record(row, EventType.RUN_ANSWERED, actor, **event_data(row), answer=answer, waited_for=row.waiting_for)

    return update_with_retry(lambda: fetch(Run, run.id) or run, change, first=run)


def resume_waiting(ws_id: str | None = None, *, until: float = math.inf) -> int:
    """Resume all runs, of one workspace or of all, that wait for a budget which has room again; return how many. Stops at `until`
    (`time.monotonic`).

    A budget gets room by a higher limit, by a call that cost less than its reservation, and when a month begins.
    """
    options: QueryOptions = {"index": 3, "prefix": f"budget#{ws_id}#" if ws_id else "budget#", "limit": _PAGE}
    read = partial(fetch_indexed, Run)
    runs: Iterator[Run] = (
        iterate(Run, "RUNS#WAITING", read=read, until=until, **options)
        if ws_id
        else sweep(Run, "RUNS#WAITING#budget", ["RUNS#WAITING"], until, read=read, **options)
    )
    return process_all("RUNS#WAITING", runs, _resume_if_possible, lambda run: f"run {run.id}")


def _resume_if_possible(run: Run) -> int:
    waits = run.status == "waiting" and run.waiting_for == "budget" and run.wait_token
    return int(bool(waits) and has_budget(run) and queue.resume_execution(str(run.wait_token), {"granted": True}))


_PAGE = 100
