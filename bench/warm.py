"""Warm requests: a whole invocation of a function's handler, compared with a bare handler that moves the same rows.

AWS responses are recorded from moto here, and played to a child process (`bench.warm_blocks`), so that only our code and botocore run. The
child runs twice: under callgrind, which counts instructions and decides, and without, for the CPU time. Time stands still in it: no token
ends, and no lease of requests. Our handler writes its log line (to /dev/null); the bare handler has no log, no authentication, no rate
limit, and makes one call of the table.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench import callgrind
from bench.replaying import recording
from bench.warm_blocks import COUNTED, Case, Recording, Side

CARDS = 100
BUDGETS = {  # instructions / bare, target and defect
    "get one card": (1.2, 1.6),
    f"list {CARDS} cards": (0.35, 0.45),
    "create a card": (2.2, 3.0),
    "move a card": (2.2, 3.0),
}
CHILD = "bench.warm_blocks"


def measure() -> list[dict[str, Any]]:
    """Return one row for each case: instructions and CPU microseconds a request of both handlers, and the ratios."""
    with kept(record()) as file:
        done = subprocess.run([sys.executable, "-m", CHILD, file, "cpu"], capture_output=True, text=True, check=True)
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        counts = iter([part // COUNTED for part in counted(file, "count")])
    return [row | {"instructions": next(counts), "bare_instructions": next(counts)} for row in rows]


@contextmanager
def kept(recording: Recording) -> Iterator[str]:
    """Keep a recording in a file for a child process; return its name."""
    with tempfile.TemporaryDirectory(prefix="cadre-bench-") as folder:
        file = Path(folder) / "recording"
        file.write_bytes(pickle.dumps(recording))
        yield str(file)


def counted(file: str, what: str) -> list[int]:
    """Return the instructions of each block that counts, in order: the fourth part of four, whose ends a player marks."""
    return callgrind.parts(CHILD, file, what)[3::4]


def record() -> Recording:
    """Carry out each request once on moto and keep what was answered."""
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest  # the environment and the tables of the tests
    from tests.trips import LARGE_LEASES

    with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):  # the lease's trip (one in twenty requests) is in no request
        os.environ |= conftest.create_resources(cache(boto3.client))
        settings.cache_clear()  # a module imported before may have read them without the tables
        return recording_of(cases_recorded())


def recording_of(cases: list[Case], alone: Sequence[Side] = ()) -> Recording:
    """Return what was recorded with what else a child needs of this moment."""
    from shared.core import aws, clock
    from shared.core.settings import settings
    from shared.people.access.quota_leases import PROCESS_LEASES

    environment = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "CADRE_", "POWERTOOLS_"))}
    secret = aws.client("secretsmanager").get_secret_value(SecretId=settings().signing_secret)["SecretString"]
    return Recording(environment, secret, clock.now(), deepcopy(vars(PROCESS_LEASES)), cases, list(alone))


def cases_recorded() -> list[Case]:
    from tests.areas.boards_world import create_world
    from tests.areas.driving import Context, event

    world = create_world()
    cards = "functions.cards.handler"
    headers = {"Authorization": f"Bearer {world.ada.token}"}
    lane, other = world.lanes[0].id, world.lanes[4].id
    card = {
        "laneId": lane,
        "title": "Let customers pay by invoice",
        "type": "task",
        "description": "Business customers leave. " * 10,
    }

    def request(method: str, path: str, body: Any = None) -> dict[str, Any]:
        return event("agentworks", method, path, body=body, headers=headers)

    def create_card() -> str:
        answer = import_module(cards).handler(request("POST", f"/boards/{world.board.id}/cards", card), Context())
        identity: str = json.loads(answer["body"])["id"]
        return identity

    ids = [create_card() for _ in range(CARDS)]
    one, page = f"/cards/{ids[0]}", f"/boards/{world.board.id}/cards?limit={CARDS}"
    return [
        _case("get one card", cards, request("GET", one), _bare_get(ids[0])),
        _case(f"list {CARDS} cards", cards, request("GET", page), _bare_list(ids)),
        _case("create a card", cards, request("POST", f"/boards/{world.board.id}/cards", card), _bare_post(card)),
        _case("move a card", cards, request("POST", f"{one}/move", {"toLaneId": other}), _bare_post(card)),
    ]


def _case(name: str, module: str, request: dict[str, Any], bare: Side) -> Case:
    from shared.store.client import dynamodb

    return Case(name, _side(module, dynamodb().meta.events, request), bare)


def _side(module: str, events: Any, request: dict[str, Any]) -> Side:
    from tests.areas.driving import Context
    from tests.trips import count_requests

    with recording(events) as tape, count_requests() as seen:
        answer = import_module(module).handler(request, Context())
    if answer["statusCode"] >= 300:
        raise RuntimeError(f"{module}: answered {answer['statusCode']}: {answer['body'][:300]}")
    return Side(module, request, tape.kept, len(seen.beside), len(answer["body"]))


def _bare_side(request: dict[str, Any]) -> Side:
    """Return the bare handler, with its responses recorded and replayed in the same way."""
    from bench import bare

    return _side("bench.bare", bare.client.meta.events, request)


def _stored(ids: list[str]) -> list[dict[str, Any]]:
    """Return everything that is stored of each card, as one row: who has no reason for two has one."""
    from shared.store.client import dynamodb

    def row(card: str, key: str) -> dict[str, Any]:
        found: dict[str, Any] = dynamodb().get_item(TableName="core", Key={"PK": {"S": f"ITEM#{card}"}, "SK": {"S": key}})["Item"]
        return found

    return [row(one, "REST") | row(one, "META") for one in ids]


def _bare_get(item: str) -> Side:
    _copy(_stored([item]))
    return _bare_side({"httpMethod": "GET", "path": "/one"})


def _bare_list(ids: list[str]) -> Side:
    _copy(_stored(ids))
    return _bare_side({"httpMethod": "GET", "path": "/list"})


def _bare_post(card: dict[str, Any]) -> Side:
    return _bare_side({"httpMethod": "POST", "path": "/", "body": json.dumps(card)})


def _copy(rows: list[dict[str, Any]]) -> None:
    """Copy the rows into the bare handler's partition of the core table, without our index keys."""
    from shared.store.client import dynamodb

    for number, row in enumerate(rows):
        sort = "y" if number == 0 else f"y{number:04d}"
        outside = {name.replace("GSI", "ISG"): value for name, value in row.items()}
        dynamodb().put_item(TableName="core", Item=outside | {"PK": {"S": "x"}, "SK": {"S": sort}})


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
