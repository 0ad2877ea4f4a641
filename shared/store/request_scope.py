"""Whether the current request may go on, and how long.

A row decides whether it may. `decide_with_first_read` names that row; the next `get` or `get_many` reads it too, in the same round trip,
and returns nothing before the decision; a query is sent at the same time as a read of that row, and any other call waits for it
(`client.ensure_authorized`). A refusal is raised at each of them.

What it has begun to read in other threads (`ahead`) ends with it: a refused caller must not make the platform read a long list of somebody
else's to its end, nor keep the threads from the next request.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.core.errors import CadreError

T = TypeVar("T")
Key = tuple[str, str, str]
"""Table, partition key and sort key of a row."""


@dataclass
class Decision:
    """What is decided by the row `key`: `decide` gets it (raw, None if there is none) and raises an error to refuse."""

    key: Key
    decide: Callable[[dict[str, Any] | None], None]
    open: bool = True
    refusal: CadreError | None = None

    def take(self, raw: dict[str, Any] | None) -> None:
        """Decide by the row that was read. Raises the refusal. Any other error leaves it open: nothing is decided by a read that failed."""
        self.open = False  # `decide` may use the store itself
        try:
            self.decide(raw)
        except CadreError as error:
            self.refusal = error
            raise
        except BaseException:
            self.open = True
            raise


_decision: ContextVar[Decision | None] = ContextVar("decision", default=None)


def decide_with_first_read(key: Key, decide: Callable[[dict[str, Any] | None], None]) -> None:
    """Let the row `key` decide whether the current request may go on."""
    _decision.set(Decision(key, decide))


def open_decision() -> Decision | None:
    """Return what decides on the current request, if it is still open. Raises the refusal, if it was refused."""
    waiting = _decision.get()
    if waiting is None:
        return None
    if waiting.refusal is not None:
        raise waiting.refusal
    return waiting if waiting.open else None


class RequestOver(Exception):
    """Nobody waits for this read any more."""


@dataclass
class RequestScope:
    """Whether a request has ended, and what it reads ahead."""

    over: bool = False
    reads: list["Future[Any]"] = field(default_factory=list)


_of_request: ContextVar[RequestScope | None] = ContextVar("of_request", default=None)
_of_thread: ContextVar[RequestScope | None] = ContextVar("of_thread", default=None)


@contextmanager
def request_scope() -> Iterator[None]:
    """Give what the block reads ahead an end: with the block, a read that waits for a thread is dropped, and one that is under way makes no
    further call."""
    scope = RequestScope()
    token = _of_request.set(scope)
    try:
        yield
    finally:
        _of_request.reset(token)
        scope.over = True
        for read in scope.reads:
            read.cancel()


def submit_read(submit: Callable[..., "Future[T]"], read: Callable[[], T]) -> "Future[T]":
    """Submit a read to other threads, as one of the current request if there is one."""
    scope = _of_request.get()
    future = submit(Context().run, _read_for, scope, read)
    if scope is not None:
        scope.reads.append(future)
    return future


def _read_for(scope: RequestScope | None, read: Callable[[], T]) -> T:
    _of_thread.set(scope)
    return read()


def ensure_not_over() -> None:
    """Raise RequestOver in a thread that reads for a request that has ended."""
    scope = _of_thread.get()
    if scope is not None and scope.over:
        raise RequestOver
