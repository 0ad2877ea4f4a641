"""Exports, asked for and worked on by hand."""

import csv
import io
import json

import boto3
import pytest

from functions.export_worker.handler import handler
from shared.channels.exports import file_writer
from shared.channels.exports.rows import Export
from shared.core.settings import settings
from shared.money.usage import exporting
from shared.store import fetch, get_file
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, Context

MAY = "startDate=2026-05-01&endDate=2026-05-31"


def nothing_is_small(patch: pytest.MonkeyPatch, rows: int = 1) -> None:
    """Exports of more than so many rows are the worker's."""
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
    """The exports that the queue holds; they are taken out."""
    sqs, url = boto3.client("sqs"), settings().need("exports_queue")
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"])["export_id"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def work(export_id: str, *, tries: int = 1, seconds: float = 300) -> bool:
    """A delivery of the export's message. Whether it is done with."""
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
