"""What the platform costs at AWS's list prices, all in: units and calls are counted on moto, the rest is stated here.

A month is 30 days. Prices are those of us-east-1 without free tiers and discounts, from AWS's price pages in November 2026. Times are
those of arm64 functions: what the calls to AWS wait, and CPU as `bench.warm` measures it, on the share of a core that the memory gives.
Events come one by one, so each is a call of its own: batches cost less.
"""

import gzip
import io
import json
import math
import os
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.trips import Cost, costing
from infra.needs import TRACED

PRICES = {  # USD: how much, and what it is paid for
    "gateway request": (3.50e-6, "REST API, first 333 million (aws.amazon.com/api-gateway/pricing)"),
    "edge request": (1.10e-6, "HTTPS in North America and Europe 1.00, function 0.10 (aws.amazon.com/cloudfront/pricing)"),
    "edge GB": (0.085, "to the internet, first 10 TB; from the gateway to the edge it is free"),
    "call": (0.20e-6, "Lambda request (aws.amazon.com/lambda/pricing)"),
    "GB-second": (0.0000133334, "Lambda on arm64"),
    "read unit": (0.125e-6, "on demand (aws.amazon.com/dynamodb/pricing/on-demand); the stream's reads by Lambda are free"),
    "write unit": (0.625e-6, "on demand"),
    "FIFO request": (0.50e-6, "send, receive, delete (aws.amazon.com/sqs/pricing)"),
    "queue request": (0.40e-6, "the same of a standard queue"),
    "socket message": (1.00e-6, "each 32 KB (aws.amazon.com/api-gateway/pricing)"),
    "socket minute": (0.25e-6, "of a connection"),
    "file request": (5.00e-6, "PUT (aws.amazon.com/s3/pricing)"),
    "log GB": (0.50, "taken in (aws.amazon.com/cloudwatch/pricing)"),
    "rare log GB": (0.25, "the same of the class Infrequent Access"),
    "trace": (5.00e-6, "recorded (aws.amazon.com/xray/pricing)"),
    "transition": (25.0e-6, "standard workflow (aws.amazon.com/step-functions/pricing)"),
}
TARGETS = {  # USD
    "a million card moves, the requests alone": 9.0,
    "a million card moves, nobody looks": 14.0,
    "a million card moves, one viewer": 15.0,
    "an agent run of five turns": 0.002,
    "a million deliveries to webhooks": 12.0,
    "an idle stage, a month": 9.0,
}
MISSED = {  # what is above its target: how much at most, and why
    "a million card moves, the requests alone": (
        9.75,
        "gateway, edge and function are 5.11; the card, its place in the index and the counts that hold the limits 3.75; decision 61",
    ),
    "a million deliveries to webhooks": (
        14.25,
        "that a resource has something due is a row of its own, 1.88: so a wake reads what is due, however much waits",
    ),
    "an idle stage, a month": (
        9.5,
        "the queue that delivers messages between sandboxes is 0.36 with its alarm: without it, one sandbox would wait for another's model",
    ),
}
MILLION = 1_000_000
TRIP = 0.005  # seconds that a call to DynamoDB or SQS waits
CPU = {
    "request": 0.005,
    "projector": 0.004,
    "pusher": 0.004,
    "step": 0.050,
    "hooks": 0.010,
}  # seconds of a call on its share of a core
MEMORY = {"request": 1.0, "projector": 1.0, "pusher": 1.0, "step": 1769 / 1024, "hooks": 0.5}  # GB (infra/needs.py)
MODEL = 4.0  # seconds that a turn waits for the model, most of them
RECEIVER = 0.2  # seconds that a receiver of webhooks takes, connection included
HEADERS = 800  # bytes of an answer
ACCESS_LINE, STEP_LINE, STEP_LINES = (
    210,
    600,
    1_500,
)  # bytes: the gateway's of a request, ours of a step, the machine's of a state
MINUTES = 43_200  # of a month: a viewer who never leaves
Amounts = Counter[str]
"""How much of each thing that has a price, fractions included."""


