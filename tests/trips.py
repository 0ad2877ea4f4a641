"""Count the requests to DynamoDB, so that a test can say what a request costs.

    with count_requests() as seen:
        ada("auth", "GET", "/auth/me")
    assert (seen.count, seen.names) == (1, ["BatchGetItem"])

Retries of botocore count as requests of their own, as they do in time. `count` says how many come one after the other, in whatever
thread: a read that waits for another read is a trip more, although both were begun ahead. What is left out comes with one request in
many, whichever it is: the leases of a process for its rate limits (`shared.people.access.quota_leases`; with LARGE_LEASES it is always
the first), and the beginning of a limit's window (`shared.store.rate_windows`).
"""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.store.client import the_client
from tests.beside import add_trip, follow_reads, trips_so_far

LARGE_LEASES = {"FIRST": 500, "MOST": 500, "SHARE": 2}
_LEASE = re.compile(rb'":amount": ?\{"N": ?"(?!1")')  # what is counted at once is more than one request
_BEGINNING = re.compile(rb'":x\d+":')  # the number above which a window would be an error
_EVENT = "before-send.dynamodb"  # once for every HTTP request, retries included


@dataclass
class DynamoRequests:
    """The API calls seen so far, in order; `beside` are those that were read ahead, at the same time as others."""

    names: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    before: int = 0
    at_end: int | None = None

    @property
    def count(self) -> int:
        """How many came one after the other, for whoever asks."""
        return (trips_so_far() if self.at_end is None else self.at_end) - self.before

    @property
    def by_name(self) -> dict[str, int]:
        return dict(Counter(self.names + self.beside))

    def __str__(self) -> str:
        return f"{self.count}: {', '.join(self.names)}; beside: {', '.join(self.beside)}"


def is_beside() -> bool:
    """Tell whether this thread reads ahead (`shared.store.ahead`)."""
    return threading.current_thread().name.startswith("read-ahead")


def _is_counted(operation_name: str, request: Any) -> bool:
    return not (_BEGINNING.search(request.body) or (operation_name == "UpdateItem" and _LEASE.search(request.body)))


def _add_trip(event_name: str, request: Any, **_: Any) -> None:
    if _is_counted(event_name.rpartition(".")[2], request):
        add_trip()


@contextmanager
def count_requests() -> Iterator[DynamoRequests]:
    """Counts what our DynamoDB client sends until the block ends. One block may lie within another."""
    follow_reads()
    events = the_client().meta.events
    events.register_first(_EVENT, _add_trip, unique_id="trips")  # once, for all blocks
    seen = DynamoRequests(before=trips_so_far())

    def note(event_name: str, request: Any, **_: Any) -> None:
        operation_name = event_name.rpartition(".")[2]
        if _is_counted(operation_name, request):
            (seen.beside if is_beside() else seen.names).append(operation_name)

    events.register_first(_EVENT, note)
    try:
        yield seen
    finally:
        seen.at_end = trips_so_far()
        events.unregister(_EVENT, note)
