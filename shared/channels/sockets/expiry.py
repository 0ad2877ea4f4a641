"""Close connections that are overdue: ended without notice, or not authenticated in time."""

from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.rows import DUE, DueConnection
from shared.core import clock
from shared.store import delete, iterate_shards, write

_PAGE = 50


def close_expired(until: float) -> int:
    """Close every connection that is due. Return how many there were. Stops at `until` (`time.monotonic`)."""
    closed = 0
    for row in iterate_shards(DueConnection, DUE, until, between=("0", f"{clock.epoch():010d}"), limit=_PAGE, consistent=True):
        disconnect(row.connection_id)
        write(delete(row))  # also if the connection itself is already gone
        closed += 1
    return closed
