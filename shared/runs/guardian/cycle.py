"""The guardian's scheduled job."""

import time
from collections.abc import Callable

from shared.runs.guardian.monitoring import watch
from shared.runs.guardian.settling import settle_due
from shared.store import process_all


def oversee(until: float) -> int:
    """Settle the interventions that are due, then watch who works. Return how much was done. Stops at `until`
    (`time.monotonic`)."""
    parts: tuple[Callable[[float], int], ...] = (settle_due, watch)

    def do(number: int) -> int:
        now = time.monotonic()
        return parts[number](now + (until - now) / (len(parts) - number))

    return process_all("the guardian", range(len(parts)), do, lambda number: parts[number].__name__)
