"""Counters in fixed windows, on a row that may also hold the sessions of the caller.

request      one UpdateItem: the session is alive, each window is the current one, and no rule is full -> count, return the row
new window   the first request of a window finds an old window number: a second UpdateItem starts the window
refused      the condition fails, and the returned old row tells why: no such session, or a rule is full
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from shared.core import clock
from shared.core.aws import is_contention
from shared.core.errors import RateLimited, Unauthenticated
from shared.core.limits import RateRule
from shared.core.situations import Situation
from shared.store.client import dynamodb
from shared.store.optimistic import retrying
from shared.store.rows import Row

_ROUNDS = 6  # if several writers start the same window at once, one succeeds and the others count in the next round
_SKEW = 300  # seconds between the clocks of two processes, at most: AWS takes no signature that is further off


@dataclass(frozen=True)
class RateStatus:
    """The state of the rule with the fewest remaining requests. `window` is in seconds, `reset` in epoch seconds."""

    limit: int
    remaining: int
    reset: int
    window: int


def count_requests(
    model: type[Row],
    pk: str,
    rules: Sequence[RateRule],
    *,
    amount: int = 1,
    leave: int = 0,
    session: str | None = None,
    ttl: int | None = None,
) -> tuple[dict[str, Any], RateStatus | None]:
    """Count `amount` requests on the row `pk`, all or none: none also where less than `leave` would be left. A row without a `ttl`
    (seconds) is somebody's record and must be there; with `session`, its map `sessions` must have that key.

    Return the raw row and the state of the rule with the fewest remaining requests. Raises RateLimited, or
    Unauthenticated(TOKEN_INVALID) if the record or the session is gone. Without rules it only reads.
    """
    if not rules:
        return _read_only(model, pk, session), None
    now = clock.epoch()
    stale: frozenset[str] = frozenset()
    for _ in range(_ROUNDS):
        try:
            request = _request(model, pk, rules, stale, amount, leave, session, ttl, now)
            response = _send(partial(dynamodb().update_item, **request))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            old: dict[str, Any] = error.response.get("Item") or {}  # type: ignore[assignment]  # botocore's stub lacks the key
            if session is not None and session not in old.get("sessions", {}).get("M", {}):
                raise Unauthenticated(Situation.TOKEN_INVALID, "The session has ended") from None
            if ttl is None and not old:
                raise Unauthenticated(Situation.TOKEN_INVALID, "The caller is not known any more") from None
            now = _latest(rules, old, now)
            _refuse_if_full(rules, old, amount + leave, now)
            stale = _begun_before(rules, old, now)
        else:
            row: dict[str, Any] = response["Attributes"]
            return row, _tightest(rules, row, now)
    raise RateLimited(rules[0].limit, rules[0].window, 1, now + 1)


def count_together(model: type[Row], *counters: tuple[str, Sequence[RateRule], int]) -> None:
    """Count one request on several rows, each a key, rules and the seconds for which it is kept: on all of them or on none.

    One transaction, two if a window begins. Raises RateLimited, for the first row that is full.
    """
    now = clock.epoch()
    stale: dict[str, frozenset[str]] = {}
    for _ in range(_ROUNDS):
        requests = [_request(model, pk, rules, stale.get(pk, frozenset()), 1, 0, None, ttl, now) for pk, rules, ttl in counters]
        for request in requests:
            del request["ReturnValues"]  # a transaction returns no rows
        try:
            _send(partial(dynamodb().transact_write_items, TransactItems=[{"Update": request} for request in requests]))
        except ClientError as error:
            reasons: Any = error.response.get("CancellationReasons", [])
            if not any(reason["Code"] == "ConditionalCheckFailed" for reason in reasons):
                raise
            for (pk, rules, _), reason in zip(counters, reasons, strict=True):
                if reason["Code"] == "ConditionalCheckFailed":
                    old = reason.get("Item") or {}
                    now = _latest(rules, old, now)
                    _refuse_if_full(rules, old, 1, now)
                    stale[pk] = _begun_before(rules, old, now)
        else:
            return
    rule = counters[0][1][0]
    raise RateLimited(rule.limit, rule.window, 1, now + 1)


def _latest(rules: Sequence[RateRule], row: dict[str, Any], now: int) -> int:
    """Return `now`, or when the latest window on the row began, if that is later: a process whose clock is ahead of ours has begun it.

    A window that ended would else begin again with a count of zero, and with each change of hands once more.
    """
    begun = [number * rule.window for rule in rules if (number := _number(row, rule, "w")) is not None]
    return max([now, *(one for one in begun if one <= now + _SKEW)])


def _begun_before(rules: Sequence[RateRule], row: dict[str, Any], now: int) -> frozenset[str]:
    """Return the names of the rules whose window on the row is not the current one."""
    return frozenset(rule.name for rule in rules if _number(row, rule, "w") != rule.number(now))


def _send(call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Send an update; send it again while a transaction is on the row: the sign-in or the new workspace of another request."""
    return retrying(lambda _: call(), again=is_contention)


