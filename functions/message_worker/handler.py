"""Queue `sandbox-messages`: each message wakes the worker for a sandbox, a message, a broadcast or a collaboration.

A repeated one finds nothing to do.
"""

import json
import time
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.core import logs, start
from shared.sandboxes.collaborations.moving import advance
from shared.sandboxes.messages.broadcasting import write_messages
from shared.sandboxes.messages.delivering import deliver, look_after, look_at
from shared.sandboxes.messages.wakes import wake_for_broadcast

logs.start()
SECONDS = 20.0
"""For which a call writes the messages of a broadcast; the rest is a wake of its own."""


def _process(record: SQSRecord) -> None:
    woken = json.loads(record.body)
    if "sandbox" in woken:
        deliver(woken["sandbox"])
    elif "message" in woken:
        look_at(woken["message"])
    elif "collaboration" in woken:
        advance(woken["collaboration"])
    elif "lost" in woken:
        look_after(woken["lost"], int(woken["start_number"]), int(woken["since"]))
    elif not write_messages(woken["broadcast"], time.monotonic() + SECONDS):
        wake_for_broadcast(woken["broadcast"])


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_process, processor=processor, context=context)


start.finish()