@contextmanager
def counting_calls() -> Iterator[Counter[str]]:
    """Count the calls to SQS and S3 of clients that are made in this block."""
    from shared.core import aws

    calls: Counter[str] = Counter()

    def note(model: Any, params: dict[str, Any], **_: Any) -> None:
        fifo = "MessageGroupId" in json.dumps(params.get("body", ""), default=str)
        calls["FIFO request" if fifo else f"{model.service_model.service_name} {model.name}"] += 1

    aws.short_call_client.cache_clear()
    session = aws.session()
    session.register("before-call.sqs.SendMessage", note)
    session.register("before-call.s3.PutObject", note)
    try:
        yield calls
    finally:
        session.unregister("before-call.sqs.SendMessage", note)
        session.unregister("before-call.s3.PutObject", note)
        aws.short_call_client.cache_clear()


def sum_of(amounts: Amounts) -> float:
    """Return the price of amounts in USD."""
    return sum(PRICES[name][0] * amount for name, amount in amounts.items())


def units(cost: Cost, kind: str, *, calls: int = 0) -> Amounts:
    """Return the amounts of one call of a function that made these trips, and `calls` to other services."""
    seconds = (len(cost.names) + calls) * TRIP + CPU[kind]
    return Counter({
        "call": 1, "GB-second": seconds * MEMORY[kind], "read unit": cost.reads, "write unit": cost.writes,
    })  # fmt: skip


