"""Who is online: users with an open connection, or with one that ended a moment ago."""

from collections.abc import Iterable

from shared.channels.sockets.rows import OpenConnections
from shared.core import clock
from shared.store import get_many

GRACE = 60  # seconds; a user who changes networks or reloads a page stays online
_BATCH = 100


def online_users(user_ids: Iterable[str]) -> set[str]:
    """Return those of the users who are online. One round trip per hundred."""
    unique_ids = list(dict.fromkeys(user_ids))
    online: set[str] = set()
    for start in range(0, len(unique_ids), _BATCH):
        part = unique_ids[start : start + _BATCH]
        rows = get_many([(OpenConnections, f"CONNS#{one}", "META") for one in part])
        online |= {
            user_id for user_id, row in zip(part, rows, strict=True) if isinstance(row, OpenConnections) and _is_online(row)
        }
    return online


def _is_online(row: OpenConnections) -> bool:
    return row.open > 0 or row.left > clock.epoch() - GRACE
