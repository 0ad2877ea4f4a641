"""When each job of the function `scheduled` runs. Plain data: `infra.backend` makes one EventBridge rule for all jobs of the same times.

A call costs as much as five reads, and most jobs have nothing to do: so what runs equally often runs in one call, job after job.
`infra.routes` compares these names with `JOBS` of `functions/scheduled/handler.py`: both must name the same jobs.
"""

SCHEDULES = {  # job -> EventBridge schedule, in UTC
    "approvals": "rate(5 minutes)",
    "audit-seal": "rate(5 minutes)",  # whoever verifies a trail counts what is not sealed yet
    "auto-archive": "rate(1 hour)",
    # Every minute of two hours, every night: a call stops after 40 s and the next one goes on. On most nights nothing is due: 8 queries
    "billing-close": "cron(* 2-3 * * ? *)",
    "charges": "rate(5 minutes)",
    "collaborations": "rate(1 minute)",
    "deployments": "rate(1 minute)",
    "guardian": "rate(1 minute)",  # as in the original service
    "held-calls": "rate(5 minutes)",
    "held-completions": "rate(1 minute)",
    "heartbeat-watch": "rate(1 minute)",
    "invoices-overdue": "cron(* 4 * * ? *)",  # after the invoices of the night are made
    "letters": "rate(5 minutes)",
    "operations": "rate(1 minute)",
    "purge": "cron(0 4 * * ? *)",  # once a night; what is left is for the next one
    "repositories": "rate(15 minutes)",  # each call of GitHub counts
    "sandbox-messages": "rate(1 minute)",
    "sandbox-watch": "rate(1 minute)",
    "timeouts": "rate(1 minute)",
    "webhook-retry": "rate(5 minutes)",
    "ws-reaper": "rate(1 minute)",
}


def calls() -> dict[str, list[str]]:
    """Return the jobs of each rule, by its schedule."""
    return {expression: [job for job, when in SCHEDULES.items() if when == expression] for expression in SCHEDULES.values()}
