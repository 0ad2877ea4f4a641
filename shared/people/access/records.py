"""The access record: one small row a caller, read and counted at every request in one round trip.

It holds the living sessions, the rate-limit windows and the memberships with their roles. Removing a session or a membership from it
bites at the next request. It can be rebuilt from the core table; nothing but speed depends on it.

An API key has one too, under the key's fingerprint, with its scopes and the organization it acts for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission, Role
from shared.core.errors import LimitExceeded, Unauthenticated
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.core.plans import FREE
from shared.core.situations import Situation
from shared.people.access.tokens import Claims
from shared.store import (
    BooleanAttribute,
    Ephemeral,
    JSONAttribute,
    NumberAttribute,
    Operation,
    RateStatus,
    Refusal,
    UnicodeAttribute,
    count_requests,
    create,
    flat_map,
    get,
    size,
    update,
    update_now,
)

MAX_SESSIONS, MAX_WORKSPACES = 50, 100  # such a row is 9 KB: 9 write units a request instead of 1

GUESSES_PER_ACCOUNT = RateRule("guess", 100, 3600)
"""Wrong passwords an account takes in an hour from everywhere together; after that even the right one has to wait. Living sessions
do not."""
GUESSES_PER_ADDRESS = (RateRule("quarter", 10, 900), RateRule("hours", 15, 7200), RateRule("day", 20, 86_400))
"""What of that comes from one network address: each further wait is longer (a quarter of an hour, two hours, a day). Somebody user
guesses keeps nobody out but those user share their address. A login sets all of it back."""

_GUESSES_TTL = max(rule.window for rule in GUESSES_PER_ADDRESS)


class Access(Ephemeral):
    """`sessions` maps a session id to when it expires (epoch seconds); `organizations` an id to a role; `workspaces` an id to a role and
    what was given beyond it: `member agent:configure usage:read`.
    `guesses` is the counter of GUESSES."""

    name = UnicodeAttribute()
    email = UnicodeAttribute(default="")
    avatar_url = UnicodeAttribute(null=True)
    platform_admin = BooleanAttribute(default=False)
    sessions: Any = flat_map()
    workspaces: Any = flat_map()
    organizations: Any = flat_map()
    user_id = UnicodeAttribute(null=True)
    scopes = JSONAttribute(null=True)
    plan = UnicodeAttribute(null=True)
    key_org = UnicodeAttribute(null=True)
    guesses = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_ACCOUNT.name}")


class Guesses(Ephemeral):
    """The counters of GUESSES_HERE."""

    quarter = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_ADDRESS[0].name}")
    hours = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_ADDRESS[1].name}")
    day = NumberAttribute(null=True, attr_name=f"n.{GUESSES_PER_ADDRESS[2].name}")


def access_key(user_id: str) -> tuple[str, str]:
    return f"ACCESS#{user_id}", "META"


def _key_row(user_id: str) -> Access:
    pk, sk = access_key(user_id)
    return Access(pk=pk, sk=sk)


def new_access(
    user: Actor, session_id: str | None, expires: int, ws_id: str, joined: Mapping[str, Role] | None = None
) -> Operation:
    """The record of somebody user just registered: owner of a personal organization (`user.org_id`) and its default workspace, with a
    role in the workspaces that were `joined`."""
    return create(
        Access(
            pk=f"ACCESS#{user.id}",
            sk="META",
            name=user.name,
            email=user.email,
            sessions={session_id: expires} if session_id else {},
            workspaces={ws_id: Role.OWNER.value} | {one: role.value for one, role in (joined or {}).items()},
            organizations={str(user.org_id): Role.OWNER.value},
        )
    )


def authenticate(claims: Claims, rules: Sequence[RateRule]) -> tuple[Actor, RateStatus | None]:
    """The actor behind a token, if its session is alive; counts the request. One round trip."""
    raw, status = count_requests(Access, f"ACCESS#{claims.user_id}", rules, session=claims.session_id)
    record = Access.decode(raw)
    if record.sessions[claims.session_id] < clock.epoch():
        raise Unauthenticated(Situation.TOKEN_EXPIRED, "The session has expired")
    return build_actor(claims.user_id, record, session_id=claims.session_id, org_id=claims.org_id), status


def authenticate_key(key: str, rules_for: Callable[[str], Sequence[RateRule]]) -> tuple[Actor, str, RateStatus | None]:
    """The actor behind an API key and its organization's plan; counts the request. Two round trips (the plan decides the limit)."""
    pk = f"ACCESS#key#{fingerprint(key)}"
    record = get(Access, pk)
    if record is None:
        raise Unauthenticated(Situation.TOKEN_INVALID, "Invalid API key")
    plan = record.plan or FREE
    rules = rules_for(plan)
    status = count_requests(Access, pk, rules)[1] if rules else None
    actor = build_actor(record.user_id or "", record, org_id=record.key_org, kind="key")
    return actor, plan, status


def count_anonymous(subject: str, rules: Sequence[RateRule]) -> RateStatus | None:
    """Count a request that carries no identity, by where it comes from. Raises RateLimited."""
    if not rules:
        return None
    return count_requests(Access, f"RL#{subject}", rules, ttl=max(rule.window for rule in rules) * 2)[1]


