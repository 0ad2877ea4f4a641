"""Sandboxes of the deployed local stack: how long until one runs, how much memory it takes, how fast messages are delivered to it.

Everything is real and on one machine: engine, functions, the sandbox host, the sandboxes, this client. Delivered is a message when its
recipient has acknowledged it: it is in its journal, on the disk. Both times are the platform's.
"""

import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from bench.live import deployed
from local.stack import LocalStack

SIZES = (1, 10, 20)  # sandboxes that get messages
MESSAGES = 40  # one after the other, to measure the delay
BURST, SENDERS = 120, 4  # messages as fast as they are taken, and requests at once
Rows = list[dict[str, Any]]


def measure(sizes: tuple[int, ...] = SIZES, messages: int = MESSAGES, burst: int = BURST) -> Rows:
    """Return a row for the starts and, for each number of sandboxes, one for the delay and one for the burst."""
    with deployed() as stack:
        from tests.stack.sandboxes import Box, Workspace

        workspace = Workspace(stack.root, stack.data, lambda: stack.boto("dynamodb"))
        _allow(stack, workspace, max(sizes) + 1)
        boxes: list[Box] = []
        starts: list[float] = []
        rows: Rows = []
        sender = _started(workspace, "sender")
        for size in sizes:
            while len(boxes) < size:
                boxes.append(_started(workspace, f"team-{len(boxes)}"))
                starts.append(_seconds(boxes[-1].row(), "created_at", "started_at"))
            rows.append({"what": f"delivery, {size} sandboxes", **_delays(sender, boxes, messages)})
            rows.append({"what": f"{burst} messages at once, {size} sandboxes", **_burst(sender, boxes, burst)})
        memory = [box.status()["resources"]["memory_mb"]["used"] for box in boxes]
        workspace.close()
    return [
        {"what": f"from the request until it runs, {len(starts)} starts", **_shares([1000 * one for one in starts])},
        {"what": f"memory of one, {len(memory)} sandboxes", "mb": statistics.median(memory)},
        *rows,
    ]


def _allow(stack: LocalStack, workspace: Any, sandboxes: int) -> None:
    """Put the workspace on a plan with so many sandboxes, as if it had been bought."""
    key = {"PK": {"S": f"WS#{workspace.id.removeprefix('ws_')}"}, "SK": {"S": "META"}}
    change = {"UpdateExpression": "SET #plan = :plan", "ExpressionAttributeNames": {"#plan": "plan"}}
    client = stack.boto("dynamodb")
    table = next(name for name in client.list_tables()["TableNames"] if "Core" in name)
    client.update_item(TableName=table, Key=key, **change, ExpressionAttributeValues={":plan": {"S": "enterprise"}})
    workspace.call("PUT", f"/workspaces/{workspace.id}/config", {"settings": {"max_sandboxes": sandboxes}})


def _started(workspace: Any, name: str) -> Any:
    box = workspace.create(name)
    box.becomes("running")
    return box


def _delays(sender: Any, boxes: list[Any], messages: int) -> dict[str, float]:
    """Send one message after the other, each when the one before was delivered."""
    rows = []
    for number in range(messages):
        sent = sender.notify(boxes[number % len(boxes)], f"Note {number}")
        rows.append(sender.delivered(sent))
    return _shares([1000 * _seconds(row, "created_at", "delivered_at") for row in rows])


def _burst(sender: Any, boxes: list[Any], messages: int) -> dict[str, float]:
    """Send as fast as the platform takes them, and wait until all are delivered."""
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = list(pool.map(lambda number: sender.notify(boxes[number % len(boxes)], f"Note {number}"), range(messages)))
    rows = [sender.delivered(one) for one in sent]
    began, ended = min(row["created_at"] for row in rows), max(row["delivered_at"] for row in rows)
    shares = _shares([1000 * _seconds(row, "created_at", "delivered_at") for row in rows])
    return shares | {"per_second": messages / _between(began, ended)}


def _seconds(row: dict[str, Any], before: str, after: str) -> float:
    return _between(row[before], row[after])


def _between(before: str, after: str) -> float:
    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()


def _shares(delays_ms: list[float]) -> dict[str, float]:
    ordered = sorted(delays_ms)
    return {"p50_ms": statistics.median(ordered), "p95_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
