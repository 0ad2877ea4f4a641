"""The deployed local stack on loopback: the delay until viewers see a terminal line, the requests per second, and webhooks.

The results are wall-clock times of one machine that runs everything (engine, function processes, front door, clients). They show that
the paths work and how they scale, not what AWS would do. The start of the stack takes about 20 seconds.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import synth
from local.stack import LocalStack, new

VIEWERS = (1, 10, 100)
LINES = 20  # of the terminal: the next when everybody has the last
CONNECTIONS, SECONDS = 4, 5.0
FEATURES, HOOKS = 30, 5  # cards that are made, and webhooks that are told of each
TARGET, DEFECT = 250, 500  # ms, p95 of 100 viewers


@contextmanager
def deployed() -> Iterator[LocalStack]:
    with tempfile.TemporaryDirectory(prefix="cadre-bench-") as folder:
        platform = new(Path(folder))
        try:
            platform.start(synth.assembly())
            platform.wait_until_healthy()
            yield platform
        finally:
            platform.stop()


def _share(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def terminal(stack: LocalStack) -> list[dict[str, Any]]:
    """Measure the milliseconds from the `write` of an entry until each viewer has received it."""
    from tests.stack.test_sockets import measure as delays

    rows = []
    for viewers in VIEWERS:
        delays_ms = asyncio.run(delays(stack, viewers=viewers, lines=LINES))
        rows.append(
            {
                "viewers": viewers,
                "entries": len(delays_ms),
                "p50_ms": statistics.median(delays_ms),
                "p95_ms": _share(delays_ms, 0.95),
                "max_ms": max(delays_ms),
            }
        )
    return rows


def requests(stack: LocalStack) -> list[dict[str, Any]]:
    """Measure requests per second over CONNECTIONS kept-alive connections for SECONDS, one operation after the other."""
    return asyncio.run(_requests(stack))


async def _requests(stack: LocalStack) -> list[dict[str, Any]]:
    from aiohttp import ClientSession

    from tests.stack.test_sockets import board_of, card_on, join

    async with ClientSession() as session:
        ada = await join(stack, session, "ada")
        _, board, lanes = await board_of(ada)
        card = await card_on(ada, board, lanes[0]["id"])
        base, headers = stack.url("agentworks"), {"Authorization": f"Bearer {ada.token}"}
        body = {"laneId": lanes[0]["id"], "title": "A card", "type": "task"}
        operations: list[tuple[str, str, str, Any]] = [
            ("GET public facts, no table", "GET", stack.url("aintandem") + "/system/info", None),
            ("GET one card", "GET", f"{base}/cards/{card}", None),
            ("POST a card", "POST", f"{base}/boards/{board}/cards", body),
        ]
        return [await _load(session, name, method, url, headers, body) for name, method, url, body in operations]


async def _load(session: Any, name: str, method: str, url: str, headers: dict[str, str], body: Any) -> dict[str, Any]:
    statuses: list[int] = []
    delays: list[float] = []
    end = time.perf_counter() + SECONDS

    async def one() -> None:
        while (started := time.perf_counter()) < end:
            async with session.request(method, url, headers=headers, json=body) as answer:
                await answer.read()
            statuses.append(answer.status)
            delays.append((time.perf_counter() - started) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return {
        "operation": name,
        "per_second": len(statuses) / (time.perf_counter() - began),
        "p50_ms": statistics.median(delays),
        "p95_ms": _share(delays, 0.95),
        "answers": {str(status): statuses.count(status) for status in sorted(set(statuses))},
    }


def webhooks(stack: LocalStack) -> list[dict[str, Any]]:
    """Measure the milliseconds from the answer to a request until a webhook is told of it, and the deliveries a second of several."""
    from tests.areas.receiver import Receiver
    from tests.stack.test_runs import ask, founded
    from tests.waiting import eventually

    receiver, shop = Receiver(), founded(stack)
    shop("PUT", f"/projects/{shop.project}", {"settings": {"autoTriggerAgents": False}})

    def subscribe() -> None:
        body = {"url": receiver.url, "events": ["feature.created"]}
        status, made = ask(stack.url("enterprise"), shop.token, "POST", "/webhooks", body)
        assert status == 201, made

    subscribe()
    delays = []
    for number in range(1, FEATURES + 1):
        shop.card(0, "feature")
        answered = time.perf_counter()
        while len(receiver.received) < number:
            time.sleep(0.001)
        delays.append((time.perf_counter() - answered) * 1000)
    for _ in range(HOOKS - 1):
        subscribe()
    receiver.received.clear()
    began = time.perf_counter()
    for _ in range(FEATURES):
        shop.card(0, "feature")
    eventually(lambda: len(receiver.received), lambda number: number >= FEATURES * HOOKS)
    per_second = len(receiver.received) / (time.perf_counter() - began)
    receiver.close()
    return [
        {
            "webhooks": HOOKS,
            "deliveries": FEATURES * HOOKS,
            "per_second": per_second,
            "p50_ms": statistics.median(delays),
            "p95_ms": _share(delays, 0.95),
        }
    ]


def measure(*only: str) -> dict[str, Any]:
    """Run the parts on one stack; the result of a part that fails is its error, and the others still run."""
    parts: dict[str, Callable[[LocalStack], Any]] = {"requests": requests, "terminal": terminal, "webhooks": webhooks}
    results: dict[str, Any] = {}
    with deployed() as stack:
        for name, part in parts.items():
            if only and name not in only:
                continue
            try:
                results[name] = part(stack)
            except Exception as error:
                results[name] = f"{type(error).__name__}: {error}"
    return results


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:]), indent=1))
