"""The queue `cascade` worked off by hand."""

import json
from typing import Any

import boto3

from functions.cascade_worker.handler import handler
from shared.core.settings import settings
from tests.areas.driving import Context


def waiting() -> list[dict[str, Any]]:
    """The messages of the queue, taken out of it."""
    sqs, url = boto3.client("sqs"), settings().need("cascade_queue")
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def event(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "r",
                "body": json.dumps(task),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:cascade",
                "awsRegion": "us-east-1",
            }
            for number, task in enumerate(tasks)
        ]
    }


def work_off(*tasks: dict[str, Any]) -> int:
    """Everything that waits, until nothing does. How many calls it took."""
    calls, left = 0, [*tasks, *waiting()]
    while left:
        assert handler(event(left.pop(0)), Context()) == {"batchItemFailures": []}
        calls += 1
        assert calls < 200, "the cascade does not come to an end"
        left += waiting()
    return calls
