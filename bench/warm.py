"""Warm requests: CPU of one request through a function's handler, against the bare handler that moves the same rows.

AWS answers with bytes recorded beforehand from moto (`bench.replaying`), so that only our code and botocore's run. Ours and the bare
handler take turns in blocks of BLOCK requests for ROUNDS rounds; a figure is the median of the blocks' CPU per request, the ratio the
median of the ratios of neighbouring blocks.
"""

import copy
import json
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROUNDS, BLOCK = 9, 60
CARDS = 100


@dataclass(frozen=True)
class Case:
    """An operation and its bare twin: what to call, and how."""

    name: str
    ours: Callable[[], Any]
    bare: Callable[[], Any]


def _cpu(call: Callable[[], Any]) -> float:
    """Microseconds of CPU a call, over one block."""
    started = time.process_time()
    for _ in range(BLOCK):
        call()
    return (time.process_time() - started) / BLOCK * 1e6


def measure() -> list[dict[str, Any]]:
    """One row a case: microseconds of CPU, ours and bare, and the ratio."""
    from moto import mock_aws

    from tests import conftest  # the environment and the tables of the tests

    logging.disable(logging.INFO)  # the request line costs 15 us and goes to CloudWatch; here it would go to a terminal
    with mock_aws():
        conftest.make_everything()
        cases = _cases()
        rows = [_compare(case) for case in cases]
    logging.disable(logging.NOTSET)
    return rows


def _compare(case: Case) -> dict[str, Any]:
    case.ours(), case.bare()
    ours, bare, ratios = [], [], []
    for _ in range(ROUNDS):
        bare.append(_cpu(case.bare))
        ours.append(_cpu(case.ours))
        ratios.append(ours[-1] / bare[-1])
    return {
        "operation": case.name,
        "us": statistics.median(ours),
        "bare_us": statistics.median(bare),
        "ratio": statistics.median(ratios),
    }


def _cases() -> list[Case]:
    from importlib import import_module

    from tests.areas.boards_world import found_world
    from tests.areas.driving import Context, event

    world = found_world()
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

    def made() -> str:
        answer = cards(request("POST", f"/boards/{world.board.id}/cards", card), Context())
        identity: str = json.loads(answer["body"])["id"]
        return identity

    ids = [made() for _ in range(CARDS)]
    one, page = f"/cards/{ids[0]}", f"/boards/{world.board.id}/cards?limit={CARDS}"
    return [
        _case("get one card", cards, request("GET", one), _bare_get(ids[0])),
        _case(f"list {CARDS} cards", cards, request("GET", page), _bare_list(ids)),
        _case("create a card", cards, request("POST", f"/boards/{world.board.id}/cards", card), _bare_post(card)),
        _case("move a card", cards, request("POST", f"{one}/move", {"toLaneId": other}), _bare_post(card)),
    ]


def _case(name: str, handler: Any, request: dict[str, Any], bare: Callable[[], Any]) -> Case:
    from bench.replaying import playing, recording
    from shared.store.client import dynamodb
    from tests.areas.driving import Context

    events = dynamodb().meta.events
    with recording(events) as tape:
        answer = handler(copy.deepcopy(request), Context())
    if answer["statusCode"] >= 300:
        raise RuntimeError(f"{name}: answered {answer['statusCode']}: {answer['body'][:300]}")

    def ours() -> Any:
        tape.at = 0
        with playing(events, tape):
            return handler(copy.deepcopy(request), Context())

    return Case(name, ours, bare)


def _twin(request: dict[str, Any]) -> Callable[[], Any]:
    """The bare handler, its answer recorded and replayed in the same way."""
    from bench import bare
    from bench.replaying import playing, recording

    events = bare.client.meta.events
    with recording(events) as tape:
        bare.handler(copy.deepcopy(request), None)

    def call() -> Any:
        tape.at = 0
        with playing(events, tape):
            return bare.handler(copy.deepcopy(request), None)

    return call


def _stored(ids: list[str]) -> list[dict[str, Any]]:
    from shared.store.client import dynamodb

    return [dynamodb().get_item(TableName="core", Key={"PK": {"S": f"ITEM#{one}"}, "SK": {"S": "META"}})["Item"] for one in ids]


def _bare_get(item: str) -> Callable[[], Any]:
    _copy(_stored([item]))
    return _twin({"httpMethod": "GET", "path": "/one"})


def _bare_list(ids: list[str]) -> Callable[[], Any]:
    _copy(_stored(ids))
    return _twin({"httpMethod": "GET", "path": "/list"})


def _bare_post(card: dict[str, Any]) -> Callable[[], Any]:
    return _twin({"httpMethod": "POST", "path": "/", "body": json.dumps(card)})


def _copy(rows: list[dict[str, Any]]) -> None:
    """The same rows where the bare handler looks: one partition of the core table."""
    from shared.store.client import dynamodb

    for number, row in enumerate(rows):
        sort = "y" if number == 0 else f"y{number:04d}"
        dynamodb().put_item(TableName="core", Item=row | {"PK": {"S": "x"}, "SK": {"S": sort}})


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
