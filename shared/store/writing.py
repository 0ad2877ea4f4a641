"""Writes. One call takes any number of operations: a single one is a plain conditional write, several are one transaction.

Each operation names the error to raise when its condition fails (`on_conflict`), so a service reads as a list of rules:

    write(
        save(card, on_conflict=stale),
        update(counts, [Counts.total.add(1)], condition=Counts.total < limit, on_conflict=TransitionRefused("...")),
    )
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from botocore.exceptions import ClientError

from shared.core import clock
from shared.core.aws import is_contention
from shared.core.errors import CadreError, ConditionFailed, FieldError, Invalid, LimitExceeded
from shared.core.situations import Situation
from shared.store.client import batches, dynamodb
from shared.store.expressions import Action, Condition, request_fields
from shared.store.optimistic import retrying, stale
from shared.store.rows import Entity, Row

E = TypeVar("E", bound=Entity)
T = TypeVar("T")
Error = CadreError | ConditionFailed
OnConflict = Error | type[CadreError] | type[ConditionFailed] | Callable[[dict[str, Any] | None], Error]
"""The error of a failed condition, its class (made without arguments), or a function that gets the current row (raw, None if there is
none) and returns the error.

A module names an error by its class and never holds an instance: each raise would lengthen its traceback and keep the frames alive.
"""

TRANSACTION_LIMIT = 100  # TransactWriteItems takes at most 100 operations
_BATCH = 25  # BatchWriteItem's limit
_MAX_ATTEMPTS = 12  # 100 writers on one counter finished after 9 rounds; the pause doubles from 10 ms up to 200 ms


@dataclass(frozen=True)
class Operation:
    """One write of a transaction, and the error if its condition does not hold."""

    verb: str  # Put | Update | Delete | ConditionCheck
    request: dict[str, Any]
    on_conflict: OnConflict | None = None
    beside: tuple["Operation", ...] = ()
    """What is written in the same transaction: the second row of an entity."""


def put(row: Row, condition: Condition | None = None, on_conflict: OnConflict | None = None) -> Operation:
    """Write a whole row. With a `condition`, the write fails unless it holds."""
    if isinstance(row, Entity):
        row.set_index_keys()
    item, table = row.serialize(), row.table_name()
    cold = _divide(row, item) if isinstance(row, Entity) else None
    beside = (Operation("Put", {"TableName": table, "Item": cold}),) if cold else ()
    return Operation("Put", {"TableName": table, "Item": item, **request_fields(condition)}, on_conflict, beside)


def absent(row: Row) -> Condition:
    """Return the condition that there is no row with this key, or only an expired one: DynamoDB removes those days later."""
    model = type(row)
    condition: Condition = model.pk.does_not_exist() | (model.ttl <= clock.epoch())
    return condition


def create(row: Row, on_conflict: OnConflict | None = None) -> Operation:
    """Write a row that must not exist yet."""
    return put(row, type(row).pk.does_not_exist(), on_conflict)


def save(entity: Entity, on_conflict: OnConflict | None = stale, condition: Condition | None = None) -> Operation:
    """Write a changed entity, if nobody else changed it since it was read. Its version goes up by one."""
    unchanged = type(entity).version == entity.version
    entity.version += 1
    entity.updated_at = entity.event["at"] if entity.has_new_event else clock.iso()
    return put(entity, unchanged if condition is None else unchanged & condition, on_conflict)


def update(
    row: Row, actions: Sequence[Action], condition: Condition | None = None, on_conflict: OnConflict | None = None
) -> Operation:
    """Change some attributes of the row with this key; the row need not be read before."""
    return Operation("Update", _of_key(row, condition, actions), on_conflict)


def check(row: Row, condition: Condition, on_conflict: OnConflict | None = None) -> Operation:
    """Test a condition on a row without writing it: the transaction fails unless it holds."""
    return Operation("ConditionCheck", _of_key(row, condition), on_conflict)


def delete(row: Row, condition: Condition | None = None, on_conflict: OnConflict | None = None) -> Operation:
    """Remove the row with this key. With a `condition`, the removal fails unless it holds."""
    return Operation("Delete", _of_key(row, condition), on_conflict)


def _of_key(row: Row, condition: Condition | None, actions: Sequence[Action] = ()) -> dict[str, Any]:
    return {"TableName": row.table_name(), "Key": row.stored_key(), **request_fields(condition, actions)}


_guards: ContextVar[Callable[[], Sequence[Operation]] | None] = ContextVar("transaction_guards", default=None)


@contextmanager
def transaction_guard(operations: Callable[[], Sequence[Operation]]) -> Iterator[None]:
    """Add the operations that `operations()` returns to the transaction of every `write` inside this block, before the write's
    own.

    For the work of a run, whose lease may be lost at any moment, and of a request with an idempotency key: no service's write succeeds
    without these operations, and those of a block around this one. `update_now` and `put_many` do not take them along.
    """
    outer = _guards.get()
    token = _guards.set(operations if outer is None else lambda: (*outer(), *operations()))
    try:
        yield
    finally:
        _guards.reset(token)


def write(*operations: Operation) -> None:
    """Write all of these or none. Raises the `on_conflict` error of the first operation whose condition failed, and Invalid if a row
    would be larger than 400 KB."""
    guard_operations = _guards.get()
    if guard_operations is not None:
        operations = (*guard_operations(), *operations)
    operations = tuple(each for one in operations for each in (one, *one.beside))
    if len(operations) > TRANSACTION_LIMIT:
        raise LimitExceeded(
            Situation.LIMIT_REACHED, f"A change may touch at most {TRANSACTION_LIMIT} rows at once, not {len(operations)}"
        )
    if len(operations) == 1 and operations[0].verb != "ConditionCheck":
        _send(operations, lambda: _send_single(operations[0]))
    else:
        _send(operations, lambda: dynamodb().transact_write_items(TransactItems=[{op.verb: op.request} for op in operations]))


def update_with_retry(load: Callable[[], E], change: Callable[[E], Sequence[Operation] | None], *, first: E | None = None) -> E:
    """Load, change and save an entity; repeat all three if another writer was faster, six times at most. `first`: it was loaded already.

    `change` alters the entity in place (and records its event) and may return further operations for the same transaction.
    Nothing is written if it changes nothing and returns none.
    """

    def attempt(number: int) -> E:
        entity = load() if first is None or number else first
        before = entity.serialize()
        further = change(entity) or ()
        if further or entity.serialize() != before:
            write(save(entity), *further)
        return entity

    return retrying(attempt)


def update_now(
    row: Row, actions: Sequence[Action], condition: Condition | None = None, on_conflict: OnConflict | None = None
) -> dict[str, Any]:
    """Send a single `update` at once and return the whole new row, raw (`Model.decode` reads it). Repeated as in `write` while a
    transaction is on the row."""
    operation = update(row, actions, condition, on_conflict)
    response = _send([operation], lambda: dynamodb().update_item(**operation.request, ReturnValues="ALL_NEW"))
    attributes: dict[str, Any] = response["Attributes"]
    return attributes


def put_many(rows: Sequence[Row]) -> None:
    """Write rows without conditions, 25 per round trip, until all are written. Not atomic: for logs and derived rows."""
    _batch([(row.table_name(), {"PutRequest": {"Item": raw}}) for row in rows for raw in _raw_rows(row)])


def _raw_rows(row: Row) -> list[dict[str, Any]]:
    if not isinstance(row, Entity):
        return [row.serialize()]
    row.set_index_keys()
    raw = row.serialize()
    cold = _divide(row, raw)
    return [raw, cold] if cold else [raw]


def _divide(entity: Entity, raw: dict[str, Any]) -> dict[str, Any] | None:
    """Leave in an entity's raw row what belongs into its first row. Return the second one if it must be written."""
    cold = entity.split(raw)
    entity.compact(raw)
    entity.has_new_event = False
    return cold


