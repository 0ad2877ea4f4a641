"""Who is online in a workspace: users with an open connection to it, or with one that ended a moment ago."""

from collections.abc import Iterable

from shared.channels.sockets.rows import Presence
from shared.core import clock
from shared.store import get_many

GRACE = 60  # seconds; a user who changes networks or reloads a page stays online
_BATCH = 100


def online_users(ws_id: str, user_ids: Iterable[str]) -> set[str]:
    """Return those of the users who are online in this workspace. One round trip per hundred."""
    unique_ids = list(dict.fromkeys(user_ids))
    online: set[str] = set()
    for start in range(0, len(unique_ids), _BATCH):
        part = unique_ids[start : start + _BATCH]
        rows = get_many([(Presence, f"HERE#{ws_id}", user_id) for user_id in part])
        online |= {user_id for user_id, row in zip(part, rows, strict=True) if isinstance(row, Presence) and _is_online(row)}
    return online


def _is_online(row: Presence) -> bool:
    now = clock.epoch()
    return (row.open > 0 and row.ttl > now) or row.left > now - GRACE
