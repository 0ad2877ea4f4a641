"""Queries: the rows of a partition of a table or an index, page by page, whole where it is bounded, or counted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, TypedDict, TypeVar, Unpack

from shared.core.errors import FieldError, Invalid
from shared.store.ahead import read_ahead
from shared.store.attributes import from_json, plain
from shared.store.client import dynamodb, the_client
from shared.store.request_scope import open_decision
from shared.store.rows import PROJECTED, Entity, Row, id_in_key

R = TypeVar("R", bound=Row)
T = TypeVar("T")

COLLECTION_CAP = 5_000
"""Rows that a bounded collection may hold: lists that filter in memory read at most this many index rows (about 1.2 MB)."""
_MAX_LIMIT = 2**31 - 1  # of a query: DynamoDB reads it as an integer of 32 bits, and offsets of clients have no bound


class IndexRow:
    """A row as an index holds it: the entity's id, its sort key there, and what lists filter by (`Entity.listed`)."""

    __slots__ = ("_f", "id", "key", "kind", "sort")

    def __init__(
        self,
        entity_id: str,
        kind: str,
        sort: str,
        f: dict[str, Any] | Callable[[], dict[str, Any]],
        key: tuple[str, str] = ("", ""),
    ) -> None:
        self.id, self.kind, self.sort, self._f = entity_id, kind, sort, f
        self.key = key
        """Its key in the table."""

    @property
    def f(self) -> dict[str, Any]:
        """Return what lists filter by. A page that filters by nothing does not ask."""
        if not isinstance(self._f, dict):
            self._f = self._f()
        return self._f

    def with_only(self, *names: str) -> "IndexRow":
        """Return the row with no more than these fields."""
        return IndexRow(self.id, self.kind, self.sort, {name: self.f[name] for name in names}, self.key)


@dataclass(frozen=True)
class Slice(Generic[T]):
    """A part of an ordered collection; `next_key` continues it (None: it was the last part)."""

    rows: list[T]
    next_key: dict[str, Any] | None


class QueryOptions(TypedDict, total=False):
    """Options of a query beside its partition: `index` (its number), sort keys that begin with `prefix` or lie `between` two
    values, at most `limit` rows per page, `start` key; `attributes` of an index that come with its keys and kinds, without the others."""

    index: int | None
    prefix: str
    between: tuple[str, str] | None
    newest_first: bool
    limit: int | None
    start: dict[str, Any] | None
    consistent: bool
    attributes: tuple[str, ...] | None


def query(model: type[R], partition: str, **options: Unpack[QueryOptions]) -> Slice[R]:
    """Return the first `limit` rows of a partition of a table or an index, in key order, however many pages of 1 MB they are on; without
    `limit` the rows of one page. `next_key` is None if there are no more."""
    found = _raw_slice(model, partition, **options)
    return Slice([model.decode(raw) for raw in found.rows], found.next_key)


