"""When each job of the function `scheduled` runs. Plain data: `infra.backend` makes one EventBridge rule for each.

`infra.routes` compares these names with `JOBS` of `functions/scheduled/handler.py`: both must name the same jobs.
"""

SCHEDULES = {  # job -> EventBridge schedule, in UTC
    "audit-seal": "rate(1 minute)",
    "approvals": "rate(5 minutes)",
    "auto-archive": "rate(1 hour)",
    # Every minute of two hours, every night: a call stops after 40 s and the next one goes on. On most nights nothing is due: 8 reads
    "billing-close": "cron(* 2-3 * * ? *)",
    "charges": "rate(5 minutes)",
    "deployments": "rate(1 minute)",
    "guardian": "rate(1 minute)",  # as in the original service
    "heartbeat-watch": "rate(1 minute)",
    "invoices-overdue": "cron(* 4 * * ? *)",
    "letters": "rate(5 minutes)",
    "operations": "rate(1 minute)",
    "purge": "cron(0 4 * * ? *)",
    "repositories": "rate(15 minutes)",
    "timeouts": "rate(1 minute)",
    "webhook-retry": "rate(5 minutes)",
    "ws-reaper": "rate(1 minute)",
}
