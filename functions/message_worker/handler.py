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
from shared.sandboxes.lifecycle.watching import look_after, look_after_connection
from shared.sandboxes.messages.broadcasting import write_messages
from shared.sandboxes.messages.delivering import deliver, look_at
from shared.sandboxes.messages.wakes import wake_for_broadcast

logs.start()
SECONDS = 20.0
"""For which a call writes the messages of a broadcast; the rest is a wake of its own."""


class _Batch:
    """Wakes that came together: a sandbox is looked after once for all of them, because they were there before it was."""

    def __init__(self) -> None:
        self.done: set[str] = set()

    def process(self, record: SQSRecord) -> None:
        match json.loads(record.body):
            case {"sandbox": sandbox_id}:
                if sandbox_id not in self.done:
                    deliver(sandbox_id)
                    self.done.add(sandbox_id)
            case {"message": message_id}:
                look_at(message_id)
            case {"collaboration": collaboration_id}:
                advance(collaboration_id)
            case {"lost": sandbox_id, "start_number": number, "since": since}:
                look_after_connection(sandbox_id, int(number), int(since))
            case {"watch": sandbox_id}:
                look_after(sandbox_id)
            case {"broadcast": broadcast_id}:
                if not write_messages(broadcast_id, time.monotonic() + SECONDS):
                    wake_for_broadcast(broadcast_id)
            case woken:
                raise ValueError(f"Nothing is known to do with {woken}")


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_Batch().process, processor=processor, context=context)


start.finish()
