"""The queue of mails and SES on moto: requested and sent mails."""

import json
from typing import Any

import boto3
from moto.ses.models import ses_backends

from shared.core.settings import settings
from tests.areas.driving import Context
from tests.areas.queues import drain_queue


def requested_mails() -> list[dict[str, Any]]:
    """Receive and delete all messages of the queue `emails`, oldest first."""
    return drain_queue("emails_queue")


def event(*bodies: Any) -> dict[str, Any]:
    """The mailer's event for messages with these bodies; their message ids are m0, m1, ..."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "r",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:emails",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def mailer(*bodies: Any) -> list[str]:
    """Let the mailer work on messages; the ids of those that failed."""
    from functions.mailer.handler import handler

    return [failed["itemIdentifier"] for failed in handler(event(*bodies), Context())["batchItemFailures"]]


def sent_mails() -> list[Any]:
    """Return the mails that SES has sent since `reset_ses`."""
    sent: list[Any] = ses_backends["123456789012"]["us-east-1"].sent_messages
    return sent


def reset_ses(*, verified: bool = True) -> None:
    """Clear the sent mails, and verify our sender or delete its identity."""
    sent_mails().clear()
    sender = settings().mail_sender
    ses = boto3.client("ses")
    if verified:
        ses.verify_email_identity(EmailAddress=sender)
    else:
        ses.delete_identity(Identity=sender)
