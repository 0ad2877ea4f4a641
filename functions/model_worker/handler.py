"""Queue `model-calls`: each message is a task that a validator of the platform reviews, or a question of a sandbox to a model. A repeated
message changes nothing."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.core import logs, start
from shared.delivery.builds.evidence import builds_of
from shared.runs.validation.platform import TRIES, review_task
from shared.sandboxes.completions.calling import complete

logs.start()
_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def _work(record: SQSRecord) -> None:
    message = json.loads(record.body)
    if "request_id" in message:
        complete(message["sandbox_id"], message["request_id"])
        return
    last = int(record.attributes.approximate_receive_count) >= TRIES
    review_task(message["task_id"], message["validator_id"], builds_of, last=last)


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    return process_partial_response(event=event, record_handler=_work, processor=_processor, context=context)


start.finish()
