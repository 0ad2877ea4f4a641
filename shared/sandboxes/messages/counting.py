"""Count messages for the metrics of sandboxes, from their events: in the transaction that marks an event as consumed, each once."""

from collections.abc import Mapping

from shared.core import clock
from shared.events import EventType
from shared.events.change import Change
from shared.sandboxes.messages.rows import BLOCKED, DELIVERED, FAILED, QUEUED, SENT, TIMEOUT, MessageHead
from shared.sandboxes.metrics.rows import KEPT, Point
from shared.store import Operation, amount, update

STARTS: Mapping[str, int] = {"minute": 16, "hour": 13, "day": 10}
"""How many characters of a time name the start of its minute, hour and day."""


def message_counts(change: Change) -> list[Operation]:
    """Return the operations that count a change of a message for its sender and its recipient."""
    if change.kind != MessageHead.KIND:
        return []
    message = change.after(MessageHead)
    before, after = change.status()
    if change.event.type is EventType.SANDBOX_MESSAGE_SENT:
        return _count(change, message.from_sandbox, message.from_agent, {"sent": 1})
    if change.event.type is not EventType.SANDBOX_MESSAGE_CHANGED or message.approval == BLOCKED:
        return []
    if (after == FAILED and before != FAILED) or (after == TIMEOUT and before != TIMEOUT):
        return _count(change, message.from_sandbox, message.from_agent, {"failed": 1})
    counts = {"received": 1} if after == DELIVERED and before in (QUEUED, SENT, FAILED) else {}
    answer_ms = change.event.data.get("answer_ms")
    if answer_ms is not None:
        counts |= {"answered": 1, "answer_ms": int(answer_ms)}
    return _count(change, message.to_sandbox, message.to_agent, counts) if counts else []


def _count(change: Change, sandbox_id: str, agent: str | None, counts: Mapping[str, int]) -> list[Operation]:
    added = [amount(name).add(number) for name, number in counts.items()]
    at = change.event.at
    expiries = {granularity: int(clock.parse(at).timestamp()) + seconds for granularity, seconds in KEPT.items()}
    points = [
        update(_point(sandbox_id, granularity, at[: STARTS[granularity]]), [*added, Point.ttl.set(expiry)])
        for granularity, expiry in expiries.items()
    ]
    return [
        *points,
        update(_point(sandbox_id, "total", "ALL"), added),
        *([update(_point(f"{sandbox_id}/{agent}", "total", "ALL"), added)] if agent else []),
    ]


def _point(sandbox_id: str, granularity: str, start: str) -> Point:
    pk, sk = Point.key(sandbox_id, granularity, start)
    return Point(pk=pk, sk=sk)
