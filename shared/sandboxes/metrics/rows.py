"""Metric points of sandboxes, in the telemetry table: `MET#<sandbox>#<granularity>, <start>`.

A heartbeat adds its measurements to the point of its minute, hour and day in three updates, so nothing has to be rolled up later.
"""

from typing import Final

from shared.store import NumberAttribute, Telemetry

KEPT: Final = {"minute": 2 * 86_400, "hour": 30 * 86_400, "day": 400 * 86_400}  # seconds


class Point(Telemetry):
    samples = NumberAttribute(default=0)
    cpu_sum = NumberAttribute(default=0)
    """Of thousandths of a percent of one core."""
    cpu_samples = NumberAttribute(default=0)
    memory_sum = NumberAttribute(default=0)
    """Of kilobytes."""
    memory_samples = NumberAttribute(default=0)
    share_sum = NumberAttribute(default=0)
    """Of thousandths of a percent of the memory that it might use then."""
    network_in = NumberAttribute(default=0)
    network_out = NumberAttribute(default=0)
    sent = NumberAttribute(default=0)
    received = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    answered = NumberAttribute(default=0)
    answer_ms = NumberAttribute(default=0)
    """The sum of the times from delivery to answer."""

    @classmethod
    def key(cls, sandbox_id: str, granularity: str, start: str) -> tuple[str, str]:
        return f"MET#{sandbox_id}#{granularity.upper()}", start