def move(stage: "Stage") -> tuple[Amounts, Amounts, Amounts]:
    """Return the amounts of the request of a move, and of its event when nobody looks and when somebody does."""
    from shared.people.access import liveness
    from tests.areas.viewers import Viewer, shared_gateway

    lanes = stage.world.lanes  # 5 and 6 have no agent that a move would start
    _tell(stage.record())  # what is noted once a minute is noted
    stage.move(lanes[5].id)
    _tell(stage.record())
    with costing() as asked, _logged() as lines:
        answer = stage.move(lanes[6].id)
    size = len(gzip.compress(answer.text.encode())) + HEADERS
    request = _sum(
        units(asked, "request"),
        Counter({
            "gateway request": 1, "edge request": 1, "edge GB": size / 1e9, "log GB": len(lines.getvalue()) / 1e9,
            "rare log GB": ACCESS_LINE / 1e9, "trace": TRACED,
        }),
    )  # fmt: skip
    unseen = _tell(stage.record())
    viewer = Viewer(shared_gateway(), stage.world.ada, f"/api/workspaces/{stage.world.ws_id}/events")
    stage.move(lanes[5].id)
    first = _tell(stage.record())
    stage.move(lanes[6].id)
    next_ones = _tell(stage.record())
    asks = 1 / max(1, liveness.MAX_AGE / (MINUTES * 60 / MILLION))  # the share of pushes that read again what a listener may see
    seen = _sum(_times(first, asks), _times(next_ones, 1 - asks))
    return request, unseen, _sum(seen, Counter({"socket message": len(viewer.received()) / 2}))


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Collect what our function logs, with the id of a request as API Gateway gives it. No call is slow: moto is, on a busy machine."""
    from shared.core import logs
    from shared.store import calls
    from tests.areas import driving

    lines = io.StringIO()
    with (
        patch.object(logs.start().registered_handler, "stream", lines),
        patch.object(driving, "REQUEST_ID", str(uuid.uuid4())),
        patch.object(calls, "SLOW", math.inf),
    ):
        yield lines


def _tell(record: dict[str, Any]) -> Amounts:
    """Return the amounts of an event: of the projector, and of what it sends to listeners."""
    from tests.areas.viewers import messages, project, push_batch

    with costing() as told:
        project(record)
    waiting = messages()
    amounts = units(told, "projector", calls=len(waiting))
    if waiting:
        with costing() as delivered:
            push_batch(*waiting)
        amounts = _sum(amounts, units(delivered, "pusher"), Counter({"FIFO request": 3 * len(waiting)}))  # send, receive, delete
    return amounts


def run(stage: "Stage", event: Amounts) -> Amounts:
    """Return the amounts of an agent run of five turns. Each event of it costs what the event of a move does, without viewers."""
    from shared.agents.providers import registry
    from tests.areas.running import Machine

    answer = stage.start()
    machine = Machine(states=_Entered(Machine().states))
    with (
        counting_calls() as calls,
        costing() as cost,
        patch.object(registry, "provider", lambda _: FiveTurns()),
    ):
        machine.play(answer.json["run"]["id"])
    steps = len(machine.steps)
    if machine.steps.count("turn") != 5:
        raise RuntimeError(f"not a run of five turns: {machine.steps}")
    entered = machine.states.count  # type: ignore[attr-defined]  # ours
    seconds = len(cost.names + list(calls.elements())) * TRIP + steps * CPU["step"] + 5 * MODEL
    return Counter({
        "transition": entered, "call": steps + 1, "GB-second": seconds * MEMORY["step"], "read unit": cost.reads,
        "write unit": cost.writes, "FIFO request": 3 * calls["FIFO request"], "queue request": 3,
        "file request": calls["s3 PutObject"], "log GB": (entered * STEP_LINES + steps * STEP_LINE) / 1e9, "trace": TRACED,
    }) + _times(event, cost.events)  # fmt: skip


class _Entered(dict[str, Any]):
    """The states of a machine; `count` says how many were entered."""

    count = 0

    def __getitem__(self, name: str) -> Any:
        self.count += 1
        return super().__getitem__(name)


class FiveTurns:
    """A model that reads the card four times and then answers."""

    name = "embedded"

    def stream(self, request: Any, cancelled: Any = None) -> Iterator[Any]:
        from shared.agents.providers.port import Finished, TextDelta, TokenUsage, ToolCall, ToolCallReady

        turns = sum(message.role == "assistant" for message in request.messages)
        if turns < 4:
            yield ToolCallReady(ToolCall(f"call-{turns}", "read_card", {}))
        else:
            yield TextDelta("The requirements are clear.")
        usage = TokenUsage(input=2_000, output=300)
        yield Finished("tool_use" if turns < 4 else "end", usage, model=request.model)


class Stage:
    """A workspace with a card as a card usually is."""

    def __init__(self) -> None:
        from tests.areas.boards_world import create_world

        self.world = create_world()
        self.card = self.make(2, "task")
        self.row: dict[str, Any] | None = None
        """The card's row as the stream has shown it last."""

    def make(self, lane: int, kind: str) -> str:
        body = {
            "laneId": self.world.lanes[lane].id,
            "title": "Let customers pay by invoice",
            "type": kind,
            "description": "Business customers leave because they cannot pay by invoice.\n" * 33,
            "labels": ["billing", "backend"],
            "tags": [{"key": "area", "value": "billing"}],
            "assigneeId": self.world.actor.id,
            "customFields": {"team": "payments", "customer": "Example Corporation Ltd"},
        }
        card_id: str = self.world.ada("cards", "POST", f"/boards/{self.world.board.id}/cards", body=body).json["id"]
        return card_id

    def move(self, lane_id: str) -> Any:
        return self.world.ada("cards", "POST", f"/cards/{self.card}/move", body={"toLaneId": lane_id})

    def record(self) -> dict[str, Any]:
        """Return the stream's record of the card's last change."""
        from tests.areas.viewers import raw_row, stream_record

        before, self.row = self.row, raw_row(f"ITEM#{self.card}")
        return stream_record(self.row, before)

    def start(self) -> Any:
        card = self.make(1, "doc")
        return self.world.ada("runs", "POST", f"/cards/{card}/agents/prd/run", body={})


