"""Read a run's log: all entries from a number, or the last entries."""

from collections.abc import Iterator

from shared.runs.terminal.entries import Entry, LogChunk, expiry_notice
from shared.store import iterate, query

_PAGE = 60  # chunks: at most 1.7 MB in one query, DynamoDB's page is 1 MB


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
    """Return the last `count` entries, oldest first; strongly consistent."""
    last: list[Entry] = []
    for chunk in iterate(LogChunk, LogChunk.partition_key(run_id), newest_first=True, limit=10, consistent=True):
        last = chunk.entries() + last
        if len(last) >= count:
            break
    return last[-count:]


def _chunks(run_id: str, start: int) -> Iterator[LogChunk]:
    """Yield the chunks, starting with the one that contains number `start`."""
    partition = LogChunk.partition_key(run_id)
    first = start
    if start > 1:
        holding = query(
            LogChunk,
            partition,
            between=(LogChunk.sort_key(1), LogChunk.sort_key(start)),
            newest_first=True,
            limit=1,
            consistent=True,
        ).rows
        first = holding[0].first if holding else start
    return iterate(LogChunk, partition, between=(LogChunk.sort_key(first), "9" * 12), limit=_PAGE, consistent=True)
