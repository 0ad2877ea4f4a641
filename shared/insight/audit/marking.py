"""What the writer of the log does for the chain: it marks a log once a minute, and notes what comes late.

The times hold together: an entry that is not late was written at most LATE + LANDING seconds after its event, so that whoever seals what
is older than HORIZON misses none; and no process writes into a log whose mark is older than INTERVAL without marking it again.
"""

from shared.core import clock
from shared.insight.audit.rows import Due, Late, tenant_of
from shared.store import Operation, put, write
from shared.work.activities.rows import Activity

LATE = 15  # seconds after its event at which an entry is late
LANDING = 60  # seconds in which a write has landed: the function that makes it runs no longer (infra/needs.py)
HORIZON = LATE + LANDING + 15  # clocks differ by less than the last ones
INTERVAL = 60  # seconds between two marks of a log by one process
_marked: dict[str, int] = {}


def mark(row: Activity) -> None:
    """Mark the log of an entry that is about to be written: one write a minute for each log and process."""
    tenant, now = tenant_of(row), clock.epoch()
    if tenant is None or _marked.get(row.pk, 0) > now - INTERVAL:
        return
    due = Due.of(tenant, row.pk)
    due.since = now
    write(put(due))
    if len(_marked) > 10_000:
        _marked.clear()
    _marked[row.pk] = now


def note_if_late(row: Activity) -> list[Operation]:
    """Return what notes in the same transaction that an entry comes late: the blocks may have passed its place."""
    tenant = tenant_of(row)
    is_late = tenant is not None and (clock.now() - clock.parse(row.at)).total_seconds() > LATE
    return [put(Late.of(str(tenant), row))] if is_late else []
