"""Send messages to our SQS queues."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.core import aws
from shared.core.errors import Upstream
from shared.core.settings import settings


def send(queue: str, body: Any, *, failure: Upstream | None = None, **attributes: Any) -> None:
    """Put one message on a queue, named by its settings field. `body` is sent as JSON, a str unchanged. `attributes` are SQS's
    own.

    If sending fails, `failure` is raised, or botocore's error if none is given.
    """
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    try:
        aws.short_call_client("sqs").send_message(QueueUrl=settings().need(queue), MessageBody=text, **attributes)
    except (BotoCoreError, ClientError) as error:
        if failure is None:
            raise
        raise failure from error
