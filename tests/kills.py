"""A process that dies at a given write to DynamoDB, or to which something happens there: botocore's own events, so no function of ours is
replaced.

    with crash_at_write(2) as process:  # right after its second write was carried out
        work()
    assert process.dead

    for process in crash_at_every_write():  # after the first write, the second, ... until one lives through
        place = Place()
        with process:
            work(place)
        work(place)  # whoever comes after it
        place.check()

    with concurrently(lambda: pay(invoice)):  # between what is read and the first write
        run_dunning()

    with answer_lost("PutItem"):  # carried out, but the answer never came: botocore sends it again
        work()

    with refused("TransactWriteItems", "USG#", times=30):  # others write the same rows all the time
        work()
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import Context
from itertools import count
from types import SimpleNamespace, TracebackType
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber

from shared.store.client import dynamodb

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})
READS = frozenset({"GetItem", "Query", "BatchGetItem", "TransactGetItems"})


class Killed(BaseException):
    """The process is gone. No Exception: nothing of ours may go on after it."""


class Process:
    """A block during which the calls to DynamoDB are counted, and in which something happens at the n-th of them.

    `names` are the calls so far: with `before` those that were about to be sent, otherwise those that succeeded. `happened` says whether
    the n-th came, `dead` whether the block ended by it.
    """

    def __init__(
        self,
        number: int | None,
        *,
        happens: Callable[[], None] | None = None,
        before: bool = False,
        calls: Collection[str] = WRITES,
        ignore_thread: str = "",
        allow_retry: bool = False,
    ) -> None:
        """`happens`: what happens, the end of the process unless given. `ignore_thread`: the name of a thread whose calls do not count.
        `allow_retry`: another process goes on within the block; else every later call dies too."""
        self.names: list[str] = []
        self.happened = self.dead = False
        self._number, self._happens, self._before = number, happens, before
        self._calls, self._ignore_thread, self._allow_retry = calls, ignore_thread, allow_retry
        self._lock = threading.RLock()

    def __enter__(self) -> "Process":
        events = dynamodb().meta.events
        events.register("before-call.dynamodb", self._about_to_send)
        events.register("after-call.dynamodb", self._answered)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        events = dynamodb().meta.events
        events.unregister("before-call.dynamodb", self._about_to_send)
        events.unregister("after-call.dynamodb", self._answered)
        self.dead = isinstance(error, Killed)
        return self.dead

    def _about_to_send(self, model: Any, **_: Any) -> None:
        if self.happened and self._happens is None and not self._allow_retry:
            raise Killed
        if self._before:
            self._count(model.name)

    def _answered(self, model: Any, http_response: Any, **_: Any) -> None:
        if not self._before and http_response.status_code < 300:
            self._count(model.name)

    def _count(self, name: str) -> None:
        with self._lock:
            if name not in self._calls or threading.current_thread().name == self._ignore_thread:
                return
            self.names.append(name)
            if self.happened or len(self.names) != self._number:
                return
            self.happened = True
        if self._happens is None:
            raise Killed
        Context().run(self._happens)  # somebody else's doing: nothing that the writer carries applies to it


def crash_at_write(number: int | None, **options: Any) -> Process:
    """A process that dies at its n-th write; one that lives and is only counted for None."""
    return Process(number, **options)


def crash_at_every_write(**options: Any) -> Iterator[Process]:
    """A process that dies at its first write, one that dies at its second, ... and last the one that has not so many."""
    for number in count(1):
        process = crash_at_write(number, **options)
        yield process
        if not process.happened:
            return


def concurrently(happens: Callable[[], None], number: int = 1, **options: Any) -> Process:
    """What somebody else does right before the n-th write of the block."""
    return Process(number, happens=happens, before=True, **options)


@contextmanager
def refused(
    call: str, touching: str, times: int, *, code: str = "TransactionConflict", when: Callable[[], bool] = lambda: True
) -> Iterator[SimpleNamespace]:
    """DynamoDB refuses such a call, if its body has the text `touching` and while `when()` is true, until it has done so `times` times.

    A transaction is refused because of contention, any other call with the error `code`. `left` says how many refusals are left.
    """
    state = SimpleNamespace(left=times)
    if call == "TransactWriteItems":
        error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": [{"Code": code}]}
    else:
        error = {"Error": {"Code": code}}

    def refuse(model: Any, params: dict[str, Any], **_: Any) -> Any:
        if model.name == call and touching.encode() in params["body"] and state.left and when():
            state.left -= 1
            return SimpleNamespace(status_code=400), error | {"ResponseMetadata": {}}
        return None

    events = dynamodb().meta.events
    events.register("before-call.dynamodb", refuse)
    try:
        yield state
    finally:
        events.unregister("before-call.dynamodb", refuse)


@contextmanager
def answer_lost(call: str, touching: str = "") -> Iterator[SimpleNamespace]:
    """The first such call whose body has the text `touching` is carried out by moto, and its answer is lost. `happened` says whether it
    came."""
    state = SimpleNamespace(happened=False)

    def lose(event_name: str, request: Any, **_: Any) -> None:
        if not state.happened and event_name.endswith(f".{call}") and touching.encode() in request.body:
            state.happened = True
            botocore_stubber(event_name, request)
            raise ReadTimeoutError(endpoint_url=request.url)

    events = dynamodb().meta.events
    events.register_first("before-send.dynamodb", lose)
    try:
        with patch("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None)):  # the pause before it is sent again
            yield state
    finally:
        events.unregister("before-send.dynamodb", lose)
