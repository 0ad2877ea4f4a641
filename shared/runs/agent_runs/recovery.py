"""Relaunching a waiting run whose execution is gone: its rows have all that is needed, so a new execution can continue the wait.

The engine may be restarted, or an operator may abort an execution, while a person has three days to answer. The run keeps its place, its
question, and an answer that was given before.
"""

from typing import Final

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Upstream
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.ending import end_run, with_error
from shared.runs.agent_runs.lease import PENDING_LEASE
from shared.runs.agent_runs.rows import Run
from shared.store import fetch, update_with_retry

MAX_LAUNCHES: Final = 3
"""New executions of one run; more losses than that are no accident."""


def relaunch(run: Run) -> Run:
    """Start a new execution for a waiting run whose execution is gone; return the run as it is afterwards.

    The run ends if that happened too often or the queue is not available. Two callers at once start only one execution.
    """
    gone, token = run.execution, run.wait_token

    def is_unchanged(one: Run) -> bool:
        return bool(one.status == "waiting" and one.execution == gone and one.wait_token == token)

    if run.launches >= MAX_LAUNCHES:
        return end_run(
            run,
            "failed",
            SYSTEM,
            with_error("EXECUTION_LOST", "What waited for an answer was lost again and again"),
            only_if=is_unchanged,
        )

    def change(one: Run) -> None:
        if not is_unchanged(one):
            return
        one.execution = one.wait_token = None
        one.launches += 1
        one.fence += 1
        one.lease_until = clock.epoch() + PENDING_LEASE

    after = update_with_retry(lambda: fetch(Run, run.id) or run, change)
    if after.status != "waiting" or after.execution is not None:
        return after
    try:
        queue.enqueue(after.id, int(after.attempt), int(after.launches))
    except Upstream as error:
        return end_run(
            after, "failed", SYSTEM, with_error("QUEUE_UNAVAILABLE", error.message), only_if=lambda one: one.execution is None
        )
    return after
