"""The queue `github-events`: each message is something that happened at GitHub, or that has to happen there. One that comes twice changes
nothing."""

import json
import time
from contextlib import suppress
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import BotoCoreError, ClientError

from shared.core import logs, queues, start
from shared.core.errors import Upstream
from shared.core.ids import bare_id, is_id
from shared.runs.agent_runs.rows import Run
from shared.source.repositories.github import TooManyRequests
from shared.source.repositories.processing import process
from shared.store import fetch

logs.start()
SECONDS = 30.0
"""After which a call begins no other commit: the last one ends before the time-out (60 s), with ten pages of files at worst."""
SOON = 20.0
"""Seconds after which a message comes again that failed for no reason of GitHub's: those of its repository wait behind it, and after ten
tries it is a dead letter. SQS itself would let them wait for an hour."""


def _process(record: SQSRecord) -> None:
    try:
        process(json.loads(record.body), time.monotonic() + SECONDS, _agent_of_run)
    except TooManyRequests as error:
        queues.put_off("github_events_queue", record.receipt_handle, error.retry_after or 0)
        raise
    except Upstream:
        raise
    except Exception:
        with suppress(BotoCoreError, ClientError):  # it comes again by itself then, only later
            queues.put_off("github_events_queue", record.receipt_handle, SOON)
        raise


def _agent_of_run(run_id: str, ws_id: str) -> str | None:
    """Return the agent of a run in a workspace; None if there is no such run."""
    bare = bare_id(run_id)
    run = fetch(Run, bare) if is_id(bare) else None
    return run.agent_id if run is not None and run.ws_id == ws_id else None


def handler(event: dict[str, Any], context: Any) -> Any:
    """Return the messages that failed, so that only they are delivered again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_process, processor=processor, context=context)


start.finish()
