"""Waiting for what another process does: a condition and a deadline, polled every 100 ms. No test waits otherwise."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

TIMEOUT = 180.0  # seconds: a run takes one or two; the rest is for a busy machine
_EVERY = 0.1


def eventually(probe: Callable[[], Any], condition: Callable[[Any], Any] = bool, within: float = TIMEOUT) -> Any:
    """Return the result of `probe` as soon as it meets the condition. Fails with the last result after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition(answer := probe()):
        assert time.monotonic() < deadline, f"did not happen within {within:g} s: {answer}"
        threading.Event().wait(_EVERY)
    return answer


async def eventually_async(
    probe: Callable[[], Awaitable[Any]], condition: Callable[[Any], Any] = bool, within: float = TIMEOUT
) -> Any:
    """The same for what is asked in an event loop."""
    deadline = time.monotonic() + within
    while not condition(answer := await probe()):
        assert time.monotonic() < deadline, f"did not happen within {within:g} s: {answer}"
        await asyncio.sleep(_EVERY)
    return answer
