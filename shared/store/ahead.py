"""Reads that begin while the rows that decide about them are still on their way.

A list is read in the order of its decisions: may the caller see it, which rows are on the page, what is in them. The first two do not need
each other's answers, only each other's permission.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Generic, TypeVar

from shared.store.client import ensure_authorized
from shared.store.request_scope import submit_read

T = TypeVar("T")
_NAME = "read-ahead"
_THREADS = 4  # a request reads at most three things at once, and the blocks of a long list


class ReadFuture(Generic[T]):
    """A read that is under way."""

    def __init__(self, future: "Future[T]") -> None:
        self._future = future

    def result(self) -> T:
        """Wait for the result and return it. Raises at once, without waiting, if the request may not go on."""
        ensure_authorized()
        return self._future.result()


def read_ahead(read: Callable[[], T]) -> ReadFuture[T]:
    """Begin a read in another thread. It must change nothing, and ask nothing of an actor, whose rights may still be on their way. It ends
    with the request (`request_scope`).

    Inside of a read that is ahead already it is carried out at once: threads that wait for each other's turn would wait for ever.
    """
    if threading.current_thread().name.startswith(_NAME):
        done: Future[T] = Future()
        done.set_result(read())
        return ReadFuture(done)
    return ReadFuture(submit_read(_pool().submit, read))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, _NAME)
