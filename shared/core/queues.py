"""Send messages to our SQS queues."""

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import aws
from shared.core.errors import Upstream
from shared.core.settings import settings


class Unsent(Exception):
    """The queue has not taken some messages of a request."""


_BATCH = 10  # messages of a request: SQS's limit
_LONGEST = 43_000  # seconds: SQS hides a message for twelve hours at most, and some have passed


def send_all(queue: str, messages: Sequence[tuple[Any, dict[str, Any]]]) -> None:
    """Put messages on a queue, ten by one request, each with its attributes. Raises Unsent if the queue has not taken all."""
    for start in range(0, len(messages), _BATCH):
        entries = [
            {"Id": str(number), "MessageBody": _text(body), **attributes}
            for number, (body, attributes) in enumerate(messages[start : start + _BATCH])
        ]
        answer = aws.short_call_client("sqs").send_message_batch(QueueUrl=settings().need(queue), Entries=entries)
        if answer.get("Failed"):
            raise Unsent(answer["Failed"])


def send(queue: str, body: Any, *, failure: Upstream | None = None, **attributes: Any) -> None:
    """Put one message on a queue, named by its settings field. `body` is sent as JSON, a str unchanged. `attributes` are SQS's
    own.

    If sending fails, `failure` is raised, or botocore's error if none is given.
    """
    try:
        aws.short_call_client("sqs").send_message(QueueUrl=settings().need(queue), MessageBody=_text(body), **attributes)
    except (BotoCoreError, ClientError) as error:
        if failure is None:
            raise
        raise failure from error


def put_off(queue: str, receipt: str, seconds: float) -> None:
    """Let a message that its consumer is about to fail come again in so many seconds, twelve hours at most."""
    aws.short_call_client("sqs").change_message_visibility(
        QueueUrl=settings().need(queue), ReceiptHandle=receipt, VisibilityTimeout=max(1, min(round(seconds), _LONGEST))
    )


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
