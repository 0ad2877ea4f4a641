"""Search in the logs of a card's runs."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from shared.core.texts import searchable
from shared.runs.terminal.entries import CHUNK_BYTES, Entry, canonical
from shared.runs.terminal.reading import entries
from shared.runs.terminal_sessions.log_filters import LogFilter

MAX_RESULTS = 100  # entries in the result; the counts include all matches
_MAX_SEARCHED = 200_000  # entries that are searched; a search that stops here has `truncated` in its result


def search_logs(run_ids: Iterable[str], query: str, log_filter: LogFilter) -> dict[str, Any]:
    """Return a LogSearchResult: the newest hundred entries that contain `query` (in message, component, source or data, in any letter
    case), in order, and counts of all matches by level, source and hour. `executionTime` is in milliseconds."""
    began = time.perf_counter()
    needle = searchable(query)
    levels: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    hours: Counter[str] = Counter()
    matches: list[Entry] = []
    searched = 0
    for run_id in run_ids:
        for entry in entries(run_id):
            searched += 1
            if searched > _MAX_SEARCHED:
                break
            if log_filter.matches(entry) and _contains(entry, needle):
                levels[entry["level"]] += 1
                sources[entry["source"]] += 1
                hours[entry["timestamp"][:13] + ":00:00.000Z"] += 1
                matches.append(entry)
        matches = sorted(matches, key=_sort_key)[-MAX_RESULTS:]
    shown = _newest_that_fit(matches)
    total = levels.total()
    result: dict[str, Any] = {
        "logs": shown,
        "totalCount": total,
        "query": query,
        "executionTime": round((time.perf_counter() - began) * 1000, 2),
        "levelDistribution": dict(levels),
        "sourceDistribution": dict(sources.most_common(50)),
        "timelineData": [{"timestamp": hour, "count": hours[hour]} for hour in sorted(hours)[-200:]],
    }
    if len(shown) < total or searched > _MAX_SEARCHED:
        result["truncated"] = True
    return result


def _contains(entry: Entry, needle: str) -> bool:
    if not needle:
        return True
    texts = (entry["message"], entry["component"], entry["source"])
    if any(needle in searchable(text) for text in texts):
        return True
    return "data" in entry and needle in searchable(canonical(entry["data"]))


def _sort_key(entry: Entry) -> tuple[str, str, int]:
    return entry["timestamp"], entry["runId"], entry["seq"]


def _newest_that_fit(matches: list[Entry]) -> list[Entry]:
    """Return the newest entries that fit into one message."""
    size, first = 0, len(matches)
    while first > 0:
        size += len(canonical(matches[first - 1]).encode()) + 1
        if size > CHUNK_BYTES - 4_000 and first < len(matches):
            break
        first -= 1
    return matches[first:]
