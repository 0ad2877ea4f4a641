"""The walk of a job of the night over a list of what is due: by day, in shards, a page at a time.

What is done takes its row out of that day's list, in the same write. So there is no state to lose: a walk may end at any moment and
begin again, also twice at once.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

from shared.core import clock
from shared.money.billing import months
from shared.store import Entity, query

SHARDS: Final = 8
"""One partition takes 1,000 writes a second, and the night's work is spread over all of them."""
Piece = tuple[str, Callable[[], int]]
"""The id of what it is about, and the work, which answers how much it did."""


def shard_of(entity_id: str) -> int:
    return int(entity_id[-1], 16) % SHARDS


def process_due(
    model: type[Entity], index: int, partition: str, page_size: int, work: Callable[[list[str]], Iterable[Piece]], until: float
) -> int:
    """Do the work for all that is due up to today in `<partition>#<shard>`. How much was done. Stops at `until` (`time.monotonic`); the
    next walk begins at another shard, so that none is always the last.

    What fails does not keep the others from being done: it is raised at the end, as an ExceptionGroup with the ids as notes.
    """
    done, first = 0, clock.epoch() // 60
    failures: list[Exception] = []
    for shard in range(first, first + SHARDS):
        start = None
        while time.monotonic() <= until:
            span = ("0", f"{months.today()}#~")
            page = query(model, f"{partition}#{shard % SHARDS}", index=index, between=span, limit=page_size, start=start)
            for name, piece in work([row.pk.partition("#")[2] for row in page.rows]):
                if time.monotonic() > until:
                    break
                try:
                    done += piece()
                except Exception as error:  # raised at the end
                    error.add_note(f"{model.NAME} {name}")
                    failures.append(error)
            start = page.next_key
            if start is None:
                break
    if failures:
        raise ExceptionGroup(f"{len(failures)} of what was due in {partition} could not be done", failures)
    return done
