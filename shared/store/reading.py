"""Reads. Every read by an id that came from outside goes through `load`, the one place that checks tenancy."""

from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import Any, TypeVar, cast

from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, Forbidden, NotFound
from shared.core.ids import bare_id, is_id
from shared.store.ahead import read_ahead
from shared.store.client import batches, dynamodb, the_client
from shared.store.optimistic import is_stale, retrying, stale
from shared.store.request_scope import Key, open_decision
from shared.store.rows import COLD_KEY, Entity, Row

R = TypeVar("R", bound=Row)
E = TypeVar("E", bound=Entity)
T = TypeVar("T")
RowKey = tuple[type[Row], str, str]
"""The model of a row, its partition key and its sort key."""

_BATCH = 100  # BatchGetItem's limit


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
