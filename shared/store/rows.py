"""The base classes of the rows of the three tables.

core       entities: `PK=<KIND>#<id>, SK=META`, four overloaded indexes, stream. An index holds the keys, the kind and `f`, the
           few fields that lists filter and sort by; full rows come by batch read. What an entity seldom changes may lie in a second
           row beside it, `SK=REST`.
telemetry  logs and metric points; expiring.
ephemeral  access records, rate limits, idempotency records, connections; expiring.

Nested values are stored as JSON text: one decode in C, no Decimals, no deeply nested maps. A value that a condition tests is a
top-level attribute of its own.
"""

import json
from typing import Any, ClassVar, Self

from pynamodb import attributes
from pynamodb.attributes import (
    BooleanAttribute,
    MapAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.expressions.condition import size as _size
from pynamodb.expressions.operand import Path
from pynamodb.models import Model

from shared.core import clock
from shared.core.settings import settings
from shared.store.client import the_client
from shared.store.decoding import decoder_for
from shared.store.encoding import encoder_for, has_maps, require_all

__all__ = [
    "BooleanAttribute",
    "CountedEntity",
    "Entity",
    "Ephemeral",
    "Guard",
    "JSONAttribute",
    "NumberAttribute",
    "NumberSetAttribute",
    "Row",
    "Telemetry",
    "UnicodeAttribute",
    "UnicodeSetAttribute",
    "amount",
    "size",
]


_write_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
).encode  # made once: `json.dumps` makes one for each text


class JSONAttribute(attributes.JSONAttribute):
    """Store JSON as UTF-8 without spaces: escapes would turn three bytes into six, and each kilobyte of a row is paid at each write."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else _write_json(value)


def flat_map() -> Any:
    """Return an attribute for a map of texts and numbers, whose keys conditions and updates can name."""
    return MapAttribute(default=dict)  # type: ignore[no-untyped-call]  # PynamoDB leaves this constructor untyped


def size(attribute: str) -> Any:
    """Return the size of an attribute for a condition: the elements of a set, the characters of a text."""
    return _size(attribute)  # type: ignore[no-untyped-call]  # PynamoDB leaves this function untyped


def amount(name: str) -> Any:
    """Return a number of a row that has no attribute in its model, so that an update can add to it; it begins at 0."""
    return Path([name])  # a list: the name may have dots in it


def id_in_key(pk: str) -> str:
    """Return the id in an entity's partition key, `<KIND>#<id>`."""
    return pk.partition("#")[2]


COLD_KEY = "REST"
"""The sort key of an entity's second row, which holds its cold attributes."""
OWN_KEYS = frozenset({"META", COLD_KEY})
"""The sort keys of an entity's own rows; what else is in its partition belongs to it."""
_connections: dict[str, TableConnection] = {}


class Row(Model):
    """A row of any table. Subclasses name the settings field with the name of their table."""

    TABLE: ClassVar[str]

    class Meta:
        table_name = "from-settings"

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")
    ttl = NumberAttribute(null=True)

    @classmethod
    def table_name(cls) -> str:
        return settings().need(cls.TABLE)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        name = cls.table_name()
        if name not in _connections:
            connection = TableConnection(
                name,
                meta_table=MetaTable(
                    {
                        "TableName": name,
                        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
                        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in ("PK", "SK")],
                    }
                ),
            )
            connection.connection._client = the_client()
            _connections[name] = connection
        return _connections[name]

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """Build an instance from a raw row, with a decoder derived from the model's schema (38 times faster than PynamoDB's)."""
        row = cls.__new__(cls)
        row.attribute_values = decoder_for(cls)(raw)
        return row

    def serialize(self, null_check: bool = True) -> dict[str, dict[str, Any]]:
        """Return the row in DynamoDB's form (PynamoDB asks a descriptor for each value, also for those that are not there)."""
        if has_maps(type(self)):
            return super().serialize(null_check)
        stored = encoder_for(type(self))(self.attribute_values)
        if null_check:
            require_all(type(self), stored)
        return stored


class Guard(Row):
    """A unique value (`EMAIL#...`, `SLUG#...`), owned by whoever writes it first. `ref` is the id of the owner."""

    TABLE = "core_table"
    kind = UnicodeAttribute(default="GUARD")
    ref = UnicodeAttribute()

    @classmethod
    def of(cls, value: str, ref: str) -> Self:
        return cls(pk=value, sk="META", ref=ref)


class Ephemeral(Row):
    TABLE = "ephemeral_table"


class Telemetry(Row):
    TABLE = "telemetry_table"


