"""The lease of a run: one execution may work on it until the lease ends; the fence number rises with each new holder.

The lease is stored in the run; the card only names the run that has it (`lease_run`). Renewing the lease therefore writes one row, and
taking over a card checks and ends the run that held it in the same transaction.
"""

from typing import Final

from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.runs.agent_runs.rows import Run
from shared.store import Operation, check, update_now

LEASE: Final = 120  # seconds; renewed at every step and while a model streams
PENDING_LEASE: Final = 900  # from the request until an execution claims the run
WAITING_LEASE: Final = 8 * 86_400  # the machine waits seven days for an answer and then fails the run itself


class LeaseLost(ConditionFailed):
    """The run has ended or has a new holder; the caller must not write any more."""

    def __init__(self) -> None:
        super().__init__("The run has ended or is in other hands")


def renew_lease(run: Run, seconds: int = LEASE) -> None:
    """Extend the lease by `seconds` from now; one write. Raises LeaseLost."""
    is_ours = (Run.fence == run.fence) & Run.status.is_in("assigned", "running", "waiting")
    update_now(run, [Run.lease_until.set(clock.epoch() + seconds)], is_ours, LeaseLost())


def acquire_lease(run_id: str, execution: str, *, seconds: int = LEASE) -> Run:
    """Take the lease: raise the fence, so that all earlier holders fail, and return the run; one round trip.

    Raises LeaseLost if the run has ended or belongs to another execution.
    """
    row = Run(*Run.key(run_id))
    actions = [Run.fence.add(1), Run.version.add(1), Run.lease_until.set(clock.epoch() + seconds)]
    is_ours = (Run.execution == execution) & Run.status.is_in("assigned", "running", "waiting")
    return Run.decode(update_now(row, actions, is_ours, LeaseLost()))


def check_fence(run: Run) -> Operation:
    """Return the condition of every write of a run's work: the run is running and has our fence."""
    return check(Run(*Run.key(run.id)), (Run.fence == run.fence) & (Run.status == "running"), LeaseLost())
