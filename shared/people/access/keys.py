"""API keys in the access record of their maker, so that the row that every request reads decides on them too.

A key is `sk-<8 random characters><the maker's id><32 random characters>`. The record holds only its fingerprint, with its id, its
organization, its expiry, its scopes and its place. What the maker loses, the key loses with the same write.
"""

import base64
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import Conflict, LimitExceeded, Unauthenticated
from shared.core.keys import API_KEY, base64url, fingerprint
from shared.core.scopes import permissions_of
from shared.core.situations import Situation
from shared.people.access.records import KEY_USE, Access, build_actor, key_row
from shared.store import Operation, amount, update, update_now

MAX_KEYS = 20  # of one person: with all scopes a key takes 450 bytes, of a record that is read at every request
_FORM = re.compile(r"sk-[\w-]{8}([\w-]{22})[\w-]{32}", re.ASCII)
_SHOWN = 11  # characters of a key that lists show


@dataclass(frozen=True)
class NewKey:
    """A key as its maker sees it, once."""

    key: str

    @property
    def prefix(self) -> str:
        return self.key[:_SHOWN]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.key)


def new_key(user_id: str) -> NewKey:
    maker = base64url(uuid.UUID(user_id).bytes)
    return NewKey(f"{API_KEY}{secrets.token_urlsafe(6)}{maker}{secrets.token_urlsafe(24)}")


def maker_of(key: str) -> str:
    """Return the id of the person whose key this says to be. Raises Unauthenticated for what is no key."""
    form = _FORM.fullmatch(key)
    if form is None:
        raise _invalid()
    return str(uuid.UUID(bytes=base64.urlsafe_b64decode(f"{form[1]}==")))


@dataclass(frozen=True)
class KeyUse:
    """The caller of a request with a key; `window` is where its requests are counted, `used_at` the minute of its last use that is noted
    (epoch seconds)."""

    id: str
    window: str
    actor: Actor
    used_at: int


def actor_of_key(key: str, raw: dict[str, Any] | None) -> KeyUse:
    """Return the actor of a key by the access record of its maker (raw, None: there is none). Raises Unauthenticated."""
    record = Access.decode(raw or {})
    stored = (record.keys or {}).get(fingerprint(key)) if raw else None
    if stored is None:
        raise _invalid()
    key_id, org_id, expires, scopes, *place = stored  # no place: it was made before there were any
    if expires is not None and expires <= clock.epoch():
        raise Unauthenticated(Situation.TOKEN_EXPIRED, "The API key has expired")
    maker = maker_of(key)
    actor = build_actor(maker, record, org_id=org_id, kind="key", scopes=permissions_of(scopes))
    window = f"{maker}#{place[0]}" if place else key_id
    return KeyUse(key_id, window, actor, record.key_uses.get(key_id, 0))


def note_use(use: KeyUse) -> None:
    """Note the minute in which a key is used, once a minute, whatever number of processes it calls."""
    minute = clock.epoch() // 60 * 60
    if use.used_at >= minute:
        return
    noted = amount(_use(use.id))
    try:
        update_now(key_row(use.actor.id), [noted.set(minute)], noted.does_not_exist() | (noted < minute), _Noted)
    except _Noted:
        return


class _Noted(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.VERSION_CONFLICT, "Another request has noted this minute")


def add_key(record: Access, new: NewKey, key_id: str, org_id: str, expires: int | None, scopes: Sequence[str]) -> Operation:
    """Add a key to the record of its maker, as it was read. Expired keys are removed. Raises LimitExceeded at MAX_KEYS.

    It has one of MAX_KEYS places, with the requests that the key before it there has left: to make keys anew gives no more requests.
    """
    now = clock.epoch()
    keys = {one: stored for one, stored in (record.keys or {}).items() if stored[2] is None or stored[2] > now}
    if len(keys) >= MAX_KEYS:
        limit = f"A person may have at most {MAX_KEYS} API keys; revoke one"
        raise LimitExceeded(Situation.LIMIT_REACHED, limit, {"limit": MAX_KEYS})
    taken = {place for _, _, _, _, *places in keys.values() for place in places}
    place = next(number for number in range(MAX_KEYS) if number not in taken)
    return _replace(record, keys | {new.fingerprint: [key_id, org_id, expires, list(scopes), place]})


def remove_key(record: Access, key_id: str) -> Operation:
    """Remove a key: from the next request on it is refused."""
    kept = {one: stored for one, stored in (record.keys or {}).items() if stored[0] != key_id}
    return _replace(record, kept, amount(_use(key_id)).remove())


def _replace(record: Access, keys: dict[str, Any], *further: Any) -> Operation:
    unchanged = Access.keys.does_not_exist() if record.keys is None else Access.keys == record.keys
    row = Access(pk=record.pk, sk=record.sk)
    return update(row, [Access.keys.set(keys), *further], Access.pk.exists() & unchanged)


def _use(key_id: str) -> str:
    """Return the attribute that holds the minute of the last use: of its own, so that noting it disturbs no other write."""
    return f"{KEY_USE}{key_id}"


def _invalid() -> Unauthenticated:
    return Unauthenticated(Situation.TOKEN_INVALID, "Invalid API key")
