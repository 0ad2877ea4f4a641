"""The access record: one small row per caller, read at every request together with the rows that it asks for.

It holds the open sessions, the rate-limit windows and the memberships with their roles. Removing a session or a membership takes
effect at the next request. The record can be rebuilt from the core table.

A person's API keys are in it too (`shared.people.access.keys`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from shared.core import clock
from shared.core.actor import Actor, Permission, Role
from shared.core.errors import LimitExceeded, Unauthenticated
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.core.scopes import permissions_of
from shared.core.situations import Situation
from shared.people.access.tokens import Claims
from shared.store import (
    BooleanAttribute,
    Ephemeral,
    JSONAttribute,
    NumberAttribute,
    OnConflict,
    Operation,
    RateStatus,
    Row,
    UnicodeAttribute,
    UnicodeSetAttribute,
    count_requests,
    count_together,
    create,
    flat_map,
    get,
    get_many,
    size,
    update,
    update_now,
)

KEY_USE = "u."  # before a key's id, in the name of the attribute that holds its last use
MAX_SESSIONS, MAX_WORKSPACES = 50, 100  # a row with that many is 9 KB (with `homes` 16) and costs 9 write units instead of 1
MAX_ORGANIZATIONS = 20  # our choice: each has a default workspace, and on the free plan what that gives (decision 51)

GUESSES_PER_ACCOUNT = RateRule("guess", 100, 3600)
"""Wrong passwords per account and hour, from all network addresses together. After that even the right password is refused; open
sessions continue."""
GUESSES_PER_NETWORK = RateRule("network", 100, 3600)
"""Wrong passwords per network address and hour, for all accounts and contracts together. A right password takes back only itself."""
GUESSES_PER_IP = (RateRule("quarter", 10, 900), RateRule("hours", 15, 7200), RateRule("day", 20, 86_400))
"""Wrong passwords per account from one network address: each further wait is longer (a quarter of an hour, two hours, a day).
Guessing locks out only callers at the same network address. A login resets the counters."""

_GUESSES_TTL = max(rule.window for rule in GUESSES_PER_IP)


class Access(Ephemeral):
    """`sessions` maps a session id to its expiry (epoch seconds); `organizations` an id to a role; `workspaces` an id to a role
    and the permissions granted beyond it: `member agent:configure usage:read`. `keys` maps the fingerprint of an API key to its id,
    organization, expiry and scopes. `homes` maps a workspace to its organization, once a key or a client had to know it. `guesses` is the
    counter of GUESSES_PER_ACCOUNT."""

    name = UnicodeAttribute()
    email = UnicodeAttribute(default="")
    email_verified = BooleanAttribute(default=False)
    avatar_url = UnicodeAttribute(null=True)
    platform_admin = BooleanAttribute(default=False)
    sessions: Any = flat_map()
    workspaces: Any = flat_map()
    organizations: Any = flat_map()
    closed = UnicodeSetAttribute(null=True)
    """The ids of the workspaces and organizations in which nothing may be changed."""
    keys = JSONAttribute(null=True)
    homes = JSONAttribute(null=True)
    guesses = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_ACCOUNT.name}")

    key_uses: Mapping[str, int] = {}
    """When API keys were used last, by their ids, in epoch seconds. Each is an attribute of its own."""

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        record = super().decode(raw)
        record.key_uses = {name.removeprefix(KEY_USE): int(raw[name]["N"]) for name in raw if name.startswith(KEY_USE)}
        return record


class _Home(Row):
    """What a caller that is bound to one organization must know of a workspace."""

    TABLE = "core_table"

    org_id = UnicodeAttribute(null=True)


class Guesses(Ephemeral):
    """The counters of GUESSES_PER_IP, and of GUESSES_PER_NETWORK on a row of its own."""

    quarter = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_IP[0].name}")
    hours = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_IP[1].name}")
    day = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_IP[2].name}")
    network = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_NETWORK.name}")


def access_key(user_id: str) -> tuple[str, str]:
    return f"ACCESS#{user_id}", "META"


def key_row(user_id: str) -> Access:
    pk, sk = access_key(user_id)
    return Access(pk=pk, sk=sk)


def new_access(
    user: Actor, session_id: str | None, expires: int, ws_id: str, joined: Mapping[str, Role] | None = None
) -> Operation:
    """Create the record of a new user: owner of a personal organization (`user.org_id`) and its default workspace, with a role in
    each workspace that was `joined`."""
    return create(
        Access(
            pk=f"ACCESS#{user.id}",
            sk="META",
            name=user.name,
            email=user.email,
            email_verified=user.email_verified,
            sessions={session_id: expires} if session_id else {},
            workspaces={ws_id: Role.OWNER.value} | {one: role.value for one, role in (joined or {}).items()},
            organizations={str(user.org_id): Role.OWNER.value},
        )
    )


def authenticate(claims: Claims, rules: Sequence[RateRule]) -> tuple[Actor, RateStatus | None]:
    """Return the actor of a token if its session is alive, and count the request at once. One round trip. Raises Unauthenticated and
    RateLimited."""
    raw, status = count_requests(Access, f"ACCESS#{claims.user_id}", rules, session=claims.session_id)
    return actor_of(claims, raw), status


def actor_of(claims: Claims, raw: dict[str, Any] | None) -> Actor:
    """Return the actor of a token by the access record of its user (raw, None: there is none). Raises Unauthenticated."""
    record = Access.decode(raw or {})
    expires = record.sessions.get(claims.session_id) if raw else None
    if expires is None:
        raise Unauthenticated(Situation.TOKEN_INVALID, "The session has ended")
    if expires < clock.epoch():
        raise Unauthenticated(Situation.TOKEN_EXPIRED, "The session has expired")
    scopes = None if claims.scopes is None else permissions_of(claims.scopes)
    return build_actor(claims.user_id, record, session_id=claims.session_id, org_id=claims.org_id, scopes=scopes)


def count_anonymous(subject: str, rules: Sequence[RateRule]) -> RateStatus | None:
    """Count a request without an identity, under `subject`. Raises RateLimited."""
    if not rules:
        return None
    return count_requests(Access, f"RL#{subject}", rules, ttl=max(rule.window for rule in rules) * 2)[1]


def count_guess_from(email: str, ip: str) -> None:
    """Count an attempt to prove one's identity by a password, where it comes from. Raises RateLimited. One round trip, two at the first
    attempt in a window."""
    network = _network_key(ip), [GUESSES_PER_NETWORK], GUESSES_PER_NETWORK.window * 2
    count_together(Guesses, network, (_guesses_key(email, ip), GUESSES_PER_IP, _GUESSES_TTL))


def count_guess_at(user_id: str | None, email: str) -> Access:
    """Count an attempt at the account, from wherever it comes; return the access record. Raises RateLimited.

    Attempts for an address without an account are counted too, so that both look the same. One round trip, two at the first
    attempt in a window.
    """
    pk = f"ACCESS#{user_id}" if user_id else f"RL#guess#{fingerprint(email)}"
    raw, _ = count_requests(Access, pk, [GUESSES_PER_ACCOUNT], ttl=None if user_id else GUESSES_PER_ACCOUNT.window * 2)
    return Access.decode(raw)


def take_back_guess(ip: str) -> Operation:
    """Return the operation that takes a right password out of the guesses of its network address. The others there stay, so that
    nobody hides guesses behind logins to an account of their own."""
    return update(Guesses(pk=_network_key(ip), sk="META"), [Guesses.network.add(-1)])


def reset_guesses(email: str, ip: str) -> Operation:
    """Return the operation that resets the counters of this account and network address after a successful proof."""
    row = Guesses(pk=_guesses_key(email, ip), sk="META")
    counters = [counter.set(0) for counter in (Guesses.quarter, Guesses.hours, Guesses.day)]
    return update(row, [*counters, Guesses.ttl.set(clock.epoch() + _GUESSES_TTL)])


def _network_key(ip: str) -> str:
    return f"RL#guess#{ip}"


def _guesses_key(email: str, ip: str) -> str:
    return f"RL#guess#{fingerprint(f'{email} {ip}')}"


def find_access(user_id: str) -> Access | None:
    return get(Access, f"ACCESS#{user_id}")


def get_access(user_id: str) -> Access:
    """Return the record of a user who must have one. Raises LookupError."""
    record = find_access(user_id)
    if record is None:
        raise LookupError(f"User {user_id} has no access record")
    return record


class _SessionEnded(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(Situation.TOKEN_INVALID, "The session has ended")


def open_session(user: Actor, session_id: str, expires: int, access: Access | None, *, within: str | None = None) -> Operation:
    """Add a new session and reset the guesses. Removes expired sessions, and the ones that expire first above MAX_SESSIONS. Also
    notes whether the user's address is confirmed, which records of before do not know. Refused with Unauthenticated if the session
    `within` which this is done has ended."""
    expiries = sorted((end, one) for one, end in dict(access.sessions).items()) if access else []
    now = clock.epoch()
    ended = [one for index, (end, one) in enumerate(expiries) if end < now or index < len(expiries) - MAX_SESSIONS + 1]
    actions = [Access.sessions[session_id].set(expires), Access.guesses.set(0), *(Access.sessions[one].remove() for one in ended)]
    actions.append(Access.email_verified.set(user.email_verified))
    condition = Access.sessions[within].exists() if within else Access.pk.exists()
    return update(key_row(user.id), actions, condition, _SessionEnded)


def close_session(user_id: str, session_id: str) -> Operation:
    """Remove a session: from the next request on, all its tokens are refused."""
    return update(key_row(user_id), [Access.sessions[session_id].remove()])


def close_sessions(user: Actor, session_ids: Sequence[str]) -> Operation:
    """Remove many sessions, as part of a transaction, reset the guesses, and note whether the user's address is confirmed."""
    actions = [Access.guesses.set(0), *(Access.sessions[session_id].remove() for session_id in session_ids)]
    return update(key_row(user.id), [*actions, Access.email_verified.set(user.email_verified)], Access.pk.exists())


