"""The user: one account for all five contracts."""

from copy import deepcopy
from typing import Any, Final

from shared.core.actor import Actor
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import BooleanAttribute, Entity, Guard, JSONAttribute, UnicodeAttribute, fetch, get

DEFAULT_PREFERENCES: Final[dict[str, Any]] = {  # the keys are from agentworks' document, the values are our choice
    "theme": "system",
    "timezone": "UTC",
    "notifications": {"email": True, "browser": True, "agentCompleted": True, "usageAlerts": True},
    "editor": {"fontSize": 14, "tabSize": 4, "wordWrap": True},
}
ADMINISTRATORS: Final = "PLATFORM#ADMINISTRATORS"
"""The partition of index 1 that holds the administrators of the platform, who are few."""


class User(Entity):
    KIND = "USER"
    NAME = "user"

    email = UnicodeAttribute()
    name = UnicodeAttribute()
    first_name = UnicodeAttribute(default="")
    last_name = UnicodeAttribute(default="")
    avatar_url = UnicodeAttribute(null=True)
    password_hash = UnicodeAttribute(null=True)
    password_changed_at = UnicodeAttribute(null=True)
    email_verified = BooleanAttribute(default=False)
    founding_identity = UnicodeAttribute(null=True)
    """The identity at a provider that founded the account, if it did not confirm the address; the guard's value."""
    preferences = JSONAttribute(default=lambda: deepcopy(DEFAULT_PREFERENCES))
    last_login_at = UnicodeAttribute(null=True)
    platform_admin = BooleanAttribute(default=False)
    default_ws_id = UnicodeAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (ADMINISTRATORS, self.id)} if self.platform_admin else {}

    def as_actor(self) -> Actor:
        return Actor(
            id=self.id,
            name=self.name,
            email=self.email,
            email_verified=self.email_verified,
            avatar_url=self.avatar_url,
            org_id=self.org_id,
        )


def split_name(name: str) -> tuple[str, str]:
    """Split a full name into first and last name: the last word is the last name."""
    first, _, last = name.strip().rpartition(" ")
    return (first, last) if first else (last, "")


def new_user(name: str, email: str, password_hash: str | None, org_id: str, ws_id: str, **fields: Any) -> User:
    first, last = split_name(name)
    return User.new(
        new_id(),
        email=email,
        name=name,
        first_name=first,
        last_name=last,
        password_hash=password_hash,
        org_id=org_id,
        default_ws_id=ws_id,
        **fields,
    )


def email_guard(email: str, user_id: str = "") -> Guard:
    return Guard.of(f"EMAIL#{email}", user_id)


def find_user_id(email: str) -> str | None:
    """Return the id of the user with this address, or None. One read."""
    guard = get(Guard, f"EMAIL#{email}")
    return guard.ref if guard else None


def find_by_email(email: str) -> User | None:
    """Return the user with this address, or None. Two reads: the guard of the address, then the user."""
    user_id = find_user_id(email)
    return fetch(User, user_id) if user_id else None


def get_user(user_id: str) -> User:
    """Return the user of a session; one strongly consistent read. Raises LookupError if the row is missing."""
    user = fetch(User, user_id)
    if user is None:
        raise LookupError(f"User {user_id} has a session but no row")
    return user


class EmailTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.EMAIL_TAKEN, "An account with this e-mail address already exists")
