"""Waiting for what another process does: a condition and a deadline, looked at every 100 ms. No test waits otherwise."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE = 180.0  # seconds: a run takes one or two; the rest is for a busy machine
_EVERY = 0.1


def eventually(look: Callable[[], Any], holds: Callable[[Any], Any] = bool, within: float = PATIENCE) -> Any:
    """What `look` answers as soon as something holds of it. Fails with its last answer when `within` seconds are over."""
    deadline = time.monotonic() + within
    while not holds(answer := look()):
        assert time.monotonic() < deadline, f"did not happen within {within:g} s: {answer}"
        threading.Event().wait(_EVERY)
    return answer


async def eventually_async(
    look: Callable[[], Awaitable[Any]], holds: Callable[[Any], Any] = bool, within: float = PATIENCE
) -> Any:
    """The same for what is asked in an event loop."""
    deadline = time.monotonic() + within
    while not holds(answer := await look()):
        assert time.monotonic() < deadline, f"did not happen within {within:g} s: {answer}"
        await asyncio.sleep(_EVERY)
    return answer