def confirm_email(user_id: str) -> Operation:
    """Note that the user's address is confirmed."""
    return update(key_row(user_id), [Access.email_verified.set(True)], Access.pk.exists())


def set_platform_admin(user_id: str, administrator: bool) -> Operation:
    """Copy whether the user is an administrator of the platform."""
    return update(key_row(user_id), [Access.platform_admin.set(administrator)], Access.pk.exists())


def rename(user_id: str, name: str, avatar_url: str | None) -> Operation:
    picture = Access.avatar_url.set(avatar_url) if avatar_url else Access.avatar_url.remove()
    return update(key_row(user_id), [Access.name.set(name), picture])


def grant_workspace(user_id: str, ws_id: str, role: Role) -> Operation:
    """Add a workspace with a role. Refused with LimitExceeded for a person who already belongs to MAX_WORKSPACES."""
    room = Access.workspaces[ws_id].exists() | (size("workspaces") < MAX_WORKSPACES)
    full = LimitExceeded(
        Situation.LIMIT_REACHED, f"A person belongs to at most {MAX_WORKSPACES} workspaces", {"limit": MAX_WORKSPACES}
    )
    return update(key_row(user_id), [Access.workspaces[ws_id].set(role.value)], Access.pk.exists() & room, full)


def grant_organization(user_id: str, org_id: str, ws_id: str) -> Operation:
    """Make the user the owner of a new organization and of its default workspace. Refused with LimitExceeded for a person who has
    MAX_ORGANIZATIONS or MAX_WORKSPACES."""
    room = (size("organizations") < MAX_ORGANIZATIONS) & (size("workspaces") < MAX_WORKSPACES)
    actions = [Access.organizations[org_id].set(Role.OWNER.value), Access.workspaces[ws_id].set(Role.OWNER.value)]
    reason = f"A person has at most {MAX_ORGANIZATIONS} organizations and {MAX_WORKSPACES} workspaces"
    full = LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_ORGANIZATIONS})
    return update(key_row(user_id), actions, Access.pk.exists() & room, full)