def _raw_slice(model: type[Row], partition: str, **options: Unpack[QueryOptions]) -> Slice[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    limit, start = options.get("limit"), options.get("start")
    while True:
        left = None if limit is None else limit - len(rows)
        response = next(_responses(_request(model, partition, **(options | {"limit": left, "start": start}))))
        rows += response["Items"]
        start = response.get("LastEvaluatedKey")
        if start is None or limit is None or len(rows) >= limit:
            return Slice(rows, start)


def raw_rows(model: type[Row], partition: str, **options: Unpack[QueryOptions]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a partition as DynamoDB sends them; with `limit`, so many at most."""
    responses = _responses(_request(model, partition, **options))
    return islice((raw for response in responses for raw in response["Items"]), options.get("limit"))


def pages(model: type[R], partition: str, **options: Unpack[QueryOptions]) -> Iterator[Slice[R]]:
    """Yield all pages of a partition. Each is one query, sent only when the page is asked for."""
    for response in _responses(_request(model, partition, **options)):
        yield Slice([model.decode(raw) for raw in response["Items"]], response.get("LastEvaluatedKey"))


def index_row(row: Entity, index: int = 1) -> IndexRow:
    """Return a row of the table as an index shows it."""
    return IndexRow(row.id, row.kind, str(getattr(row, f"gsi{index}sk")), row.projected() | (row.f or {}))


def index_rows(
    index: int,
    partition: str,
    prefix: str = "",
    *,
    between: tuple[str, str] | None = None,
    newest_first: bool = False,
    limit: int | None = None,
) -> Iterator[IndexRow]:
    """Yield the rows of a collection in the index's order, however many there are. One query for each megabyte, or for `limit` rows."""
    request = _request(Entity, partition, index=index, prefix=prefix, between=between, newest_first=newest_first, limit=limit)
    return _unpack(index, _responses(request))


def first_index_rows(
    index: int,
    partition: str,
    number: int,
    prefix: str = "",
    *,
    between: tuple[str, str] | None = None,
    newest_first: bool = False,
    attributes: tuple[str, ...] | None = None,
) -> tuple[list[IndexRow], bool]:
    """Return the first rows of a collection, and whether there may be more. One query for each megabyte. With `attributes` the rows have
    no other fields, which costs as many units and less time."""
    page = _raw_slice(
        Entity,
        partition,
        index=index,
        prefix=prefix,
        between=between,
        newest_first=newest_first,
        limit=number,
        attributes=attributes,
    )
    return [_index_row(index, raw) for raw in page.rows], page.next_key is not None


def index_rows_before(
    index: int, partition: str, number: int, before: str | None = None, *, since: str | None = None
) -> list[IndexRow]:
    """Return the newest rows of a collection, newest first: those before a sort key (which is not among them) and from another one on.

    One more than `number`, if there are as many: it tells that there is a next page.
    """
    between = (since or "0", before or "~") if before or since else None
    rows, _ = first_index_rows(index, partition, number + 2, between=between, newest_first=True)
    return [row for row in rows if row.sort != before][: number + 1]


def begin_index_rows(index: int, partition: str, prefix: str = "", *, newest_first: bool = False) -> Iterator[IndexRow]:
    """Return the rows as `index_rows` does; the first query begins at once (`ahead`), before it is decided who may see them."""
    responses = _responses(_request(Entity, partition, index=index, prefix=prefix, newest_first=newest_first))
    first = read_ahead(lambda: next(responses))

    def all_responses() -> Iterator[dict[str, Any]]:
        yield first.result()
        yield from responses

    return _unpack(index, all_responses())


def _unpack(index: int, responses: Iterable[dict[str, Any]]) -> Iterator[IndexRow]:
    """Yield the rows of an index from DynamoDB's responses."""
    for response in responses:
        for raw in response["Items"]:
            yield _index_row(index, raw)


def _index_row(index: int, raw: dict[str, Any]) -> IndexRow:
    """Return a row of an index."""
    key = (raw["PK"]["S"], raw["SK"]["S"])
    return IndexRow(id_in_key(key[0]), raw["kind"]["S"], raw[f"GSI{index}SK"]["S"], partial(_fields, raw), key)


def _fields(raw: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: plain(raw[name]) for name in PROJECTED if name in raw}
    if "f" in raw:
        fields |= from_json(raw["f"]["S"])
    return fields


def collection(
    index: int, partition: str, prefix: str = "", *, between: tuple[str, str] | None = None, cap: int = COLLECTION_CAP
) -> list[IndexRow]:
    """Return a whole bounded collection as index rows, in the index's order. Raises Invalid above `cap` rows."""
    rows = list(islice(index_rows(index, partition, prefix, between=between), cap + 1))
    if len(rows) > cap:
        raise Invalid(FieldError("limit", f"This collection holds more than {cap:,} rows; narrow it with filters"))
    return rows


def page_of(rows: Iterable[T], offset: int, limit: int) -> tuple[list[T], int]:
    """Return a page of the rows and how many they are; no more than the page is kept in memory."""
    page: list[T] = []
    total = 0
    for row in rows:
        if offset <= total < offset + limit:
            page.append(row)
        total += 1
    return page, total


def item_collection(models: Sequence[type[Entity]], partition: str, between: tuple[str, str]) -> list[Entity]:
    """Return the rows of one partition that are of these kinds, each as its own model, in key order. Strongly consistent; one query for
    each megabyte.

    A row that does not exist costs nothing here, while a batch read pays a unit for each missing key.
    """
    by_kind = {model.KIND: model for model in models}
    return [
        by_kind[raw["kind"]["S"]].decode(raw)
        for response in _responses(_request(Entity, partition, between=between, consistent=True))
        for raw in response["Items"]
        if raw["kind"]["S"] in by_kind
    ]


def count(
    model: type[Row],
    partition: str,
    *,
    index: int | None = None,
    prefix: str = "",
    between: tuple[str, str] | None = None,
    at_most: int | None = None,
) -> int:
    """Count the rows of a bounded partition, or the first of one that is not, up to `at_most`. One query per megabyte."""
    request = _request(model, partition, index=index, prefix=prefix, between=between) | {"Select": "COUNT"}
    total = 0
    for response in _responses(request):
        total += int(response["Count"])
        if at_most is not None and total >= at_most:
            return at_most
    return total


def _request(model: type[Row], partition: str, **options: Unpack[QueryOptions]) -> dict[str, Any]:
    index = options.get("index")
    pk, sk = ("PK", "SK") if index is None else (f"GSI{index}PK", f"GSI{index}SK")
    condition, values = "#pk = :pk", {":pk": {"S": partition}}
    names = {"#pk": pk}
    if between := options.get("between"):
        condition += " AND #sk BETWEEN :from AND :to"
        values |= {":from": {"S": between[0]}, ":to": {"S": between[1]}}
        names["#sk"] = sk
    elif prefix := options.get("prefix"):
        condition += " AND begins_with(#sk, :prefix)"
        values[":prefix"] = {"S": prefix}
        names["#sk"] = sk
    request: dict[str, Any] = {
        "TableName": model.table_name(),
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not options.get("newest_first", False),
    }
    if index is not None:
        request["IndexName"] = f"GSI{index}"
    elif options.get("consistent"):
        request["ConsistentRead"] = True
    if (attributes := options.get("attributes")) is not None:
        shown = {f"#{number}": name for number, name in enumerate(("PK", "SK", "kind", sk, *attributes))}
        request["ProjectionExpression"] = ",".join(shown)
        names |= shown
    if (limit := options.get("limit")) is not None:
        request["Limit"] = min(limit, _MAX_LIMIT)
    if (start := options.get("start")) is not None:
        request["ExclusiveStartKey"] = start
    return request


def _responses(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield DynamoDB's responses to a query, page by page. If it is the first read of a request, it begins while access is decided."""
    while True:
        if open_decision() is None:
            response = dynamodb().query(**request)
        else:
            response = read_ahead(partial(the_client().query, **request)).result()
        yield response
        if "LastEvaluatedKey" not in response:
            return
        request = request | {"ExclusiveStartKey": response["LastEvaluatedKey"]}
