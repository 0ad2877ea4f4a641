"""Decide whether the owner of a socket may still listen: the session is alive, and the user belongs to the workspace.

Checked at every push, with access records that are at most MAX_AGE seconds old. When a session or a membership ends, its sockets
receive nothing after that time, and are closed at the next push or message. A socket to which nothing is pushed stays open until
then.
"""

import time
from collections.abc import Callable, Iterable

from shared.core import clock
from shared.core.actor import Permission
from shared.people.access.records import Access, build_actor
from shared.store import get_many

MAX_AGE = 15.0  # seconds
_MAX_AGE_OF_REFUSAL = 1.0  # seconds; a refusal needs a record this fresh, because the session may have begun a moment ago
_BATCH = 100
_cache: dict[str, tuple[float, Access | None]] = {}


def refresh(user_ids: Iterable[str], max_age: float = MAX_AGE) -> None:
    """Read the access records that are not cached or older than `max_age` seconds: a round trip per 100 users."""
    now = time.time()
    outdated = [one for one in dict.fromkeys(user_ids) if one not in _cache or _cache[one][0] < now - max_age]
    if len(_cache) > 20_000:
        _cache.clear()
    for start in range(0, len(outdated), _BATCH):
        part = outdated[start : start + _BATCH]
        for user_id, record in zip(part, get_many([(Access, f"ACCESS#{one}", "META") for one in part]), strict=True):
            _cache[user_id] = (now, record if isinstance(record, Access) else None)


def is_session_active(user_id: str, session_id: str) -> bool:
    """Tell whether the session has neither ended nor expired."""
    return _check(user_id, lambda record: dict(record.sessions).get(session_id, 0) > clock.epoch())


def is_member(user_id: str, ws_id: str) -> bool:
    """Tell whether the user is a member of the workspace."""
    return _check(user_id, lambda record: ws_id in dict(record.workspaces))


def sees_costs(user_id: str, ws_id: str) -> bool:
    """Tell whether the user may see what the workspace spends."""
    return _check(user_id, lambda record: Permission.USAGE_READ in build_actor(user_id, record).grants(ws_id))


def is_administrator(user_id: str) -> bool:
    """Tell whether the user is an administrator of the platform."""
    return _check(user_id, lambda record: bool(record.platform_admin))


def may_listen(user_id: str, session_id: str, ws_id: str | None) -> bool:
    """Check session and membership of one connection."""
    refresh([user_id])
    return is_session_active(user_id, session_id) and (ws_id is None or is_member(user_id, ws_id))


def clear_cache() -> None:
    """Drop the cached records (for tests)."""
    _cache.clear()


def _check(user_id: str, rule: Callable[[Access], bool]) -> bool:
    """Apply the rule to the user's record; before a refusal, read the record again."""
    for max_age in (MAX_AGE, _MAX_AGE_OF_REFUSAL):
        refresh([user_id], max_age)
        record = _cache[user_id][1]
        if record is not None and rule(record):
            return True
    return False
