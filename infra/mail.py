"""What SES says of our mails: a configuration set whose bounces and complaints arrive in the queue `emails`."""

from aws_cdk import aws_events, aws_ses, aws_sqs

from infra.stack import PlatformStack


def configuration_set(stack: PlatformStack, queue: aws_sqs.CfnQueue, dead: aws_sqs.CfnQueue) -> str:
    """Make the configuration set, its events and the rule that puts them into the queue; return its name. `dead` gets what the queue
    does not take."""
    made = aws_ses.CfnConfigurationSet(
        stack,
        "Mails",
        # Bounces are our own list, which an owner can lift. A complaint must outlive our tables: SES refuses such an address too
        suppression_options=aws_ses.CfnConfigurationSet.SuppressionOptionsProperty(suppressed_reasons=["COMPLAINT"]),
    )
    bus = stack.arn("events", "event-bus/default")  # SES sends to no other
    events = aws_ses.CfnConfigurationSetEventDestination(
        stack,
        "MailEventsDestination",
        configuration_set_name=made.ref,
        event_destination=aws_ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
            enabled=True,
            matching_event_types=["bounce", "complaint"],
            event_bridge_destination=aws_ses.CfnConfigurationSetEventDestination.EventBridgeDestinationProperty(
                event_bus_arn=bus
            ),
        ),
    )
    rule = aws_events.CfnRule(
        stack,
        "MailEventsRule",
        description="Cadre: bounces and complaints of our mails",
        event_pattern={
            "source": ["aws.ses"],
            "detail-type": ["Email Bounced", "Email Complaint Received"],
            "detail": {"mail": {"tags": {"ses:configuration-set": [made.ref]}}},  # not those of other senders in the account
        },
        targets=[
            aws_events.CfnRule.TargetProperty(
                id="queue",
                arn=queue.attr_arn,
                dead_letter_config=aws_events.CfnRule.DeadLetterConfigProperty(arn=dead.attr_arn),
            )
        ],
    )
    rule.add_resource_dependency(events)
    return made.ref
