"""Iterate over more rows than one page holds: of one partition, or of a list that is split into shards."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack, overload
from zlib import crc32

from shared.core import clock
from shared.store.reading import QueryOptions, Slice, pages, query
from shared.store.rows import Row

R = TypeVar("R", bound=Row)
T = TypeVar("T")


@overload
def iterate(model: type[R], partition: str, *, until: float = ..., **options: Unpack[QueryOptions]) -> Iterator[R]: ...
@overload
def iterate(
    model: type[R],
    partition: str,
    *,
    read: Callable[[list[R]], Iterable[T]],
    until: float = ...,
    **options: Unpack[QueryOptions],
) -> Iterator[T]: ...
def iterate(
    model: type[R],
    partition: str,
    *,
    read: Callable[[list[R]], Iterable[Any]] | None = None,
    until: float = math.inf,
    **options: Unpack[QueryOptions],
) -> Iterator[Any]:
    """Yield the rows of a partition over all its pages; a page is read only when it is needed.

    `read` converts the rows of a page into what is yielded instead, for example their entities by one batch read. Stops at
    `until` (`time.monotonic`): no further page is read then, and nothing more is yielded.
    """
    remaining_pages = pages(model, partition, **options)
    while time.monotonic() <= until and (page := next(remaining_pages, None)):
        for one in page.rows if read is None else read(page.rows):
            if time.monotonic() > until:
                return
            yield one


def first_rows(model: type[R], partition: str, number: int, **options: Unpack[QueryOptions]) -> Slice[R]:
    """Return the first `number` rows of a partition, however many pages they are on. `next_key` is None if there are no more."""
    rows: list[R] = []
    start = None
    while len(rows) < number:
        page = query(model, partition, **(options | {"limit": number - len(rows), "start": start}))
        rows += page.rows
        start = page.next_key
        if start is None:
            break
    return Slice(rows, start)


@dataclass(frozen=True)
class Shards:
    """A list that is split into `number` partitions, `<name>#0` and so on: one partition takes 1,000 writes a second."""

    name: str
    number: int

    def partition_of(self, entity_id: str) -> str:
        """Return the partition of the row with this id."""
        return f"{self.name}#{crc32(entity_id.encode()) % self.number}"

    def partitions(self) -> list[str]:
        """Return all partitions. The first one changes each minute, so that no partition is always last when time runs out.

        The minute is hashed: its plain remainder would be the same every hour and every night.
        """
        first = crc32(str(clock.epoch() // 60).encode())
        return [f"{self.name}#{shard % self.number}" for shard in range(first, first + self.number)]


@overload
def iterate_shards(model: type[R], shards: Shards, until: float, **options: Unpack[QueryOptions]) -> Iterator[R]: ...
@overload
def iterate_shards(
    model: type[R], shards: Shards, until: float, *, read: Callable[[list[R]], Iterable[T]], **options: Unpack[QueryOptions]
) -> Iterator[T]: ...
def iterate_shards(
    model: type[R],
    shards: Shards,
    until: float,
    *,
    read: Callable[[list[R]], Iterable[Any]] = list,
    **options: Unpack[QueryOptions],
) -> Iterator[Any]:
    """Yield the rows of all shards, one shard after the other, each as `iterate` does, until `until` (`time.monotonic`).

    There is no cursor: a row leaves the list when its work is done, so a walk that stopped early starts again from the beginning.
    """
    for partition in shards.partitions():
        yield from iterate(model, partition, read=read, until=until, **options)


def process_all(where: str, items: Iterable[T], work: Callable[[T], int], name: Callable[[T], str]) -> int:
    """Call `work` for each item of a list named `where`. Return the sum of the results of `work`: how much was done.

    An exception does not stop the other items. All exceptions are raised at the end as one ExceptionGroup, each with the name of
    its item as a note.
    """
    done = 0
    failures: list[Exception] = []
    for item in items:
        try:
            done += work(item)
        except Exception as error:  # raised at the end
            error.add_note(name(item))
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of what was due in {where} could not be done", failures)
    return done
