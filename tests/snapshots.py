"""What many tests begin with, made once in each process: moto's rows and messages are kept with the result and put back later."""

import os
import pickle
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import time_machine
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from shared.people.access import liveness

T = TypeVar("T")
ACCOUNT, REGION = "123456789012", "us-east-1"
FRESH = 300.0  # seconds: tests that travel up to fifty minutes have tokens of an hour
_kept: dict[Hashable, tuple[float, bytes]] = {}
_asked_for: set[Hashable] = set()


def made_once(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` returns, in the state that it leaves behind; kept when it is asked for twice. It is always called where that is
    not the first that happens: rows are there already, the clock is another one, or the tables are not moto's."""
    elsewhere = "AWS_ENDPOINT_URL" in os.environ or time_machine.escape_hatch.is_travelling()
    if elsewhere or any(_rows().values()) or any(_messages().values()):
        return make()
    made_at, made = _kept.get(key, (0.0, b""))
    if not made or time.monotonic() - made_at > FRESH:
        result = make()
        if key in _asked_for:
            _kept[key] = time.monotonic(), pickle.dumps((result, _rows(), _messages()))
        _asked_for.add(key)
        return result
    result, rows, messages = pickle.loads(made)  # noqa: S301 - made above
    for name, items in rows.items():
        _tables()[name].items.update(items)
    for name, waiting in messages.items():
        _queues()[name]._messages.extend(waiting)
    liveness._cache.clear()  # of somebody with the same id in an earlier test
    return result


def _tables() -> dict[str, Any]:
    return dynamodb_backends[ACCOUNT][REGION].tables


def _queues() -> dict[str, Any]:
    return sqs_backends[ACCOUNT][REGION].queues


def _rows() -> dict[str, dict[str, Any]]:
    return {name: dict(table.items) for name, table in _tables().items()}


def _messages() -> dict[str, list[Any]]:
    return {name: list(queue._messages) for name, queue in _queues().items()}
