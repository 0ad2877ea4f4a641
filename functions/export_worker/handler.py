"""Queue `exports`: each message continues one export for as long as this call may take. A repeated message creates the file once."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.channels.exports import jobs
from shared.core import logs, start
from shared.edge.views.omoios import exports as omoios
from shared.money.usage import exporting as usage

logs.start()
SOURCES: jobs.Sources = {
    usage.SUBJECT: usage.export_source,
    omoios.TICKETS: omoios.export_source,
    omoios.AUDIT: omoios.export_source,
    omoios.PROOF: omoios.export_source,
}
"""Sources of rows by the subject of the export."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""

    def work(record: SQSRecord) -> None:
        export_id = json.loads(record.body)["export_id"]
        last = int(record.attributes.approximate_receive_count) >= jobs.MAX_ATTEMPTS
        jobs.process_export(export_id, SOURCES, seconds=context.get_remaining_time_in_millis() / 1000, last=last)

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=work, processor=processor, context=context)


start.finish()
