"""The queue `emails`: each message is one mail, or what SES says of one. A mail whose message is delivered twice is sent once."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.channels.mail.delivery import deliver
from shared.channels.mail.feedback import note_feedback
from shared.core import logs, start

logger = logs.start()
_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def _process(record: SQSRecord) -> None:
    message = json.loads(record.body)
    if "detail-type" in message:
        note_feedback(message)
    else:
        _send(message)


def _send(message: dict[str, Any]) -> None:
    try:
        sent = deliver(message)
    except Exception as error:
        # the message contains a token, so neither it nor a traceback is logged
        logger.error(
            "a mail failed", extra={"mail": message.get("id"), "kind": message.get("kind"), "error": type(error).__name__}
        )
        raise
    logger.info("mail", extra={"mail": message["id"], "kind": message["kind"], "sent": sent})


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    return process_partial_response(event=event, record_handler=_process, processor=_processor, context=context)


start.finish()
