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
from shared.people.access.records import Access, access_key, actor_of
from shared.people.access.tokens import Claims
from shared.store import RateStatus, decide_with_first_read, ensure_authorized

OnEnter = Callable[[str], None]
Admit = Callable[[Actor], None]
_OF_REQUEST = ("changes", "likely_workspaces", "on_enter_workspace")  # fields of an actor that its record does not have
_MAX_CALLERS = 5_000  # whose workspaces a process remembers; above that it drops the oldest
_last_workspaces: dict[str, frozenset[str]] = {}
"""The workspaces of each caller as their record had them when this process read it last, by the record's key, or by an API key's
fingerprint: anybody can write a key with somebody's id, and must not make this process read their lists."""


class _PendingActor(Actor):
    """An actor of which only the token's part is known; the rest is read when it is asked for, or with the first rows before."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        ensure_authorized()
        return object.__getattribute__(self, name)


def caller_of_token(
    claims: Claims, rules: Sequence[RateRule], on_enter: OnEnter | None, admit: Admit, *, changes: bool
) -> tuple[Actor, RateStatus | None]:
    """Return the actor of a token and the state of its rate limit, and count the request. `admit` may refuse the actor. Raises RateLimited
    and Unauthenticated: here, or from the first use of the actor or the store."""
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
            complete = actor_of(claims, raw)
        except Unauthenticated:
            if status is not None:  # an old token must not use up the requests of its owner
                quota_leases.PROCESS_LEASES.give_back(pk, rules, status)
            raise
        admit(complete)
        _complete(actor, complete, pk)

    if row is not None:
        decide(row)
    else:
        decide_with_first_read((Access.table_name(), pk, sk), decide)
    return actor, status


def caller_of_key(
    key: str,
    rules_for: Callable[[str], Sequence[RateRule]],
    on_enter: OnEnter | None,
    admit: Admit,
    known: Callable[[RateStatus], None],
    *,
    changes: bool,
) -> Actor:
    """Return the actor of an API key. When the record of its maker is read, the request is counted by the rules of the key's organization,
    and `known` gets the state of the rate limit. Raises as `caller_of_token` does."""
    from shared.people.access.keys import actor_of_key, maker_of, note_use  # most callers have a token

    maker = maker_of(key)
    pk, sk = access_key(maker)
    caller = fingerprint(key)
    actor = _pending(
        id=maker,
        kind="key",
        session_id=None,
        likely_workspaces=_last_workspaces.get(caller, frozenset()),
        on_enter_workspace=on_enter,
        changes=changes,
    )

    def decide(raw: dict[str, Any] | None) -> None:
        use = actor_of_key(key, raw)
        if rules := rules_for(str(use.actor.org_id)):
            ttl = 2 * max(rule.window for rule in rules)
            known(quota_leases.PROCESS_LEASES.count(f"RL#key#{use.window}", rules, ttl=ttl)[0])
        note_use(use)
        admit(use.actor)
        _complete(actor, use.actor, caller)

    decide_with_first_read((Access.table_name(), pk, sk), decide)
    return actor


def _pending(**known: Any) -> Actor:
    actor = object.__new__(_PendingActor)
    for name, value in known.items():
        object.__setattr__(actor, name, value)
    return actor


def _complete(actor: Actor, known: Actor, caller: str) -> None:
    """Give the actor everything that its record says; from then on it is one like any other. `caller` names it in `_last_workspaces`."""
    for one in fields(Actor):
        if one.name not in _OF_REQUEST:
            object.__setattr__(actor, one.name, getattr(known, one.name))
    object.__setattr__(actor, "__class__", Actor)
    _last_workspaces.pop(caller, None)
    _last_workspaces[caller] = frozenset(known.workspaces)  # at the end, as the youngest
    if len(_last_workspaces) > _MAX_CALLERS:
        _last_workspaces.pop(next(iter(_last_workspaces)))
