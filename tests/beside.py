"""What a read that another thread carries out (`shared.store.ahead`) knows of whoever began it: the function, and how many trips came
before it.

    follow_reads()                # once: from then on
    made_by()                     # the function of functions/ whose code is on the stack of whoever began the read of this thread, or None
    add_trip(), trips_so_far()    # on the time line of this thread, which goes on where the read began, and in whoever waits for it
"""

import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from shared.store import ahead
from tests import kills

_FUNCTION = re.compile(r"/functions/(\w+)/")
_thread = threading.local()


def follow_reads() -> None:
    """Let every read that begins ahead take along who began it."""
    pool = ahead._pool()  # the one place where its threads get their work
    submit = pool.submit
    if getattr(submit, "follows", False):
        return

    def follow(work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        function, before, after = made_by(), trips_so_far(), 0

        def run() -> Any:
            nonlocal after
            _thread.function, _thread.trips = function, before
            try:
                return work(*arguments)
            finally:
                after = _thread.trips

        future = submit(run)
        wait = future.result

        def result(timeout: float | None = None) -> Any:
            try:
                return wait(timeout)
            finally:
                _thread.trips = max(trips_so_far(), after)

        future.result = result  # type: ignore[method-assign]  # of this one future
        return future

    follow.follows = True  # type: ignore[attr-defined]
    pool.submit = follow  # type: ignore[method-assign,assignment]


def made_by() -> str | None:
    """The folder in functions/ whose code is nearest on the stack, here or where this thread's read began."""
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]  # the outermost frame has None
        if frame.f_code.co_filename == kills.__file__:
            return None  # what somebody else does in between
        if found := _FUNCTION.search(frame.f_code.co_filename):
            return found[1]
    return getattr(_thread, "function", None)


def trips_so_far() -> int:
    return getattr(_thread, "trips", 0)


def add_trip() -> None:
    _thread.trips = trips_so_far() + 1