def delete_many(rows: Sequence[Row]) -> None:
    """Remove rows by their keys, 25 per round trip, not atomic; a missing row is no error."""
    _batch([(row.table_name(), {"DeleteRequest": {"Key": row.stored_key()}}) for row in rows])


def _batch(items: Sequence[tuple[str, dict[str, Any]]]) -> None:
    for start in range(0, len(items), _BATCH):
        requests: dict[str, Any] = {}
        for table, request in items[start : start + _BATCH]:
            requests.setdefault(table, []).append(request)
        for _ in batches(dynamodb().batch_write_item, requests, "UnprocessedItems"):
            pass


def _send(operations: Sequence[Operation], call: Callable[[], T]) -> T:
    """Make the call; repeat it while another transaction is on the same rows. Raises the `on_conflict` error of a failed condition."""

    def attempt(_: int) -> T:
        try:
            return call()
        except ClientError as error:
            if _was_written_before(error, operations[0]):
                return cast(T, None)  # a put has no answer that anybody reads
            failed = _condition_error(error, operations)
            if failed is not None:
                raise failed from None
            raise

    return retrying(attempt, times=_MAX_ATTEMPTS, again=is_contention)


def _send_single(operation: Operation) -> None:
    call = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[operation.verb]
    getattr(dynamodb(), call)(**operation.request)


def _was_written_before(error: ClientError, operation: Operation) -> bool:
    """Tell whether a put was refused because of itself: it was carried out, its answer was lost, and botocore sent it again.

    A transaction needs no such question: DynamoDB knows the token that botocore sends with both tries.
    """
    response: dict[str, Any] = dict(error.response)
    repeated = response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
    return repeated and operation.verb == "Put" and response.get("Item") == operation.request["Item"]


def _condition_error(error: ClientError, operations: Sequence[Operation]) -> Error | None:
    """Return the error of the first operation whose condition failed or whose row is too large; None if the call failed for
    another reason."""
    response: dict[str, Any] = dict(error.response)
    code = response["Error"]["Code"]
    if code == "ValidationException" and _OVERSIZED.search(response["Error"].get("Message", "")):
        return _too_large()
    if code == "ConditionalCheckFailedException":
        return _error_of(operations[0], response.get("Item"))
    if code == "TransactionCanceledException":
        reasons = response.get("CancellationReasons", [])
        for operation, reason in zip(operations, reasons, strict=False):
            if reason.get("Code") == "ConditionalCheckFailed":
                return _error_of(operation, reason.get("Item"))
            if reason.get("Code") == "ValidationError" and _OVERSIZED.search(reason.get("Message") or ""):
                return _too_large()
    return None


_OVERSIZED = re.compile("item size .*exceeded", re.IGNORECASE)  # DynamoDB has no error code for it


def _too_large() -> Invalid:
    return Invalid(FieldError("body", "This is more than can be kept in one place (400 KB, with what it replaces)"))


def _error_of(operation: Operation, row: dict[str, Any] | None) -> Error:
    named = operation.on_conflict or stale
    if isinstance(named, CadreError | ConditionFailed):
        return named
    make: Callable[..., Error] = named
    return make() if isinstance(named, type) else make(row)
