"""Waiting before another try: longer each time, and at random, so that those who collided do not meet again."""

import random
import time


def pause(attempt: int, *, first: float = 0.01, most: float = 0.2) -> None:
    """Wait up to `first` seconds before the first repetition (`attempt` 0), up to twice that before the next, never above `most`."""
    time.sleep(random.uniform(0, min(most, first * 2**attempt)))  # noqa: S311 - jitter, not a secret
