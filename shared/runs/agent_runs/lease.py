"""Who works on a run: its execution, under a fence that goes up each time the run is taken up, until the lease ends.

The run's row is the truth about the lease; the card only names the run that has it (`lease_run`). So renewing touches one row, and
taking a card over checks and ends the run that held it in the same transaction.
"""

from typing import Final

from shared.core import clock
from shared.core.errors import Raced
from shared.runs.agent_runs.rows import Run
from shared.store import Operation, check, update_now

LEASE: Final = 120  # seconds; renewed at every step and while a model streams
PENDING_LEASE: Final = 900  # from the request until an execution takes the run up
WAITING_LEASE: Final = 8 * 86_400  # the machine waits seven days for an answer and then fails the run itself


class LeaseLost(Raced):
    """The run is no longer ours: it ended, or somebody else took it up. Whoever gets this writes nothing more."""

    def __init__(self) -> None:
        super().__init__("The run has ended or is in other hands")


def renew_lease(run: Run, seconds: int = LEASE) -> None:
    """A longer lease, if the run is still ours. One write."""
    is_ours = (Run.fence == run.fence) & Run.status.is_in("assigned", "running", "waiting")
    update_now(run, [Run.lease_until.set(clock.epoch() + seconds)], is_ours, LeaseLost())


def acquire_lease(run_id: str, execution: str, *, seconds: int = LEASE) -> Run:
    """The run, now held by the caller: its fence is up, every earlier holder is out. Raises Lost unless the run belongs to this
    execution and has not ended. One round trip."""
    row = Run(*Run.key(run_id))
    actions = [Run.fence.add(1), Run.version.add(1), Run.lease_until.set(clock.epoch() + seconds)]
    is_ours = (Run.execution == execution) & Run.status.is_in("assigned", "running", "waiting")
    return Run.decode(update_now(row, actions, is_ours, LeaseLost()))


def check_fence(run: Run) -> Operation:
    """The check that each write of a run's work carries: it has our fence, and it is running."""
    return check(Run(*Run.key(run.id)), (Run.fence == run.fence) & (Run.status == "running"), LeaseLost())
