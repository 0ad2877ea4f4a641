"""Requesting exports and running their worker by hand."""

import csv
import io
import json

import pytest

from functions.export_worker.handler import handler
from shared.channels.exports import file_writer
from shared.channels.exports.rows import Export
from shared.money.usage import exporting
from shared.store import fetch, get_file
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, Context
from tests.areas.queues import drain_queue

MAY = "startDate=2026-05-01&endDate=2026-05-31"


def force_async_exports(patch: pytest.MonkeyPatch, rows: int = 1) -> None:
    """Let the worker make every export of more than `rows` rows."""
    for module in (exporting, file_writer):
        patch.setattr(module, "MAX_ROWS_IN_REQUEST", rows)


class Call(Context):
    """A call of the worker with so much time."""

    def __init__(self, seconds: float = 300) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def ask(world: World, query: str, by: Client | None = None) -> Answer:
    return (by or world.ada)("usage", "GET", f"/workspaces/{world.ws_id}/usage/export?{query}")


def file_of(answer: Answer) -> bytes:
    export = fetch(Export, answer.json["exportId"])
    assert export is not None
    return get_file(export.file_key)


def rows_in(body: bytes) -> list[dict[str, str]]:
    text = body.decode()
    assert "\n" not in text.replace("\r\n", "")  # CRLF, as RFC 4180 has it (no cell here has a break)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def waiting() -> list[str]:
    """Receive and delete all messages of the queue; return the ids of their exports."""
    return [message["export_id"] for message in drain_queue("exports_queue")]


def run_worker(export_id: str, *, tries: int = 1, seconds: float = 300) -> bool:
    """Deliver the export's message to the worker. Return whether it succeeded."""
    record = {
        "messageId": "m",
        "receiptHandle": "r",
        "body": json.dumps({"export_id": export_id}),
        "attributes": {"ApproximateReceiveCount": str(tries)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:exports",
        "awsRegion": "us-east-1",
    }
    return handler({"Records": [record]}, Call(seconds)) == {"batchItemFailures": []}


def export_of(answer: Answer) -> Export:
    export = fetch(Export, answer.json["exportId"])
    assert export is not None
    return export
