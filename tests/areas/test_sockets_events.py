"""The sample events are what these functions take."""

import json
from pathlib import Path

import pytest

from functions.stream_projector.handler import handler as projector
from functions.ws.handler import handler as ws
from functions.ws_pusher.handler import handler as pusher
from shared.store import query
from shared.work.activities.rows import Activity, project_log
from tests.areas.driving import Context

SAMPLES = Path(__file__).parents[2] / "events"


@pytest.mark.parametrize(
    ("name", "handler", "answer"),
    [
        ("websocket-connect", ws, {"statusCode": 401}),
        ("websocket-message", ws, {"statusCode": 200}),
        ("websocket-disconnect", ws, {"statusCode": 200}),
        ("sqs-ws-push", pusher, {"batchItemFailures": []}),
        ("stream-item-moved", projector, {"batchItemFailures": []}),
    ],
)
def test_a_sample_is_taken(aws, name, handler, answer):
    assert handler(json.loads((SAMPLES / f"{name}.json").read_text()), Context()) == answer


def test_the_sample_move_becomes_an_activity(aws):
    sample = json.loads((SAMPLES / "stream-item-moved.json").read_text())
    projector(sample, Context())
    log = project_log("0199a000-0000-7000-8000-000000000007")
    (activity,) = query(Activity, log).rows
    assert (activity.type, activity.changes) == ("item.moved", {"lane_id": ["lane-a", "lane-b"]})
