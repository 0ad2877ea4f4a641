"""What this process does for the request that it serves, counted for the request's log line (`shared.edge.http.log`)."""

from collections import Counter
from threading import Lock

TABLE_CALLS, SLOW_TABLE_CALLS = "table_calls", "slow_table_calls"
CACHE_LOOKUPS, CACHE_HITS = "cache_lookups", "cache_hits"
"""Looks for what processes keep instead of reading it again (leases of rate limits, plans of organizations), and those that found it."""
NAMES = (TABLE_CALLS, SLOW_TABLE_CALLS, CACHE_LOOKUPS, CACHE_HITS)

_counts: Counter[str] = Counter()
_lock = Lock()  # a request also reads in other threads


def count(name: str, amount: int = 1) -> None:
    with _lock:
        _counts[name] += amount


def count_lookup(*, found: bool) -> None:
    count(CACHE_LOOKUPS)
    count(CACHE_HITS, int(found))


def take() -> dict[str, int]:
    """Return what was counted since the last call: a process serves one request at a time."""
    with _lock:
        taken = {name: _counts[name] for name in NAMES}
        _counts.clear()
    return taken
