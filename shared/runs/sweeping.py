"""Runs whose worker was never heard of again come to their end, so that nobody looks at a run that runs for ever; runs that wait for a
budget go on where there is room again.

Nothing depends on the first: a card whose run's lease is over is anybody's to take, and a project's place too. This only says so sooner.
"""

import time

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.runs import queue
from shared.runs.answering import resume_waiting
from shared.runs.ending import end
from shared.runs.requesting import ABANDONED
from shared.runs.rows import SHARDS, Run
from shared.store import fetch_all, query
from shared.terminal import publish_run_status

_PAGE = 100


def sweep(until: float) -> int:
    """What is due for runs that nobody works on. How many were concerned. Stops at `until` (`time.monotonic`)."""
    return resume_waiting(until=until) + _end_abandoned(until)


def _end_abandoned(until: float) -> int:
    """End every run under way whose lease is over and whose execution is gone. The next time begins at another shard, so that none is
    always the last."""
    swept, first = 0, clock.epoch() // 60
    for shard in range(first, first + SHARDS):
        start = None
        while True:
            page = query(Run, f"RUNS#UNDERWAY#{shard % SHARDS}", index=3, limit=_PAGE, start=start)
            for run in fetch_all(Run, [row.pk.partition("#")[2] for row in page.rows]):
                if time.monotonic() > until:
                    return swept
                swept += int(_ended(run))
            start = page.next_key
            if start is None:
                break
    return swept


def _ended(run: Run) -> bool:
    """Whether this run was abandoned, and is over now."""
    if run.ended or run.lease_alive:
        return False
    if run.execution and queue.execution_lives(run.execution):
        return False  # between two tries of a step, which may be further apart than a lease is long
    done = end(run, "failed", SYSTEM, ABANDONED, still=lambda one: not one.lease_alive)
    if done.ended:
        publish_run_status(done.id, done.item_id, done.ws_id, done.status, progress=int(done.progress))
    return done.ended