def delivery(stage: Stage) -> Amounts:
    """Return the amounts of an event that one webhook is told of: of its queueing in the projector, and of the worker's call."""
    from shared.channels.webhooks.deliveries import clear_cache, queue_event
    from shared.channels.webhooks.draining import drain
    from shared.core import posting
    from shared.edge.views.enterprise.events import webhook_event
    from shared.events.change import parse_change

    enterprise = stage.world.ada.at("enterprise")
    body = {"url": "https://hooks.example.com/cadre", "events": ["*"]}
    made = enterprise("webhooks", "POST", "/webhooks", body=body).json["data"]
    stage.card, stage.row = stage.make(2, "feature"), None
    event = webhook_event(parse_change(stage.record()))
    org_id = str(stage.world.project.org_id)
    clear_cache()  # of an organization with the same id, before it had a webhook
    with costing() as queued:
        queue_event(org_id, event)
    with costing() as sent, patch.object(posting, "post", lambda *_, **__: posting.Answer(204, {}, b"")):
        drain(org_id, made["id"], math.inf)
    queueing = Counter({
        "GB-second": (len(queued.names) + 1) * TRIP, "read unit": queued.reads, "write unit": queued.writes, "FIFO request": 3,
    })  # fmt: skip
    waiting = Counter({"GB-second": RECEIVER * MEMORY["hooks"]})
    return _sum(queueing, units(sent, "hooks"), waiting)


def idle() -> float:
    """Return the price of a month without traffic, the sum of the table in docs/deploying.md, which a test compares with the templates."""
    page = (Path(__file__).parents[1] / "docs" / "deploying.md").read_text()
    table = page.partition("| | in 30 days | USD |")[2].partition("\n\n")[0]
    return sum(float(amount) for amount in re.findall(r"\| (\d+\.\d\d) \|$", table, re.MULTILINE))


def rows(stage: Stage) -> list[dict[str, Any]]:
    """One row for each thing that has a price: the price, its target, and what it is made of."""
    request, unseen, seen = move(stage)
    moves = {
        "a million card moves, the requests alone": _times(request, MILLION),
        "a million card moves, nobody looks": _times(_sum(request, unseen), MILLION),
        "a million card moves, one viewer": _sum(_times(_sum(request, seen), MILLION), Counter({"socket minute": MINUTES})),
        "an agent run of five turns": run(stage, unseen),
        "a million deliveries to webhooks": _times(delivery(stage), MILLION),
    }
    table: list[dict[str, Any]] = [
        {"what": what, "usd": sum_of(amounts), "parts": _parts(amounts)} for what, amounts in moves.items()
    ]
    table.append({"what": "an idle stage, a month", "usd": idle(), "parts": "docs/deploying.md has the table"})
    for row in table:
        target = TARGETS[row["what"]]
        limit, why = MISSED.get(row["what"], (target, ""))
        row |= {"target": target, "limit": limit, "why": why}
    return table


def _sum(*amounts: Amounts) -> Amounts:
    total: Amounts = Counter()
    for one in amounts:
        total.update(one)
    return total


def _times(amounts: Amounts, times: float) -> Amounts:
    return Counter({name: amount * times for name, amount in amounts.items()})


def _parts(amounts: Amounts) -> str:
    """Say what a price is made of, the dearest first, as USD and how many."""
    dear = sorted(amounts, key=lambda name: -PRICES[name][0] * amounts[name])
    whole = sum_of(amounts)
    return ", ".join(
        f"{name} {PRICES[name][0] * amounts[name]:.{2 if whole > 0.1 else 5}f} ({amounts[name]:,.4g})"
        for name in dear
        if amounts[name]
    )


def on_moto(measure: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    import boto3
    from moto import mock_aws

    from shared.core.settings import settings
    from shared.people.access import quota_leases
    from tests import conftest
    from tests.areas.viewers import shared_gateway
    from tests.trips import LARGE_LEASES

    with mock_aws(), patch.multiple(quota_leases, **LARGE_LEASES):
        os.environ |= conftest.create_resources(cache(boto3.client))
        shared_gateway().activate()
        settings.cache_clear()
        return measure()


if __name__ == "__main__":
    print(json.dumps(on_moto(lambda: rows(Stage())), indent=1))
