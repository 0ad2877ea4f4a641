"""API keys: made by a person for programs, shown once, revoked at once.

A key acts as its maker, within its scopes. What decides on a request is in the maker's access record (`shared.people.access.keys`); the
rows here are what lists show, and from them the record can be rebuilt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import new_id
from shared.core.scopes import SCOPES, scopes_within
from shared.events import EventType, record
from shared.people.access.keys import NewKey, add_key, new_key, remove_key
from shared.people.access.records import Access, access_key, get_access
from shared.store import (
    CountedEntity,
    CountedList,
    CountedRows,
    JSONAttribute,
    LastBlock,
    UnicodeAttribute,
    authorize,
    authorize_own_organization,
    create,
    enter,
    get_all,
    get_many,
    id_of,
    retrying,
    save,
    write,
)

MANAGE = Permission.WORKSPACE_ADMIN


class ApiKey(CountedEntity):
    KIND = "APIKEY"
    NAME = "API key"

    name = UnicodeAttribute()
    prefix = UnicodeAttribute()
    fingerprint = UnicodeAttribute()
    maker_id = UnicodeAttribute()
    scopes = JSONAttribute()
    expires_at = UnicodeAttribute(null=True)
    revoked_at = UnicodeAttribute(null=True)
    last_used_at = UnicodeAttribute(null=True)
    """Of a revoked key; that of any other is in the access record."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        return {1: (f"ORG#{self.org_id}#KEY", self.place)}

    def filters(self) -> dict[str, Any]:
        """Return whose access record says when the key was used, so that a list reads it with the keys."""
        return {"maker_id": self.maker_id}


def keys_of(org_id: str) -> CountedList:
    return CountedList(f"ORG#{org_id}", "KEY", f"ORG#{org_id}#KEY", lambda _: "key")


@dataclass(frozen=True)
class KeyShown:
    """A key as lists show it."""

    key: ApiKey
    last_used_at: str | None


def granted_scopes(actor: Actor, scopes: Sequence[str] | None, field: str) -> list[str]:
    """Return the scopes that the actor gives to a key or a client, in the order of the document: all of their own if none are named.

    Raises Invalid for an unknown scope, and Forbidden for one that the actor does not have.
    """
    own = scopes_within(actor.grants(None, actor.org_id))
    wanted = own if scopes is None else list(scopes)
    unknown = [one for one in wanted if one not in SCOPES]
    if unknown:
        raise Invalid(FieldError(field, f"Unknown scope; allowed are {', '.join(SCOPES)}", unknown[0]))
    if beyond := sorted(set(wanted) - set(own)):
        raise Forbidden(f"Nobody gives what they may not do themselves: {', '.join(beyond)}")
    return [one for one in SCOPES if one in wanted]


def create_key(actor: Actor, name: str, scopes: Sequence[str] | None = None, expires_at: str | None = None) -> tuple[ApiKey, str]:
    """Make a key of the actor's for their organization; return it with its text, which is kept nowhere. Two round trips.

    Raises Forbidden, Invalid and LimitExceeded.
    """
    org_id = authorize_own_organization(actor, MANAGE)
    granted = granted_scopes(actor, scopes, "permissions")
    expires = _expiry(expires_at)
    expires_at = _moment(expires)
    new, key_id = new_key(actor.id), new_id()

    def attempt(_: int) -> ApiKey:
        last = LastBlock(keys_of(org_id))
        access = get_access(actor.id)
        place = enter(keys_of(org_id), last.result(), "key")
        key = _row(actor, key_id, org_id, new, name, granted, expires_at)
        key.counted_in = place.start
        record(key, EventType.API_KEY_CREATED, actor, name=name, scopes=granted)
        write(create(key), add_key(access, new, key_id, org_id, expires, granted), *place.operations)
        return key

    return retrying(attempt), new.key


def _row(actor: Actor, key_id: str, org_id: str, new: NewKey, name: str, scopes: list[str], expires_at: str | None) -> ApiKey:
    return ApiKey.new(
        key_id,
        org_id=org_id,
        name=name,
        prefix=new.prefix,
        fingerprint=new.fingerprint,
        maker_id=actor.id,
        scopes=scopes,
        expires_at=expires_at,
    )


def _expiry(expires_at: str | None) -> int | None:
    """Return an expiry in epoch seconds. Raises Invalid for one that has passed."""
    if expires_at is None:
        return None
    expires = int(clock.parse(expires_at).timestamp())
    if expires <= clock.epoch():
        raise Invalid(FieldError("expires_at", "This time has passed", expires_at))
    return expires


def list_keys(actor: Actor, page: int, size: int) -> tuple[list[KeyShown], int]:
    """Return a page of the organization's keys, newest first and revoked ones too, and how many there are. Raises Forbidden.

    Three round trips (the caller names the organization), four for a page that is not at the head.
    """
    org_id = authorize_own_organization(actor, MANAGE)
    shown = CountedRows(keys_of(org_id), page * size, newest_first=True).page((page - 1) * size, size, lambda _: True)
    listed = shown.rows()
    makers = dict.fromkeys(row.f["maker_id"] for row in listed if "maker_id" in row.f)
    rows = get_all([*((ApiKey, *ApiKey.key(row.id)) for row in listed), *((Access, *access_key(maker)) for maker in makers)])
    uses = {key_id: at for access in rows if isinstance(access, Access) for key_id, at in access.key_uses.items()}
    keys = [key for key in rows if isinstance(key, ApiKey)]
    return [KeyShown(key, _moment(uses.get(key.id)) or key.last_used_at) for key in keys], shown.total


def _moment(epoch: int | None) -> str | None:
    return clock.iso(clock.from_epoch(epoch)) if epoch else None


def revoke_key(actor: Actor, key_id: str) -> None:
    """Revoke a key: from the next request on it opens nothing. Once more changes nothing. Raises NotFound and Forbidden."""

    bare = id_of(ApiKey, key_id)

    def attempt(_: int) -> None:
        rows: Any = get_many([(ApiKey, *ApiKey.key(bare)), (Access, *access_key(actor.id))])
        key, access = rows
        if key is None:
            raise NotFound(ApiKey.NAME)
        authorize(key, actor, MANAGE)
        if key.revoked_at is not None:
            return
        if key.maker_id != actor.id:
            access = get_access(key.maker_id)
        key.revoked_at, key.last_used_at = clock.iso(), _moment(access.key_uses.get(key.id))
        record(key, EventType.API_KEY_REVOKED, actor, name=key.name)
        write(save(key), remove_key(access, key.id))

    retrying(attempt)
