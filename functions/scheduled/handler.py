"""Scheduled jobs: `infra/schedules.py` has a rule for each job here, and names it in `detail.job`.

A job does what is due and returns how many things it did. What fails keeps nothing else from being done; the job then fails in the end,
so that its alarm sees it. It may be called twice for the same time, also concurrently, because all its
writes are conditional. It stops after SECONDS; the next call continues.
"""

import time
from collections.abc import Callable
from typing import Any

from functions.scheduled.letters import watch_letters
from shared.channels.sockets.expiry import close_expired
from shared.channels.webhooks.wakes import wake_due
from shared.core import logs, start
from shared.delivery.deployments.maintenance import resume_deployments
from shared.delivery.operations.machine import sweep_operations
from shared.edge.cascade.purging import purge_due
from shared.money.billing.charging import ask_for_charges
from shared.money.billing.dunning import run_dunning
from shared.money.billing.monthly_close import close_periods
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.runs.guardian.cycle import oversee
from shared.runs.live_agents.watching import watch_heartbeats
from shared.store import Unfinished
from shared.work.audit.sealing import seal_due
from shared.work.items.archiving import archive_finished
from shared.work.repositories.reconciling import ask_for_reconciling
from shared.work.tickets.approving import time_out_due

logs.start()
SECONDS = 40.0  # of a minute, the shortest time between two calls

JOBS: dict[str, Callable[[float], int]] = {
    "audit-seal": seal_due,  # seals the entries of the audit trail
    "approvals": time_out_due,  # tells of tickets that were not approved in time
    "auto-archive": archive_finished,  # archives cards that were finished some time ago
    "billing-close": close_periods,  # bills months that are over
    "guardian": oversee,  # watches the runs at work; scores interventions, and takes back those whose time is over
    "heartbeat-watch": watch_heartbeats,  # says which live agents have fallen silent, and who looks for work
    "invoices-overdue": run_dunning,  # charges invoices, reminds, and finally suspends the workspace
    "charges": ask_for_charges,  # asks the payment gateway what became of charges without a result
    "deployments": resume_deployments,  # goes on with deployments whose execution is gone
    "letters": watch_letters,  # says which dead-letter queues have messages
    "timeouts": sweep_runs,  # ends or resumes runs that nobody works on
    "repositories": ask_for_reconciling,  # looks for what GitHub has sent and nobody got
    "operations": sweep_operations,  # goes on with builds that nobody works on
    "ws-reaper": close_expired,  # closes expired connections
    "webhook-retry": wake_due,  # wakes the worker for webhooks whose next attempt is due
    "purge": purge_due,  # erases workspaces that were deleted thirty days ago
}


def handler(event: dict[str, Any], context: Any) -> None:
    job = event["detail"]["job"]
    if job not in JOBS:
        raise LookupError(f"there is no job {job!r}; there are {', '.join(JOBS)}")
    started = time.monotonic()
    unfinished: Unfinished | None = None
    try:
        done = JOBS[job](started + SECONDS)
    except Unfinished as error:
        unfinished, done = error, error.done
    took, failed = time.monotonic() - started, unfinished.failed if unfinished else 0
    line = {"job": job, "done": done, "failed": failed, "seconds": round(took, 3), "cut_short": took > SECONDS}
    logs.write_metrics("job", line | (logs.metric("failed", by="job") if failed else {}))
    if unfinished is not None:
        raise unfinished


start.finish()
