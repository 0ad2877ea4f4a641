"""Exponential backoff with full jitter, so that writers that collided do not collide again."""

import random
import time


def pause(attempt: int, *, first: float = 0.01, most: float = 0.2) -> None:
    """Sleep a random time of at most `first * 2**attempt` seconds, and never more than `most`; the first retry is `attempt` 0."""
    time.sleep(random.uniform(0, min(most, first * 2**attempt)))  # noqa: S311 - jitter, not a secret
