"""Whether those who listen still may: their session lives, and they belong to the workspace.

Asked at every push, of a memory that is at most FRESH seconds old: when a session ends, or a membership, its sockets hear nothing any
more after that time, and are closed at the next push or message. A connection to which nothing is pushed learns nothing either.
"""

import time
from collections.abc import Callable, Iterable

from shared.core import clock
from shared.people.access.records import Access
from shared.store import get_many

MAX_AGE = 15.0  # seconds
_MAX_AGE_OF_REFUSAL = 1.0  # seconds: a no is only believed of a memory this young, because a session may just have begun
_BATCH = 100
_cache: dict[str, tuple[float, Access | None]] = {}


def refresh(user_ids: Iterable[str], max_age: float = MAX_AGE) -> None:
    """Read the access records that are not known, or not for sure any more: a round trip per 100 users."""
    now = time.time()
    outdated = [one for one in dict.fromkeys(user_ids) if one not in _cache or _cache[one][0] < now - max_age]
    if len(_cache) > 20_000:
        _cache.clear()
    for start in range(0, len(outdated), _BATCH):
        part = outdated[start : start + _BATCH]
        for user_id, record in zip(part, get_many([(Access, f"ACCESS#{one}", "META") for one in part]), strict=True):
            _cache[user_id] = (now, record if isinstance(record, Access) else None)


def session_lives(user_id: str, session_id: str) -> bool:
    return _check(user_id, lambda record: dict(record.sessions).get(session_id, 0) > clock.epoch())


def belongs(user_id: str, ws_id: str) -> bool:
    return _check(user_id, lambda record: ws_id in dict(record.workspaces))


def may_listen(user_id: str, session_id: str, ws_id: str | None) -> bool:
    """Both at once, for one connection."""
    refresh([user_id])
    return session_lives(user_id, session_id) and (ws_id is None or belongs(user_id, ws_id))


def clear_cache() -> None:
    """For tests."""
    _cache.clear()


def _check(user_id: str, rule: Callable[[Access], bool]) -> bool:
    for max_age in (MAX_AGE, _MAX_AGE_OF_REFUSAL):
        refresh([user_id], max_age)
        record = _cache[user_id][1]
        if record is not None and rule(record):
            return True
    return False
