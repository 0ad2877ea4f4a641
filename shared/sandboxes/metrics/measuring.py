"""Add what is measured of a sandbox to its points of the minute, the hour and the day."""

from collections.abc import Mapping
from typing import Any, Final

from shared.core import clock
from shared.sandboxes.metrics.rows import KEPT, Point
from shared.store import update_now

START: Final = {"minute": 16, "hour": 13, "day": 10}  # characters of a time in ISO 8601 that name the interval
NETWORK: Final = ("network_in_bytes", "network_out_bytes")


def start_of(granularity: str, at: str) -> str:
    """Return the beginning of the interval in which a time lies, as the points are named: `2025-01-10T15:30`."""
    return at[: START[granularity]]


def add(sandbox_id: str, actions: list[Any]) -> None:
    """Add to the three points of this moment. Three round trips."""
    at, now = clock.iso(), clock.epoch()
    for granularity, kept in KEPT.items():
        pk, sk = Point.key(sandbox_id, granularity, start_of(granularity, at))
        update_now(Point(pk=pk, sk=sk), [*actions, Point.ttl.set(now + kept)])


def add_usage(sandbox_id: str, usage: Mapping[str, Any], before: Mapping[str, Any], memory_mb: int) -> None:
    """Add the measurements of a heartbeat of a sandbox that may use `memory_mb`.

    `before` are those of the heartbeat before: the counts of bytes only rise while a machine runs.
    """
    actions: list[Any] = [Point.samples.add(1)]
    if usage.get("cpu_percent") is not None:
        actions += [Point.cpu_sum.add(round(usage["cpu_percent"] * 1_000)), Point.cpu_samples.add(1)]
    if usage.get("memory_mb") is not None:
        actions += [Point.memory_sum.add(round(usage["memory_mb"] * 1_024)), Point.memory_samples.add(1)]
        actions.append(Point.share_sum.add(round(usage["memory_mb"] * 100_000 / memory_mb) if memory_mb else 0))
    for name, attribute in zip(NETWORK, (Point.network_in, Point.network_out), strict=True):
        if usage.get(name) is not None:
            actions.append(attribute.add(_risen(int(usage[name]), before.get(name))))
    add(sandbox_id, actions)


def _risen(now: int, before: Any) -> int:
    return now - int(before) if before is not None and now >= before else now
