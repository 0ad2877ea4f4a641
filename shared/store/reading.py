"""Reads. Every read by an id that came from outside goes through `load`, the one place that checks tenancy."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import Any, Generic, TypedDict, TypeVar, Unpack, cast

from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import bare_id, is_id
from shared.store.ahead import read_ahead
from shared.store.attributes import from_json, plain
from shared.store.client import batches, dynamodb, the_client
from shared.store.optimistic import is_stale, retrying, stale
from shared.store.request_scope import Key, open_decision
from shared.store.rows import COLD_KEY, PROJECTED, Entity, Row, id_in_key

R = TypeVar("R", bound=Row)
E = TypeVar("E", bound=Entity)
T = TypeVar("T")
RowKey = tuple[type[Row], str, str]
"""The model of a row, its partition key and its sort key."""

COLLECTION_CAP = 5_000
"""Rows that a bounded collection may hold: lists that filter in memory read at most this many index rows (about 1.2 MB)."""
_BATCH = 100  # BatchGetItem's limit
_MAX_LIMIT = 2**31 - 1  # of a query: DynamoDB reads it as an integer of 32 bits, and offsets of clients have no bound


def load(model: type[E], entity_id: str, actor: Actor, permission: Permission | None = None) -> E:
    """Return the entity with this id, if it is not deleted and the actor may know of it. One strongly consistent read.

    Raises NotFound for an unknown, deleted or foreign id (the three look the same from outside) and Forbidden if the actor may
    see it but lacks `permission`.
    """
    entity = fetch(model, id_of(model, entity_id))
    if entity is None or entity.deleted_at:
        raise NotFound(model.NAME)
    return authorize(entity, actor, permission)


def id_of(model: type[E], entity_id: str) -> str:
    """Return the bare id of an entity. Raises NotFound for a text that is no id at all."""
    bare = bare_id(entity_id)
    if not is_id(bare):
        raise NotFound(model.NAME)
    return bare


def authorize(entity: E, actor: Actor, permission: Permission | None = None) -> E:
    """Check tenancy, project and permission as `load` does, for a row that was read in another way. Return the row."""
    elsewhere = actor.project_id is not None and actor.project_id not in (entity.proj_id, entity.id)
    if elsewhere or actor.role_in(entity.ws_id, entity.org_id) is None:
        raise NotFound(type(entity).NAME)
    if permission is not None:
        actor.require(permission, entity.ws_id, entity.org_id)
    return entity


def authorize_own_organization(actor: Actor, permission: Permission, reason: str = "") -> str:
    """Return the id of the organization for which the actor acts. Raises Forbidden, with the reason, without the permission in it."""
    if actor.org_id is None:
        raise Forbidden(reason)
    actor.require(permission, None, actor.org_id, reason)
    return actor.org_id


def fetch(model: type[E], entity_id: str) -> E | None:
    """Return the entity by an id that we wrote ourselves, deleted or not, or None. Does not check tenancy."""
    return get(model, *model.key(entity_id))


def get(model: type[R], pk: str, sk: str = "META", *, consistent: bool = True) -> R | None:
    """Return one row by its key, or None. A consistent read costs one unit per 4 KB, an inconsistent one half of it."""
    if _has_cold_row(model) or (consistent and open_decision() is not None):
        return cast("R | None", get_many([(model, pk, sk)], consistent=consistent)[0])
    raw = (
        dynamodb()
        .get_item(TableName=model.table_name(), Key={"PK": {"S": pk}, "SK": {"S": sk}}, ConsistentRead=consistent)
        .get("Item")
    )
    return model.decode(raw) if raw else None


def get_many(keys: Sequence[RowKey], *, consistent: bool = True, to_show: bool = False) -> list[Row | None]:
    """Return rows of any model by key, in the order of the keys, in one round trip, strongly consistent unless told otherwise.

    At most 100 rows; an entity with a second row has two, which are read again if a write came between them.

    With `to_show`, the rows (all of one model) lack the attributes that no response shows (`Entity.INTERNAL`) and are eventually
    consistent, as the index is from which a page comes: half of the units. Never write them back.
    """
    found = _raw_rows(keys, consistent=consistent and not to_show, to_show=to_show) if keys else {}
    return [_row(key, found) for key in keys]


def _row(key: RowKey, found: dict[Key, dict[str, Any]]) -> Row | None:
    """Return a row among those that were found; an entity whose two rows do not belong together is read again."""
    try:
        return _decode(key, found)
    except CadreError as error:
        if not is_stale(error):
            raise
    return retrying(lambda _: _decode(key, _raw_rows([key])))


def _decode(key: RowKey, found: dict[Key, dict[str, Any]]) -> Row | None:
    """Return a row among those that were found. Raises `stale` for an entity whose two rows do not belong together."""
    model, pk, sk = key
    table = model.table_name()
    raw = found.get((table, pk, sk))
    if raw is None or not issubclass(model, Entity) or not model.COLD:
        return None if raw is None else model.decode(raw)
    entity = model.join(raw, found.get((table, pk, COLD_KEY)))
    if entity is None:
        raise stale()
    return entity


def _has_cold_row(model: type[Row]) -> bool:
    return issubclass(model, Entity) and bool(model.COLD)


def _raw_rows(keys: Sequence[RowKey], *, consistent: bool = True, to_show: bool = False) -> dict[Key, dict[str, Any]]:
    """Read rows in one batch, and with them the row that decides on the request, if that is still open."""
    asked: dict[Key, type[Row]] = {}
    for model, pk, sk in keys:
        table = model.table_name()
        for part in (sk, COLD_KEY) if _has_cold_row(model) else (sk,):
            asked[table, pk, part] = model
    requests: dict[str, dict[str, Any]] = {}
    for (table, pk, sk), model in asked.items():
        if table not in requests:
            requests[table] = {"Keys": [], "ConsistentRead": consistent} | (_projection(model) if to_show else {})
        requests[table]["Keys"].append({"PK": {"S": pk}, "SK": {"S": sk}})
    if len(asked) > _BATCH:
        raise ValueError(f"get_many reads at most {_BATCH} rows, not {len(asked)}")
    waiting = open_decision()
    if waiting is None or not consistent or len(asked) == _BATCH:
        waiting, client = None, dynamodb()
    else:
        client = the_client()
        table, pk, sk = waiting.key
        if waiting.key not in asked:
            request = requests.setdefault(table, {"Keys": [], "ConsistentRead": True})
            request["Keys"].append({"PK": {"S": pk}, "SK": {"S": sk}})
    found: dict[Key, dict[str, Any]] = {}
    for response in batches(client.batch_get_item, requests, "UnprocessedKeys"):
        for table, rows in response["Responses"].items():
            found.update({(table, raw["PK"]["S"], raw["SK"]["S"]): raw for raw in rows})
    if waiting is not None:
        waiting.take(found.get(waiting.key))
    return found


@cache
def _projection(model: type[Row]) -> dict[str, Any]:
    """Return the request fields that select all attributes of the model that responses show."""
    stored = [attribute.attr_name for attribute in model.get_attributes().values()]
    names = {f"#{index}": name for index, name in enumerate(stored) if name not in Entity.INTERNAL}
    return {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}


def fetch_all(model: type[E], ids: Iterable[str], *, to_show: bool = False) -> list[E]:
    """Return entities by ids, in that order, without missing ones; 100 rows in a batch, batches side by side. `to_show`: see `get_many`."""
    rows: list[Any] = get_all([(model, *model.key(entity_id)) for entity_id in ids], to_show=to_show)
    return [row for row in rows if row is not None]


def get_all(keys: Sequence[RowKey], *, consistent: bool = True, to_show: bool = False) -> list[Row | None]:
    """Return rows as `get_many` does, of any number of keys: batches of 100 rows, side by side."""
    step = _BATCH // 2 if any(_has_cold_row(key[0]) for key in keys) else _BATCH
    first, *others = [keys[start : start + step] for start in range(0, len(keys), step)] or [[]]
    read = partial(get_many, consistent=consistent, to_show=to_show)
    later = [read_ahead(partial(read, part)) for part in others]
    rows = read(first)
    for part in later:
        rows += part.result()
    return rows


def fetch_indexed(model: type[E], rows: Iterable[Entity], *, to_show: bool = False) -> list[E]:
    """Return the whole entities of index rows, in that order, without missing ones, as `fetch_all` does."""
    return fetch_all(model, [row.entity_id for row in rows], to_show=to_show)


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
