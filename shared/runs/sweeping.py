"""Runs whose worker was never heard of again come to their end, so that nobody looks at a run that runs for ever.

Nothing depends on it: a card whose run's lease is over is anybody's to take, and a project's place too. This only says so sooner.
"""

from shared.core.actor import SYSTEM
from shared.runs.ending import end
from shared.runs.requesting import ABANDONED
from shared.runs.rows import SHARDS, Run
from shared.store import fetch_all, query


def sweep() -> int:
    """End every run that is under way and whose lease is over. How many there were."""
    swept = 0
    for shard in range(SHARDS):
        start = None
        while True:
            page = query(Run, f"RUNS#UNDERWAY#{shard}", index=3, start=start)
            for run in fetch_all(Run, [row.pk.partition("#")[2] for row in page.rows]):
                if not run.ended and not run.lease_alive:
                    swept += int(end(run, "failed", SYSTEM, ABANDONED, still=lambda one: not one.lease_alive).ended)
            start = page.next_key
            if start is None:
                break
    return swept
