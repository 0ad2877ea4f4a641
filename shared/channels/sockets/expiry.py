"""Connections that are over: those whose end nobody told us, and those that never said who they are in time."""

import time

from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.rows import SHARDS, DueConnection
from shared.core import clock
from shared.store import delete, query, write

_PAGE = 50


def close_expired(until: float) -> int:
    """End every connection that is due. How many there were. Stops at `until` (`time.monotonic`); the next time goes on, at another
    shard, so that none is always the last."""
    reaped, first, due = 0, clock.epoch() // 60, f"{clock.epoch():010d}"
    for shard in range(first, first + SHARDS):
        while page := query(DueConnection, f"CONNS#DUE#{shard % SHARDS}", between=("0", due), limit=_PAGE, consistent=True).rows:
            for row in page:
                if time.monotonic() > until:
                    return reaped
                disconnect(row.connection_id)
                write(delete(row))  # where the connection itself is gone already
                reaped += 1
    return reaped
