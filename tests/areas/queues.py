"""Receiving what waits in a queue on moto."""

import json
from typing import Any

import boto3

from shared.core.settings import settings


def drain_queue(name: str) -> list[dict[str, Any]]:
    """Receive and delete all messages of a queue, given by the name of its setting (`emails_queue`). Oldest first."""
    sqs, url = boto3.client("sqs"), settings().need(name)
    received = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            received.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return received
