"""Close connections that are overdue: ended without notice, or not authenticated in time."""

from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.rows import DUE, DueConnection
from shared.core import clock
from shared.store import delete, iterate_shards, process_all, write

_PAGE = 50


def close_expired(until: float) -> int:
    """Close every connection that is due. Return how many there were. Stops at `until` (`time.monotonic`)."""
    rows = iterate_shards(DueConnection, DUE, until, between=("0", f"{clock.epoch():010d}"), limit=_PAGE, consistent=True)
    return process_all(DUE.name, rows, _close, lambda row: f"connection {row.connection_id}")


def _close(row: DueConnection) -> int:
    disconnect(row.connection_id)
    write(delete(row))  # also if the connection itself is already gone
    return 1
