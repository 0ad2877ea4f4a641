"""Connections that are over: those whose end nobody told us, and those that never said who they are in time."""

from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.rows import DUE, DueConnection
from shared.core import clock
from shared.store import delete, iterate_shards, write

_PAGE = 50


def close_expired(until: float) -> int:
    """End every connection that is due. How many there were. Stops at `until` (`time.monotonic`)."""
    closed = 0
    for row in iterate_shards(DueConnection, DUE, until, between=("0", f"{clock.epoch():010d}"), limit=_PAGE, consistent=True):
        disconnect(row.connection_id)
        write(delete(row))  # where the connection itself is gone already
        closed += 1
    return closed
