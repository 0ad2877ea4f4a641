"""Warm requests: CPU of a whole invocation of a function's handler, compared with a bare handler that moves the same rows.

AWS responses were recorded from moto (`bench.replaying`), so that only our code and botocore run; moto is off during the measurement.
Our handler and the bare one run alternating blocks for ROUNDS rounds; a figure is the median of the blocks' CPU per request, the ratio
the median of the ratios of neighbouring blocks. Our handler writes its log line (to /dev/null); the bare handler has no log, no
authentication, no rate limit, and makes one round trip where ours makes several.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.replaying import Tape, playing, recording

ROUNDS, BLOCK, LONG_BLOCK = 15, 100, 20
CARDS = 100
BUDGETS = {  # target, defect
    "get one card": (1.0, 1.3),
    f"list {CARDS} cards": (0.3, 0.5),
    "create a card": (1.2, 1.6),
    "move a card": (1.2, 1.6),
}


@dataclass(frozen=True)
class Side:
    """One handler with one request and the recorded AWS responses."""

    call: Callable[[], Any]
    events: Any
    tape: Tape

    def cpu(self, times: int) -> float:
        """Run one block; return the CPU microseconds per call."""
        self.tape.at = 0
        with playing(self.events, self.tape):
            started = time.process_time()
            for _ in range(times):
                self.call()
            spent = time.process_time() - started
        if self.tape.at != times * len(self.tape.responses):
            raise RuntimeError(f"{self.tape.at} round trips instead of {times * len(self.tape.responses)}")
        return spent / times * 1e6


@dataclass(frozen=True)
class Case:
    """An operation and the bare handler that it is compared with."""

    name: str
    ours: Side
    bare: Side


def measure() -> list[dict[str, Any]]:
    """Return one row for each case: CPU microseconds of both handlers, and the ratio."""
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.edge.http import log
    from shared.people.access import quota_leases
    from tests import conftest  # the environment and the tables of the tests
    from tests.trips import LARGE_LEASES

    with Path(os.devnull).open("w") as nothing:
        log.logger.registered_handler.setStream(nothing)  # type: ignore[attr-defined]
        with (
            mock_aws(),
            patch.multiple(quota_leases, **LARGE_LEASES),
        ):  # the lease's trip (one in twenty requests) is in no measured request
            os.environ |= conftest.create_resources(cache(boto3.client))
            settings.cache_clear()  # a module imported before may have read them without the tables
            cases = cases_recorded()
        return [_compare(case) for case in cases]


def _compare(case: Case) -> dict[str, Any]:
    block = LONG_BLOCK if case.name.startswith("list") else BLOCK
    case.ours.cpu(block), case.bare.cpu(block)
    ours, bare, ratios = [], [], []
    for _ in range(ROUNDS):
        bare.append(case.bare.cpu(block))
        ours.append(case.ours.cpu(block))
        ratios.append(ours[-1] / bare[-1])
    return {
        "operation": case.name,
        "us": statistics.median(ours),
        "bare_us": statistics.median(bare),
        "trips": len(case.ours.tape.responses),
        "bare_trips": len(case.bare.tape.responses),
        "ratio": statistics.median(ratios),
    }


def cases_recorded() -> list[Case]:
    from importlib import import_module

    from tests.areas.boards_world import create_world
    from tests.areas.driving import Context, event

    world = create_world()
    cards = import_module("functions.cards.handler").handler
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
        answer = cards(request("POST", f"/boards/{world.board.id}/cards", card), Context())
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


def _case(name: str, handler: Any, request: dict[str, Any], bare: Side) -> Case:
    from shared.store.client import dynamodb
    from tests.areas.driving import Context

    return Case(name, _side(dynamodb().meta.events, lambda: handler(request, Context()), name), bare)


def _side(events: Any, call: Callable[[], Any], name: str) -> Side:
    with recording(events) as tape:
        answer = call()
    if answer["statusCode"] >= 300:
        raise RuntimeError(f"{name}: answered {answer['statusCode']}: {answer['body'][:300]}")
    return Side(call, events, tape)


def _bare_side(request: dict[str, Any]) -> Side:
    """Return the bare handler, with its responses recorded and replayed in the same way."""
    from bench import bare

    return _side(bare.client.meta.events, lambda: bare.handler(request, None), "bare")


def _stored(ids: list[str]) -> list[dict[str, Any]]:
    from shared.store.client import dynamodb

    return [dynamodb().get_item(TableName="core", Key={"PK": {"S": f"ITEM#{one}"}, "SK": {"S": "META"}})["Item"] for one in ids]


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
