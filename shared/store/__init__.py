"""The three tables: rows, reads, writes, cursors. The only package that knows PynamoDB."""

from shared.store.cursors import seal, unseal
from shared.store.reading import (
    COLLECTION_CAP,
    IndexRow,
    Slice,
    admit,
    collection,
    count,
    fetch,
    fetch_all,
    get,
    get_many,
    load,
    query,
)
from shared.store.rows import (
    BooleanAttribute,
    Entity,
    Ephemeral,
    Guard,
    JSONAttribute,
    MapAttribute,
    NumberAttribute,
    NumberSetAttribute,
    Row,
    Telemetry,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from shared.store.windows import Taken, take
from shared.store.writing import Operation, check, create, delete, put, put_many, save, stale, update, update_now, write

__all__ = [
    "COLLECTION_CAP", "BooleanAttribute", "Entity", "Ephemeral", "Guard", "IndexRow", "JSONAttribute", "MapAttribute", "NumberAttribute",
    "NumberSetAttribute", "Operation", "Row", "Slice", "Taken", "Telemetry", "UnicodeAttribute", "UnicodeSetAttribute", "admit", "check",
    "collection", "count", "create", "delete", "fetch", "fetch_all", "get", "get_many", "load", "put", "put_many", "query", "save",
    "seal", "stale", "take", "unseal", "update", "update_now", "write",
]
