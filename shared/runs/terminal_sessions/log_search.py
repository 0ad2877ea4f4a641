"""Search in the logs of a card's runs, from the newest entry back, in parts that take bounded time and memory."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from shared.core.texts import searchable
from shared.runs.terminal.entries import CHUNK_BYTES, Entry, canonical
from shared.runs.terminal.reading import backwards
from shared.runs.terminal_sessions.log_filters import LogFilter

MAX_RESULTS = 100  # entries in one result
MAX_SEARCHED = 20_000  # entries that one search looks at: some 5 MB, and half a second


@dataclass(frozen=True)
class Position:
    """Where a search goes on: with this entry of this run and those before it, then with the runs before it."""

    run: str
    sequence: int


class _Matches:
    """What one search has found, newest first: all of it is counted, and as much is kept as one message shows."""

    def __init__(self) -> None:
        self.levels: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.hours: Counter[str] = Counter()
        self.kept: list[Entry] = []
        self.left_out: Position | None = None
        """The newest match that is not kept."""
        self._size = 0

    def add(self, entry: Entry) -> None:
        self.levels[entry["level"]] += 1
        self.sources[entry["source"]] += 1
        self.hours[entry["timestamp"][:13] + ":00:00.000Z"] += 1
        if self.left_out is not None:
            return
        self._size += len(canonical(entry).encode()) + 1
        if len(self.kept) == MAX_RESULTS or (self.kept and self._size > CHUNK_BYTES - 4_000):
            self.left_out = Position(entry["runId"], entry["seq"])
        else:
            self.kept.append(entry)


def search_logs(run_ids: Iterable[str], query: str, log_filter: LogFilter, position: Position | None = None) -> dict[str, Any]:
    """Return a LogSearchResult: the newest hundred entries that contain `query` (in message, component, source or data, in any letter
    case), in order, and counts of all matches by level, source and hour. `executionTime` is in milliseconds.

    `run_ids` are newest first. One search looks at MAX_SEARCHED entries, from `position` back. If there is more, `truncated` is true and
    `continueFrom` says where the next search goes on; each entry is then shown by one of them.
    """
    began = time.perf_counter()
    needle = searchable(query)
    found = _Matches()
    stopped = None
    for searched, entry in enumerate(_newest_first(run_ids, position)):
        if searched == MAX_SEARCHED:
            stopped = Position(entry["runId"], entry["seq"])
            break
        if log_filter.matches(entry) and _contains(entry, needle):
            found.add(entry)
    result: dict[str, Any] = {
        "logs": sorted(found.kept, key=_sort_key),
        "totalCount": found.levels.total(),
        "query": query,
        "executionTime": round((time.perf_counter() - began) * 1000, 2),
        "levelDistribution": dict(found.levels),
        "sourceDistribution": dict(found.sources.most_common(50)),
        "timelineData": [{"timestamp": hour, "count": found.hours[hour]} for hour in sorted(found.hours)[-200:]],
    }
    if more := found.left_out or stopped:
        result |= {"truncated": True, "continueFrom": {"runId": more.run, "sequence": more.sequence}}
    return result


def _newest_first(run_ids: Iterable[str], position: Position | None) -> Iterator[Entry]:
    """Yield the entries of the runs from a position back."""
    ids = list(run_ids)
    if position is not None:  # a run that is no longer among them is the only one that is left
        ids = ids[ids.index(position.run) :] if position.run in ids else [position.run]
    for run_id in ids:
        yield from backwards(run_id, position.sequence if position is not None and run_id == position.run else None, MAX_SEARCHED)


def _contains(entry: Entry, needle: str) -> bool:
    if not needle:
        return True
    texts = (entry["message"], entry["component"], entry["source"])
    if any(needle in searchable(text) for text in texts):
        return True
    return "data" in entry and needle in searchable(canonical(entry["data"]))


def _sort_key(entry: Entry) -> tuple[str, str, int]:
    return entry["timestamp"], entry["runId"], entry["seq"]
