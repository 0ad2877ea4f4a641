"""Exponential backoff with full jitter, so that writers that collided do not collide again."""

import random
import time


def pause(attempt: int, *, base: float = 0.01, cap: float = 0.2) -> None:
    """Sleep a random time of at most `base * 2**attempt` seconds, and never more than `cap` seconds; the first retry is `attempt`
    0."""
    time.sleep(random.uniform(0, min(cap, base * 2**attempt)))  # noqa: S311 - jitter, not a secret