def _request(
    model: type[Row],
    pk: str,
    rules: Sequence[RateRule],
    stale: frozenset[str],
    amount: int,
    leave: int,
    session: str | None,
    ttl: int | None,
    now: int,
) -> dict[str, Any]:
    names: dict[str, str] = {}
    values: dict[str, Any] = {":amount": {"N": str(amount)}}
    sets: list[str] = []
    conditions: list[str] = []
    if session is not None:
        names |= {"#sessions": "sessions", "#sid": session}
        conditions.append("attribute_exists(#sessions.#sid)")
    elif ttl is None:
        conditions.append("attribute_exists(PK)")
    for index, rule in enumerate(rules):
        names |= {f"#w{index}": f"w.{rule.name}", f"#n{index}": f"n.{rule.name}"}
        values[f":w{index}"] = {"N": str(rule.number(now))}
        if rule.name in stale:
            values[f":x{index}"] = {"N": str(rule.number(now + _SKEW))}
            sets += [f"#w{index} = :w{index}", f"#n{index} = :amount"]
            conditions.append(f"(attribute_not_exists(#w{index}) OR #w{index} < :w{index} OR #w{index} > :x{index})")
        else:
            values[f":l{index}"] = {"N": str(rule.limit - amount - leave)}
            sets.append(f"#n{index} = #n{index} + :amount")
            conditions.append(f"#w{index} = :w{index} AND #n{index} <= :l{index}")
    if ttl is not None:
        names["#ttl"], values[":ttl"] = "ttl", {"N": str(now + ttl)}
        sets.append("#ttl = :ttl")
    return {
        "TableName": model.table_name(),
        "Key": {"PK": {"S": pk}, "SK": {"S": "META"}},
        "UpdateExpression": "SET " + ", ".join(sets),
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _read_only(model: type[Row], pk: str, session: str | None) -> dict[str, Any]:
    row: dict[str, Any] = (
        dynamodb()
        .get_item(TableName=model.table_name(), Key={"PK": {"S": pk}, "SK": {"S": "META"}}, ConsistentRead=True)
        .get("Item", {})
    )
    if session is not None and session not in row.get("sessions", {}).get("M", {}):
        raise Unauthenticated(Situation.TOKEN_INVALID, "The session has ended")
    return row


def _number(row: dict[str, Any], rule: RateRule, part: str) -> int | None:
    boxed = row.get(f"{part}.{rule.name}")
    return int(boxed["N"]) if boxed else None


def _refuse_if_full(rules: Sequence[RateRule], row: dict[str, Any], amount: int, now: int) -> None:
    """Raise RateLimited if a rule is full; of several full rules, for the one with the latest reset."""
    full = [
        rule
        for rule in rules
        if _number(row, rule, "w") == rule.number(now) and (_number(row, rule, "n") or 0) + amount > rule.limit
    ]
    if full:
        rule = max(full, key=lambda one: one.reset(now))
        reset = rule.reset(now)
        raise RateLimited(rule.limit, rule.window, max(1, reset - now), reset)


def _tightest(rules: Sequence[RateRule], row: dict[str, Any], now: int) -> RateStatus:
    return min(
        (RateStatus(rule.limit, rule.limit - (_number(row, rule, "n") or 0), rule.reset(now), rule.window) for rule in rules),
        key=lambda status: status.remaining,
    )
