"""What has a clock. One rule per job, all to the `scheduled` function, which reads `detail.job`."""

from aws_cdk import Stack, aws_events, aws_lambda, aws_sqs

from infra.function import may_invoke

# Job -> EventBridge schedule, UTC
SCHEDULES = {
    # Every minute of two hours, every night: a call stops after 40 s and the next goes on; on most nights nothing is due, 8 reads
    "billing-close": "cron(* 2-3 * * ? *)",
    "invoices-overdue": "cron(* 4 * * ? *)",
    "heartbeat-watch": "rate(1 minute)",
    "monitoring-cycle": "rate(5 minutes)",
    "runtime-sampler": "rate(1 minute)",
    "auto-archive": "rate(1 hour)",
    "timeouts": "rate(1 minute)",
    "webhook-retry": "rate(5 minutes)",
    "ws-reaper": "rate(1 minute)",
    "metrics-rollup": "rate(5 minutes)",
    "purge": "cron(0 4 * * ? *)",
    "cost-rollup": "cron(30 4 * * ? *)",
}


def schedule(scope: Stack, function: aws_lambda.CfnFunction, undelivered: aws_sqs.CfnQueue, jobs: frozenset[str]) -> None:
    """Rules for the `jobs` that the function knows. What cannot be delivered, or fails three times, lands in `undelivered`."""
    aws_lambda.CfnEventInvokeConfig(
        scope,
        "ScheduledInvoke",
        function_name=function.ref,
        qualifier="$LATEST",
        maximum_retry_attempts=2,
        maximum_event_age_in_seconds=3600,
        destination_config=aws_lambda.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=aws_lambda.CfnEventInvokeConfig.OnFailureProperty(destination=undelivered.attr_arn)
        ),
    )
    for job in sorted(jobs & set(SCHEDULES)):
        title = "".join(part.capitalize() for part in job.split("-"))
        rule = aws_events.CfnRule(
            scope,
            f"Job{title}",
            schedule_expression=SCHEDULES[job],
            description=f"Cadre: {job}",
            targets=[
                aws_events.CfnRule.TargetProperty(
                    id="scheduled",
                    arn=function.attr_arn,
                    input_transformer=aws_events.CfnRule.InputTransformerProperty(
                        input_paths_map={"id": "$.id", "time": "$.time"},
                        input_template=f'{{"id": <id>, "time": <time>, "detail-type": "job", "detail": {{"job": "{job}"}}}}',
                    ),
                    dead_letter_config=aws_events.CfnRule.DeadLetterConfigProperty(arn=undelivered.attr_arn),
                    retry_policy=aws_events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=3600, maximum_retry_attempts=8
                    ),
                )
            ],
        )
        may_invoke(scope, f"MayRun{title}", function, function.attr_arn, "events.amazonaws.com", rule.attr_arn)