def close_tenant(user_id: str, tenant_id: str, closed: bool) -> Operation:
    """Note whether anything may be changed in a workspace or an organization, from the user's next request on."""
    entry = {tenant_id}
    return update(key_row(user_id), [Access.closed.add(entry) if closed else Access.closed.delete(entry)], Access.pk.exists())


def change_workspace_role(
    user_id: str, ws_id: str, role: Role, extra: Iterable[Permission], on_conflict: OnConflict
) -> Operation:
    """Change the role, and the extra permissions, of a member of the workspace, from the next request on."""
    value = " ".join([role.value, *sorted(extra)])
    return update(key_row(user_id), [Access.workspaces[ws_id].set(value)], Access.workspaces[ws_id].exists(), on_conflict)


def revoke_workspace(user_id: str, ws_id: str) -> Operation:
    return update(key_row(user_id), [Access.workspaces[ws_id].remove()])


def build_actor(
    user_id: str,
    record: Access,
    session_id: str | None = None,
    *,
    org_id: str | None = None,
    kind: str = "user",
    scopes: frozenset[Permission] | None = None,
) -> Actor:
    """Build the actor of a record. With `scopes` it is a key or a client: it may no more than these, sees its organization and no other,
    and administers no platform."""
    organizations: dict[str, str] = dict(record.organizations)
    roles = {ws_id: value.split() for ws_id, value in dict(record.workspaces).items()}
    if scopes is not None:
        homes = _homes(user_id, record)
        roles = {ws_id: role for ws_id, role in roles.items() if homes[ws_id] == org_id}
        organizations = {one: role for one, role in organizations.items() if one == org_id}
    return Actor(
        id=user_id,
        name=record.name,
        kind=kind,
        email=record.email,
        email_verified=record.email_verified,
        avatar_url=record.avatar_url,
        session_id=session_id,
        org_id=org_id,
        platform_admin=record.platform_admin and scopes is None,
        workspaces={ws_id: Role(role) for ws_id, (role, *_) in roles.items()},
        organizations={one: Role(role) for one, role in organizations.items()},
        closed=frozenset(record.closed or ()),
        extra_permissions={ws_id: frozenset(map(Permission, more)) for ws_id, (_, *more) in roles.items() if more},
        scopes=scopes,
    )