def count_guess(user_id: str | None, email: str, ip: str) -> Access:
    """Count an attempt to prove oneself by a password, and answer the record. Raises RateLimited.

    Guesses at an address without an account are counted too, so that the two look the same. Two round trips, each two for the
    first guess of a window.
    """
    count_requests(Guesses, _guesses_key(email, ip), GUESSES_PER_ADDRESS, ttl=_GUESSES_TTL)
    pk = f"ACCESS#{user_id}" if user_id else f"RL#guess#{fingerprint(email)}"
    raw, _ = count_requests(Access, pk, [GUESSES_PER_ACCOUNT], ttl=None if user_id else GUESSES_PER_ACCOUNT.window * 2)
    return Access.decode(raw)


def reset_guesses(email: str, ip: str) -> Operation:
    """Forget what was guessed at an account from here, as part of the transaction of whoever proved to be its owner."""
    row = Guesses(pk=_guesses_key(email, ip), sk="META")
    counters = [counter.set(0) for counter in (Guesses.quarter, Guesses.hours, Guesses.day)]
    return update(row, [*counters, Guesses.ttl.set(clock.epoch() + _GUESSES_TTL)])


def _guesses_key(email: str, ip: str) -> str:
    return f"RL#guess#{fingerprint(f'{email} {ip}')}"



def find_access(user_id: str) -> Access | None:
    return get(Access, f"ACCESS#{user_id}")


def get_access(user_id: str) -> Access:
    """The record of somebody user must have one."""
    record = find_access(user_id)
    if record is None:
        raise LookupError(f"User {user_id} has no access record")
    return record


def open_session(user_id: str, session_id: str, expires: int, access: Access | None) -> Operation:
    """Let a new session in, and forget the wrong guesses. Expired sessions go, and the one that expiries first where there are too
    many."""
    expiries = sorted((end, one) for one, end in dict(access.sessions).items()) if access else []
    now = clock.epoch()
    ended = [one for index, (end, one) in enumerate(expiries) if end < now or index < len(expiries) - MAX_SESSIONS + 1]
    actions = [Access.sessions[session_id].set(expires), Access.guesses.set(0), *(Access.sessions[one].remove() for one in ended)]
    return update(_key_row(user_id), actions, Access.pk.exists())


def close_session(user_id: str, session_id: str) -> None:
    """From the next request on, every token of this session is refused."""
    update_now(_key_row(user_id), [Access.sessions[session_id].remove()])


def close_sessions(user_id: str, session_ids: Sequence[str]) -> Operation:
    """`close_session` for many, as part of a transaction; forgets the guesses, as a login does."""
    actions = [Access.guesses.set(0), *(Access.sessions[session_id].remove() for session_id in session_ids)]
    return update(_key_row(user_id), actions, Access.pk.exists())


def rename(user_id: str, name: str, avatar_url: str | None) -> Operation:
    picture = Access.avatar_url.set(avatar_url) if avatar_url else Access.avatar_url.remove()
    return update(_key_row(user_id), [Access.name.set(name), picture])


def grant_workspace(user_id: str, ws_id: str, role: Role) -> Operation:
    """Refused with LimitExceeded for somebody user belongs to MAX_WORKSPACES others."""
    room = Access.workspaces[ws_id].exists() | (size("workspaces") < MAX_WORKSPACES)
    full = LimitExceeded(
        Situation.LIMIT_REACHED, f"A person belongs to at most {MAX_WORKSPACES} workspaces", {"limit": MAX_WORKSPACES}
    )
    return update(_key_row(user_id), [Access.workspaces[ws_id].set(role.value)], Access.pk.exists() & room, full)


def change_workspace_role(user_id: str, ws_id: str, role: Role, extra: Iterable[Permission], refused: Refusal) -> Operation:
    """Another role, or something beyond it, for somebody user belongs to the workspace: from the next request on."""
    value = " ".join([role.value, *sorted(extra)])
    return update(_key_row(user_id), [Access.workspaces[ws_id].set(value)], Access.workspaces[ws_id].exists(), refused)


def revoke_workspace(user_id: str, ws_id: str) -> Operation:
    return update(_key_row(user_id), [Access.workspaces[ws_id].remove()])


def build_actor(
    user_id: str, record: Access, session_id: str | None = None, *, org_id: str | None = None, kind: str = "user"
) -> Actor:
    roles = {ws_id: value.split() for ws_id, value in dict(record.workspaces).items()}
    return Actor(
        id=user_id,
        name=record.name,
        kind=kind,
        email=record.email,
        avatar_url=record.avatar_url,
        session_id=session_id,
        org_id=org_id,
        platform_admin=record.platform_admin,
        workspaces={ws_id: Role(role) for ws_id, (role, *_) in roles.items()},
        organizations={one: Role(role) for one, role in dict(record.organizations).items()},
        extras={ws_id: frozenset(map(Permission, more)) for ws_id, (_, *more) in roles.items() if more},
        scopes=frozenset(map(Permission, record.scopes)) if record.scopes is not None else None,
    )
