"""Queue `agent-runs`: each message starts the execution of one run; a repeated message starts nothing."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.core import logs, start
from shared.runs.agent_runs.queue import start_execution

logs.start()
_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def _start(record: SQSRecord) -> None:
    message = json.loads(record.body)
    start_execution(message["run_id"], int(message.get("attempt", 1)), int(message.get("launch", 0)))


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    return process_partial_response(event=event, record_handler=_start, processor=_processor, context=context)


start.finish()
