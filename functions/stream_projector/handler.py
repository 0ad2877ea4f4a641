"""stream_projector: the stream of `core`. Every event of the platform is processed here at least once, in its entity's order."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from shared.core import logs, start
from shared.edge.reactions import parse_change, react

logger = logs.start()


class _OrderedConsumer:
    """Process a batch in order: after a failed record, later records of the same entity fail too, so that they are delivered
    again after it."""

    def __init__(self) -> None:
        self.failed: set[str] = set()

    def consume(self, record: DynamoDBRecord) -> None:
        raw = record.raw_event
        keys = raw["dynamodb"]["Keys"]
        entity = f"{keys['PK']['S']} {keys['SK']['S']}"
        if entity in self.failed:
            raise RuntimeError("an earlier event of this entity has failed")
        try:
            change = parse_change(raw)
            if change is not None:
                react(change)
        except Exception as error:
            self.failed.add(entity)
            causes = error.exceptions if isinstance(error, ExceptionGroup) else [error]
            for cause in causes:
                logger.error("a reaction failed", extra={"entity": entity, "event_id": raw.get("eventID")}, exc_info=cause)
            raise


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the records that failed, so that the stream delivers them again."""
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_OrderedConsumer().consume, processor=processor, context=context)


start.finish()
