"""What has a clock: `infra/schedules.py` has a rule for each job here, and names it in `detail.job`.

A job does what is due and answers how much that was. It may be called twice for the same moment, and by two at once: what it does, it
does by conditional writes. It stops after SECONDS; the next call goes on.
"""

import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from shared.channels.sockets.expiry import close_expired
from shared.core.settings import settings
from shared.edge.cascade.purging import purge_due
from shared.money.billing.dunning import run_dunning
from shared.money.billing.monthly_close import close_periods
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.work.items.archiving import archive_finished

logger = Logger(level=settings().log_level)
SECONDS = 40.0  # of a minute, the shortest time between two calls

JOBS: dict[str, Callable[[float], int]] = {
    "auto-archive": archive_finished,  # cards that were finished a while ago
    "billing-close": close_periods,  # months that are over and not billed
    "invoices-overdue": run_dunning,  # invoices that are charged, reminded of, and at last suspend their workspace
    "timeouts": sweep_runs,  # runs that nobody works on any more
    "ws-reaper": close_expired,  # connections that are over
    "purge": purge_due,  # workspaces that were deleted thirty days ago
}


def handler(event: dict[str, Any], context: Any) -> None:
    job = event["detail"]["job"]
    if job not in JOBS:
        raise LookupError(f"there is no job {job!r}; there are {', '.join(JOBS)}")
    started = time.monotonic()
    done = JOBS[job](started + SECONDS)
    took = time.monotonic() - started
    logger.info("job", extra={"job": job, "done": done, "seconds": round(took, 3), "cut_short": took > SECONDS})