def is_in_organization(user_id: str, record: Access, org_id: str) -> bool:
    """Tell whether a person has a role in an organization or in one of its workspaces. No round trip if a client has asked before."""
    if org_id in dict(record.organizations):
        return True
    homes = _homes(user_id, record)
    return any(homes[ws_id] == org_id for ws_id in dict(record.workspaces))


def _homes(user_id: str, record: Access) -> dict[str, str]:
    """Return the organization of each workspace of the record. What is not noted yet is read and noted: two round trips, once, because
    a workspace never changes its organization. Raises Unauthenticated if the account has ended meanwhile."""
    noted: dict[str, str] = record.homes or {}
    unknown = [ws_id for ws_id in dict(record.workspaces) if ws_id not in noted]
    if not unknown:
        return noted
    rows: list[Any] = get_many([(_Home, f"WS#{ws_id}", "META") for ws_id in unknown])
    kept = {ws_id: org_id for ws_id, org_id in noted.items() if ws_id in dict(record.workspaces)}
    homes = kept | {ws_id: row.org_id or "" if row else "" for ws_id, row in zip(unknown, rows, strict=True)}
    update_now(key_row(user_id), [Access.homes.set(homes)], Access.pk.exists(), _AccountEnded)
    return homes


class _AccountEnded(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(Situation.TOKEN_INVALID, "The account has ended")
