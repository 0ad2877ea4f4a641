"""Queue `cascade`: clear or purge a deleted workspace. A message is processed for SECONDS; remaining work is queued as a new
message.

Delivering a message twice, or to two workers at once, changes nothing more: every step is a conditional write or a removal.
"""

import json
import time
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.core import logs, start
from shared.edge.cascade.clearing import process
from shared.edge.cascade.queue import Task, enqueue

logger = logs.start()
SECONDS = 20.0  # of the 60 that a call may take, so that the last page has time to finish
_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def _work(record: SQSRecord) -> None:
    task = Task(**json.loads(record.body))
    left = process(task, time.monotonic() + SECONDS)
    if left is not None:
        enqueue(left)
    logger.info("cascade", extra={"workspace": task.workspace, "step": task.step, "left": left.step if left else None})


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    return process_partial_response(event=event, record_handler=_work, processor=_processor, context=context)


start.finish()
