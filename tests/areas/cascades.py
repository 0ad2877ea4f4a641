"""Processing the queue `cascade` by hand."""

import json
from typing import Any

from functions.cascade_worker.handler import handler
from tests.areas.driving import Context
from tests.areas.queues import drain_queue


def waiting() -> list[dict[str, Any]]:
    """Receive and delete all messages of the queue."""
    return drain_queue("cascade_queue")


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


def process_all(*tasks: dict[str, Any]) -> int:
    """Process the tasks and all messages of the queue, until it is empty. Return the number of calls."""
    calls, pending = 0, [*tasks, *waiting()]
    while pending:
        assert handler(event(pending.pop(0)), Context()) == {"batchItemFailures": []}
        calls += 1
        assert calls < 200, "the cascade does not come to an end"
        pending += waiting()
    return calls
