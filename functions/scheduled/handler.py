"""Scheduled jobs: `infra/schedules.py` says when each runs. One rule calls for all jobs of the same times, and names them in `detail.jobs`.

A job does what is due and returns how many things it did. What fails keeps nothing else from being done, neither in its job nor in
another one; the call then fails in the end, so that its alarm sees it. A job may be called twice for the same time, also concurrently,
because all its writes are conditional. The jobs of a call share SECONDS; the next call continues.
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
from shared.insight.audit.sealing import seal_due
from shared.money.billing.charging import ask_for_charges
from shared.money.billing.dunning import run_dunning
from shared.money.billing.monthly_close import close_periods
from shared.planning.tickets.approving import time_out_due
from shared.runs.agent_runs.maintenance import sweep_runs
from shared.runs.authoring.calls import release_held
from shared.runs.guardian.cycle import oversee
from shared.runs.live_agents.watching import watch_heartbeats
from shared.sandboxes.collaborations.moving import advance_all
from shared.sandboxes.completions.calling import release_dead
from shared.sandboxes.lifecycle.watching import watch_sandboxes
from shared.sandboxes.messages.delivering import deliver_due
from shared.source.repositories.reconciling import ask_for_reconciling
from shared.store import Unfinished, process_in_turn, rotate
from shared.work.items.archiving import archive_finished

logs.start()
SECONDS = 40.0  # of a minute, the shortest time between two calls; the last part of a job that was begun ends within the time-out

JOBS: dict[str, Callable[[float], int]] = {
    "audit-seal": seal_due,  # seals the entries of the audit trail
    "approvals": time_out_due,  # tells of tickets that were not approved in time
    "auto-archive": archive_finished,  # archives cards that were finished some time ago
    "billing-close": close_periods,  # bills months that are over
    "guardian": oversee,  # watches the runs at work; scores interventions, and takes back those whose time is over
    "held-calls": release_held,  # releases what dead requests of explorations have reserved in budgets
    "held-completions": release_dead,  # makes again what a dead process has begun to ask a model for a sandbox
    "heartbeat-watch": watch_heartbeats,  # says which live agents have fallen silent, and who looks for work
    "invoices-overdue": run_dunning,  # charges invoices, reminds, and finally suspends the workspace
    "charges": ask_for_charges,  # asks the payment gateway what became of charges without a result
    "collaborations": advance_all,  # ends what sandboxes do together for too long, and goes on where a wake was lost
    "deployments": resume_deployments,  # goes on with deployments whose execution is gone
    "letters": watch_letters,  # says which dead-letter queues have messages
    "timeouts": sweep_runs,  # ends or resumes runs that nobody works on
    "sandbox-messages": deliver_due,  # ends what waits for too long, and goes on where a wake was lost
    "sandbox-watch": watch_sandboxes,  # looks after sandboxes that are silent, and starts and stops that nobody works on
    "repositories": ask_for_reconciling,  # looks for what GitHub has sent and nobody got
    "operations": sweep_operations,  # goes on with builds that nobody works on
    "ws-reaper": close_expired,  # closes expired connections
    "webhook-retry": wake_due,  # wakes the worker for webhooks whose next attempt is due
    "purge": purge_due,  # erases workspaces that were deleted thirty days ago
}


def handler(event: dict[str, Any], context: Any) -> None:
    jobs = event["detail"]["jobs"]
    if unknown := sorted(set(jobs) - set(JOBS)):
        raise LookupError(f"there is no job {', '.join(map(repr, unknown))}; there are {', '.join(JOBS)}")
    # rotated: a job that takes until the time-out keeps no other one from its turn for long
    process_in_turn("the schedule", rotate(jobs), _run, time.monotonic() + SECONDS, str)


def _run(job: str, until: float) -> int:
    """Run a job and log what it did; a job that fails as a whole is one failure."""
    started = time.monotonic()
    done, failed = 0, 1
    try:
        done, failed = JOBS[job](until), 0
    except Unfinished as error:
        done, failed = error.done, error.failed
        raise
    finally:
        ended = time.monotonic()
        line = {"job": job, "done": done, "failed": failed, "seconds": round(ended - started, 3), "cut_short": ended > until}
        logs.write_metrics("job", line | (logs.metric("failed", by="job") if failed else {}))
    return done


start.finish()
