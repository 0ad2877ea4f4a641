"""Read a run's log: all entries from a number, or the last entries."""

import math
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from shared.runs.terminal.entries import Entry, LogChunk, expiry_notice
from shared.store import ReadFuture, Slice, query, read_ahead

_FIRST = 2  # chunks that are read first: of 28 KB they hold some hundred lines
_PAGE = 60  # chunks that are read at once at most: 1.7 MB, DynamoDB's page is 1 MB
_NEWEST = 15  # chunks that are read first from the end back
_PART = 24  # chunks that a part should have which is read beside others
_MOST = 36  # chunks of a page of it: 1 MB, if it has more than it should
_SIDE_BY_SIDE = 4  # parts, as there are threads


def last_sequence(run_id: str) -> int:
    """Return the number of the last entry, 0 for an empty log; one strongly consistent read."""
    chunks = query(LogChunk, LogChunk.partition_key(run_id), newest_first=True, limit=1, consistent=True).rows
    return int(chunks[0].last_sequence) if chunks else 0


def entries(run_id: str, start: int = 1) -> Iterator[Entry]:
    """Yield the entries from number `start` to the present end of the log, in order; strongly consistent.

    If the first ones have expired, one entry that names their numbers replaces them.
    """
    expected = max(1, start)
    for chunk in _chunks(run_id, expected):
        if chunk.first > expected:
            yield expiry_notice(run_id, expected, chunk.first - 1, chunk.at)
        for entry in chunk.entries():
            if entry["seq"] >= expected:
                yield entry
        expected = max(expected, int(chunk.last_sequence) + 1)


def tail(run_id: str, count: int) -> list[Entry]:
    """Return the last `count` entries, oldest first; strongly consistent. Reads as many chunks as hold them, as the last two let expect."""
    last: list[Entry] = []
    limit, chunks, start = _FIRST, 0, None
    while len(last) < count:
        page = query(LogChunk, LogChunk.partition_key(run_id), newest_first=True, limit=limit, start=start, consistent=True)
        for chunk in page.rows:
            last = chunk.entries() + last
        if page.next_key is None:
            break
        chunks, start = chunks + len(page.rows), page.next_key
        limit = min(_PAGE, math.ceil((count - len(last)) * chunks / len(last)) + 1)
    return last[-count:]


def backwards(run_id: str, end: int | None = None, most: int | None = None) -> Iterator[Entry]:
    """Yield the entries from number `end`, or from the present end of the log, back to the first one that is kept. Who will take no more
    than `most` says so, and no more is read ahead.

    The newest page is read strongly consistent; what is older was written long enough ago for a read of half the price. Where entries
    have expired, one entry names their numbers.
    """
    oldest: LogChunk | None = None
    for chunk in _chunks_back(run_id, end, most):
        if oldest is None:
            yield from _notice_at(run_id, end, int(chunk.last_sequence))
        elif oldest.first > chunk.last_sequence + 1:
            yield expiry_notice(run_id, int(chunk.last_sequence) + 1, oldest.first - 1, oldest.at)
        oldest = chunk
        yield from (entry for entry in reversed(chunk.entries()) if end is None or entry["seq"] <= end)
    if oldest is None:
        yield from _notice_at(run_id, end, 0)
    elif oldest.first > 1:
        yield expiry_notice(run_id, 1, oldest.first - 1, oldest.at)


def _chunks_back(run_id: str, end: int | None, most: int | None) -> Iterator[LogChunk]:
    """Yield the chunks from number `end` back. The newest page says how many entries a chunk has; parts of so many entries before it are
    read side by side, no more of each than one page."""
    newest = _page_back(run_id, 1, end, limit=_NEWEST, consistent=True)
    yield from newest.rows
    if newest.next_key is None:
        return
    last, top = int(newest.rows[0].last_sequence), newest.rows[-1].first - 1
    in_chunk = max(1, (last - top) // len(newest.rows))
    span = in_chunk * _PART
    lowest = 1 if most is None else last - most - in_chunk  # the last one may lie in a chunk that begins before it
    parts: deque[tuple[int, int, ReadFuture[Slice[LogChunk]]]] = deque()
    while parts or top > 0:
        while top > 0 and (not parts or (len(parts) < _SIDE_BY_SIDE and top >= lowest)):
            low = max(1, top - span + 1)
            parts.append((low, top, read_ahead(partial(_page_back, run_id, low, top))))
            top = low - 1
        low, high, read = parts.popleft()
        page = read.result()
        if not page.rows:  # all of it has expired, and so has most of what is older
            low, top = 1, 0
            parts.clear()
            page = _page_back(run_id, low, high)
        yield from page.rows
        while page.next_key is not None:
            page = _page_back(run_id, low, high, start=page.next_key)
            yield from page.rows


def _page_back(
    run_id: str, low: int, high: int | None, *, limit: int = _MOST, start: dict[str, Any] | None = None, consistent: bool = False
) -> Slice[LogChunk]:
    """Read the last chunks that begin with the numbers `low` to `high`, newest first."""
    between = LogChunk.sort_key(low), LogChunk.sort_key(high) if high else "9" * 12
    partition = LogChunk.partition_key(run_id)
    return query(LogChunk, partition, between=between, newest_first=True, limit=limit, start=start, consistent=consistent)


def _notice_at(run_id: str, number: int | None, last: int) -> Iterator[Entry]:
    """Yield the entry behind `last` if it has this number and stands for expired ones: a search may have stopped at it."""
    if number is not None and last < number:
        yield from (entry for entry in islice(entries(run_id, last + 1), 1) if entry["seq"] == number)


def _chunks(run_id: str, start: int) -> Iterator[LogChunk]:
    """Yield the chunks, starting with the one that contains number `start`. Pages grow, so that who needs few entries reads few chunks."""
    partition, first = LogChunk.partition_key(run_id), start
    if start > 1:
        holding = query(
            LogChunk,
            partition,
            between=(LogChunk.sort_key(1), LogChunk.sort_key(start)),
            newest_first=True,
            limit=1,
            consistent=True,
        ).rows
        yield from holding
        first = max(start, int(holding[0].last_sequence) + 1) if holding else start
    limit, position = _FIRST, None
    while True:
        page = query(
            LogChunk,
            partition,
            between=(LogChunk.sort_key(first), "9" * 12),
            limit=limit,
            start=position,
            consistent=True,
        )
        yield from page.rows
        limit, position = min(2 * limit, _PAGE), page.next_key
        if position is None:
            return
