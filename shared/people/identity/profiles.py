"""Change one's own profile."""

from typing import Any, Final

from shared.core.actor import Actor
from shared.core.errors import FieldError, Invalid
from shared.events import EventType, record
from shared.people.access import records
from shared.people.identity.users import User, get_user, split_name
from shared.store import Operation, update_with_retry

MAX_NAME: Final = 100
"""Characters of a full name, in every contract."""


def update_profile(
    actor: Actor,
    *,
    name: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    avatar_url: str | None = None,
    preferences: dict[str, Any] | None = None,
) -> User:
    """Change the given fields. Preferences merge key by key; the full name and its parts are kept consistent. Raises Invalid."""

    def change(user: User) -> list[Operation]:
        before = _visible_fields(user)
        if name is not None:
            user.name = name
            user.first_name, user.last_name = split_name(name)
        if first_name is not None or last_name is not None:
            user.first_name = user.first_name if first_name is None else first_name
            user.last_name = user.last_name if last_name is None else last_name
            user.name = f"{user.first_name} {user.last_name}".strip()
            if len(user.name) > MAX_NAME:
                raise Invalid(FieldError("first_name", f"First and last name have at most {MAX_NAME} characters together"))
        if avatar_url is not None:
            user.avatar_url = avatar_url or None
        if preferences is not None:
            user.preferences = merge(user.preferences, preferences)
        after = _visible_fields(user)
        changes = {field: [old, after[field]] for field, old in before.items() if old != after[field]}
        if not changes:
            return []
        record(user, EventType.USER_UPDATED, actor, changes=changes)
        return [records.rename(user.id, user.name, user.avatar_url)]

    return update_with_retry(lambda: get_user(actor.id), change)


def _visible_fields(user: User) -> dict[str, Any]:
    return {"name": user.name, "avatar_url": user.avatar_url, "preferences": user.preferences}


def merge(base: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `patch`, key by key, also in nested objects."""
    result = dict(base)
    for key, value in patch.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merge(result[key], value) if nested else value
    return result
