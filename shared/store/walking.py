"""Iterate over more rows than one page holds: of one partition, or of a list that is split into shards."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack, overload
from zlib import crc32

from shared.core import clock
from shared.store.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from shared.store.queries import QueryOptions, pages
from shared.store.reading import get
from shared.store.rows import Ephemeral, Row
from shared.store.writing import delete, put, write

log = logging.getLogger(__name__)
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


@dataclass(frozen=True)
class Shards:
    """A list that is split into `number` partitions, `<name>#0` and so on: one partition takes 1,000 writes a second."""

    name: str
    number: int

    def partition_of(self, entity_id: str) -> str:
        """Return the partition of the row with this id."""
        return f"{self.name}#{crc32(entity_id.encode()) % self.number}"

    def partitions(self) -> list[str]:
        """Return all partitions, in an order that changes each minute."""
        return rotate([f"{self.name}#{shard}" for shard in range(self.number)])


def rotate(items: Sequence[T]) -> list[T]:
    """Return the items in their order. The first one changes each minute, so that none is always last when time runs out.

    The minute is hashed: its plain remainder would be the same every hour and every night.
    """
    first = crc32(str(clock.epoch() // 60).encode()) % len(items)
    return [*items[first:], *items[:first]]


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
    """Yield the rows of all shards, one shard after the other, until `until` (`time.monotonic`): `sweep` over its partitions."""
    yield from sweep(model, shards.name, shards.partitions(), until, read=read, **options)


def _has_rows(model: type[Row], partition: str, options: QueryOptions) -> bool:
    return any(page.rows for page in pages(model, partition, **(options | {"limit": 1})))


class Position(Ephemeral):
    """Where the sweep of a list stopped, at `SWEEP, <list>`: a partition, the key after which a page begins, and the number of rows of
    this page that had their turn."""

    partition = UnicodeAttribute()
    after = JSONAttribute(null=True)
    done = NumberAttribute(default=0)


def sweep(
    model: type[R],
    name: str,
    partitions: Sequence[str],
    until: float,
    *,
    read: Callable[[list[R]], Iterable[Any]] = list,
    at_most: float = math.inf,
    **options: Unpack[QueryOptions],
) -> Iterator[Any]:
    """Yield what `read` makes of the rows of all partitions of the list `name`, until `until` (`time.monotonic`) and `at_most` so many.

    A sweep that stopped early is continued by the next one, so that rows that stay in the list or take long do not keep the later ones
    from their turn. Where rows have left the page since, as many others wait for the next round. A list without rows, as most lists of
    jobs are, costs no more than a query of each partition.
    """
    if time.monotonic() > until:
        return
    first = next((place for place, partition in enumerate(partitions) if _has_rows(model, partition, options)), None)
    if first is None:
        return
    position = get(Position, "SWEEP", name)
    rest, start, skip, given = partitions[first:], None, 0, 0
    if position is not None and position.partition in partitions:
        place, start, skip = partitions.index(position.partition), position.after, int(position.done)
        rest = [*partitions[place:], *partitions[:place]]
    for partition in rest:
        for page in pages(model, partition, **(options | {"start": start})):
            for number, one in enumerate(read(page.rows)):
                if number < skip:
                    continue
                if time.monotonic() > until or given >= at_most:
                    write(put(Position(pk="SWEEP", sk=name, partition=partition, after=start, done=number)))
                    return
                given += 1
                yield one
            start, skip = page.next_key, 0
    if position is not None:
        write(delete(position))


class Unfinished(ExceptionGroup[Exception]):
    """Some of what was due could not be done; `done` says how much was."""

    done = 0

    @property
    def failed(self) -> int:
        """Return how many things could not be done."""
        return sum(error.failed if isinstance(error, Unfinished) else 1 for error in self.exceptions)


def process_all(where: str, items: Iterable[T], work: Callable[[T], int], name: Callable[[T], str]) -> int:
    """Call `work` for each item of a list named `where`. Return the sum of the results of `work`: how much was done.

    An exception does not stop the other items: it is logged with the name of its item, and all are raised at the end as one Unfinished.
    What `work` itself left unfinished counts as far as it was done.
    """
    done = 0
    failures: list[Exception] = []
    for item in items:
        try:
            done += work(item)
        except Exception as error:  # raised at the end
            error.add_note(name(item))
            failures.append(error)
            if isinstance(error, Unfinished):
                done += error.done
            else:
                log.exception("a part of a job failed", extra={"list": where, "item": name(item)})
    if failures:
        unfinished = Unfinished(f"{len(failures)} of what was due in {where} could not be done", failures)
        unfinished.done = done
        raise unfinished
    return done


def process_in_turn(
    where: str, parts: Sequence[T], work: Callable[[T, float], int], until: float, name: Callable[[T], str]
) -> int:
    """`process_all` for parts that share the time until `until` (`time.monotonic`): each may work until the second argument of `work`, and
    what it does not need is for those that follow."""

    def do(number: int) -> int:
        now = time.monotonic()
        return work(parts[number], now + (until - now) / (len(parts) - number))

    return process_all(where, range(len(parts)), do, lambda number: name(parts[number]))
