"""The queues `webhook-delivery`, where each message says that something waits at a webhook, and `webhook-retry`, whose messages were
delayed and go on to the other one. A message that comes twice finds nothing to do."""

import json
import time
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.channels.webhooks.draining import drain
from shared.channels.webhooks.wakes import wake
from shared.core import logs, start

logs.start()
SECONDS = 20.0
"""After which a call begins no other attempt: with the last one (10 s) it ends before its time-out (60 s)."""


def _process(record: SQSRecord) -> None:
    message = json.loads(record.body)
    if message.get("later"):
        wake(message["org"], message["webhook"])
    else:
        drain(message["org"], message["webhook"], time.monotonic() + SECONDS, at_once=message.get("at_once", False))


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_process, processor=processor, context=context)


start.finish()
