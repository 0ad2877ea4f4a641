"""How long a request lasts: what it has begun to read in other threads (`ahead`) ends with it.

A refused caller must not make the platform read a long list of somebody else's to its end, nor keep the threads from the next request.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class RequestOver(Exception):
    """Nobody waits for this read any more."""


@dataclass
class Lifetime:
    """Whether a request has ended, and what it reads ahead."""

    over: bool = False
    reads: list["Future[Any]"] = field(default_factory=list)


_of_request: ContextVar[Lifetime | None] = ContextVar("of_request", default=None)
_of_thread: ContextVar[Lifetime | None] = ContextVar("of_thread", default=None)


@contextmanager
def one_request() -> Iterator[None]:
    """Give what the block reads ahead an end: with the block, a read that waits for a thread is dropped, and one that is under way makes no
    further call."""
    lifetime = Lifetime()
    token = _of_request.set(lifetime)
    try:
        yield
    finally:
        _of_request.reset(token)
        lifetime.over = True
        for read in lifetime.reads:
            read.cancel()


def begin(submit: Callable[..., "Future[T]"], read: Callable[[], T]) -> "Future[T]":
    """Submit a read to other threads, as one of the current request if there is one."""
    lifetime = _of_request.get()
    future = submit(Context().run, _read_for, lifetime, read)
    if lifetime is not None:
        lifetime.reads.append(future)
    return future


def _read_for(lifetime: Lifetime | None, read: Callable[[], T]) -> T:
    _of_thread.set(lifetime)
    return read()


def stop_if_over() -> None:
    """Raise RequestOver in a thread that reads for a request that has ended."""
    lifetime = _of_thread.get()
    if lifetime is not None and lifetime.over:
        raise RequestOver