class Entity(Row):
    """A row with an id, its tenancy, its version, and the last event that changed it."""

    TABLE = "core_table"
    KIND: ClassVar[str]
    """The key prefix, e.g. `ITEM`."""
    NAME: ClassVar[str]
    """The word that users see in NotFound, e.g. `card`."""
    INTERNAL: ClassVar = frozenset(
        {"event", "f", "counted_in", *(f"GSI{number}{part}" for number in range(1, 5) for part in ("PK", "SK"))}
    )
    """Stored attributes that only indexes and the stream use: almost half of the bytes of a card."""
    COLD: ClassVar[frozenset[str]] = frozenset()
    """Attributes that lie in the entity's second row: what is long and seldom changes. A write of the entity writes them only if they
    changed (`split`); its reads get both rows, unless they ask for a class that has no such attributes."""

    kind = UnicodeAttribute()
    id = UnicodeAttribute()
    org_id = UnicodeAttribute(null=True)
    ws_id = UnicodeAttribute(null=True)
    proj_id = UnicodeAttribute(null=True)
    version = NumberAttribute(default=1)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    deleted_at = UnicodeAttribute(null=True)
    event_id = UnicodeAttribute(null=True)
    event = JSONAttribute(null=True)
    cold_version = NumberAttribute(null=True, attr_name="rest_version")
    """The version with which the second row was written last, in both rows: if they differ, the rows do not belong together."""
    f = JSONAttribute(null=True)
    gsi1pk = UnicodeAttribute(null=True, attr_name="GSI1PK")
    gsi1sk = UnicodeAttribute(null=True, attr_name="GSI1SK")
    gsi2pk = UnicodeAttribute(null=True, attr_name="GSI2PK")
    gsi2sk = UnicodeAttribute(null=True, attr_name="GSI2SK")
    gsi3pk = UnicodeAttribute(null=True, attr_name="GSI3PK")
    gsi3sk = UnicodeAttribute(null=True, attr_name="GSI3SK")
    gsi4pk = UnicodeAttribute(null=True, attr_name="GSI4PK")
    gsi4sk = UnicodeAttribute(null=True, attr_name="GSI4SK")

    cold_as_read: dict[str, Any] | None = None
    """The raw attributes of the second row as they were read; None if it was not read."""

    @classmethod
    def key(cls, entity_id: str) -> tuple[str, str]:
        return f"{cls.KIND}#{entity_id}", "META"

    @classmethod
    def join(cls, raw: dict[str, Any], cold: dict[str, Any] | None) -> Self | None:
        """Build an instance from its two raw rows; None if they do not belong together: a write came between their reads."""
        cold = cold or {}
        if raw.get("rest_version") != cold.get("rest_version"):
            return None
        entity = cls.decode(cold | raw)
        entity.cold_as_read = {name: value for name, value in cold.items() if name in cls.COLD}
        return entity

    def split(self, raw: dict[str, Any]) -> dict[str, Any] | None:
        """Take the attributes of the second row out of the entity's raw row. Return the second row if it must be written."""
        if not self.COLD:
            return None
        cold = {name: raw.pop(name) for name in self.COLD if name in raw}
        if cold == self.cold_as_read:
            return None
        # nobody can tell from this instance whether the write succeeds: another one writes the second row again
        self.cold_version, self.cold_as_read = self.version, None
        raw["rest_version"] = {"N": str(self.version)}
        return {"PK": raw["PK"], "SK": {"S": COLD_KEY}, "rest_version": raw["rest_version"]} | cold

    @property
    def entity_id(self) -> str:
        """Return the id from the key: a row that came from an index has no attribute `id`."""
        return id_in_key(str(self.pk))

    @classmethod
    def new(cls, entity_id: str, **fields: Any) -> Self:
        """Build a new entity, not yet written."""
        moment = clock.iso()
        pk, sk = cls.key(entity_id)
        return cls(pk=pk, sk=sk, kind=cls.KIND, id=entity_id, created_at=moment, updated_at=moment, **fields)

    def indexes(self) -> dict[int, tuple[str, str]]:
        """Return the collections that contain this entity: index number -> (partition, sort key)."""
        return {}

    def trash(self) -> tuple[str, str] | None:
        """Return the list of deleted entities that contains this one until it is purged: partition and sort key of index 1. None:
        no list."""
        for holder, holder_id in (("PROJ", self.proj_id), ("WS", self.ws_id)):
            if holder_id and holder_id != self.id:
                return f"TRASH#{holder}#{holder_id}", f"{self.KIND}#{self.id}"
        return None

    def filters(self) -> dict[str, Any]:
        """Return the small fields that lists filter and sort by; every index holds a copy."""
        return {}

    def set_index_keys(self) -> None:
        """Set the index keys from the entity's state. A deleted entity is only in the list of deleted ones (`trash`)."""
        trash = self.trash() if self.deleted_at else None
        places = self.indexes() if not self.deleted_at else {1: trash} if trash else {}
        for number in range(1, 5):
            partition, sort = places.get(number, (None, None))
            setattr(self, f"gsi{number}pk", partition)
            setattr(self, f"gsi{number}sk", sort)
        self.f = (self.filters() or None) if places and not self.deleted_at else None


class CountedEntity(Entity):
    """An entity of a long list, which is counted in blocks (`shared.store.tallies`)."""

    counted_in = UnicodeAttribute(null=True)
    """The start of the block in which the list counts the entity. None: the list was not counted then."""

    @property
    def place(self) -> str:
        """Return its sort key in the list, behind the list's prefix."""
        return self.place_at(self.created_at)

    def place_at(self, time: str) -> str:
        return f"{self.counted_in or ''}{time}#{self.id}"
