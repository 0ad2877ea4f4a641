"""The caller of a request, as an actor whose rights are read with the first rows that the request asks for.

A request is counted in this process (`quota_leases`), so most requests need no round trip before they do their work: the access record
comes with the first rows, strongly consistent, and nothing is returned or written before it has decided. An ended session and a changed
role thus count from the next request on.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from shared.core.actor import Actor
from shared.core.errors import Unauthenticated
from shared.core.keys import fingerprint
from shared.core.limits import RateRule
from shared.people.access import quota_leases
from shared.people.access.records import Access, access_key, actor_of, actor_of_key
from shared.people.access.tokens import Claims
from shared.store import RateStatus, decide_with_first_read, ensure_authorized

OnEnter = Callable[[str], None]
_OF_REQUEST = ("changes", "likely_workspaces", "on_enter_workspace")  # fields of an actor that its record does not have
_MAX_CALLERS = 5_000  # whose workspaces a process remembers; above that it drops the oldest
_last_workspaces: dict[str, frozenset[str]] = {}
"""The workspaces of each caller as their record had them when this process read it last."""


class _PendingActor(Actor):
    """An actor of which only the token's part is known; the rest is read when it is asked for, or with the first rows before."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        ensure_authorized()
        return object.__getattribute__(self, name)


def caller_of_token(
    claims: Claims, rules: Sequence[RateRule], on_enter: OnEnter | None, *, changes: bool
) -> tuple[Actor, RateStatus | None]:
    """Return the actor of a token and the state of its rate limit, and count the request. Raises RateLimited and Unauthenticated: here,
    or from the first use of the actor or the store."""
    pk, sk = access_key(claims.user_id)
    status = row = None
    if rules:
        status, row = quota_leases.PROCESS_LEASES.count(pk, rules, session=claims.session_id)
    actor = _pending(
        id=claims.user_id,
        kind="user",
        session_id=claims.session_id,
        org_id=claims.org_id,
        likely_workspaces=_last_workspaces.get(pk, frozenset()),
        on_enter_workspace=on_enter,
        changes=changes,
    )

    def decide(raw: dict[str, Any] | None) -> None:
        try:
            _complete(actor, actor_of(claims, raw), pk)
        except Unauthenticated:
            if status is not None:  # an old token must not use up the requests of its owner
                quota_leases.PROCESS_LEASES.give_back(pk, rules, status)
            raise

    if row is not None:
        decide(row)
    else:
        decide_with_first_read((Access.table_name(), pk, sk), decide)
    return actor, status


def caller_of_key(
    key: str,
    rules_for: Callable[[str], Sequence[RateRule]],
    on_enter: OnEnter | None,
    known: Callable[[str, str, RateStatus | None], None],
    *,
    changes: bool,
) -> Actor:
    """Return the actor of an API key. When its record is read, the request is counted, and `known` gets the user's id, the plan and the
    state of the rate limit. Raises as `caller_of_token` does."""
    pk, sk = access_key(f"key#{fingerprint(key)}")
    likely = _last_workspaces.get(pk, frozenset())
    actor = _pending(kind="key", session_id=None, likely_workspaces=likely, on_enter_workspace=on_enter, changes=changes)

    def decide(raw: dict[str, Any] | None) -> None:
        complete, plan = actor_of_key(raw)
        rules = rules_for(plan)
        known(complete.id, plan, quota_leases.PROCESS_LEASES.count(pk, rules)[0] if rules else None)
        _complete(actor, complete, pk)

    decide_with_first_read((Access.table_name(), pk, sk), decide)
    return actor


def _pending(**known: Any) -> Actor:
    actor = object.__new__(_PendingActor)
    for name, value in known.items():
        object.__setattr__(actor, name, value)
    return actor


def _complete(actor: Actor, known: Actor, pk: str) -> None:
    """Give the actor everything that its record `pk` says; from then on it is one like any other."""
    for one in fields(Actor):
        if one.name not in _OF_REQUEST:
            object.__setattr__(actor, one.name, getattr(known, one.name))
    object.__setattr__(actor, "__class__", Actor)
    _last_workspaces.pop(pk, None)
    _last_workspaces[pk] = frozenset(known.workspaces)  # at the end, as the youngest
    if len(_last_workspaces) > _MAX_CALLERS:
        _last_workspaces.pop(next(iter(_last_workspaces)))
