"""The base classes of the rows of the three tables.

core       entities: `PK=<KIND>#<id>, SK=META`, four overloaded indexes, stream. An index holds the keys, the attributes PROJECTED and
           `f`, what else lists filter and sort by; full rows come by batch read. What an entity seldom changes may lie in a second
           row beside it, `SK=REST`.
telemetry  logs and metric points; expiring.
ephemeral  access records, rate limits, idempotency records, connections; expiring.

Nested values are stored as JSON text: one decode in C, no Decimals, no deeply nested maps. A value that a condition tests is a
top-level attribute of its own.
"""

from typing import Any, ClassVar, Final, Self

from pynamodb.attributes import Attribute
from pynamodb.models import MetaModel, Model

from shared.core import clock
from shared.core.settings import settings
from shared.core.texts import write_json
from shared.store.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from shared.store.decoding import decoder_for, defaults_of
from shared.store.encoding import encoder_for, require_all


def id_in_key(pk: str) -> str:
    """Return the id in an entity's partition key, `<KIND>#<id>`."""
    return pk.partition("#")[2]


PROJECTED: Final = (
    "type",
    "title",
    "status",
    "status_before_block",
    "priority",
    "lane_id",
    "phase_id",
    "position",
    "parent_id",
    "approval_status",
    "assignee_id",
    "name",
    "slug",
    "number",
)
"""Attributes, texts and numbers, that each index of the core table shows of every row that has them (infra/data.py): a row needs no copy
of them for its lists. All indexes together may name 100 (DynamoDB's limit), and these, `f` and the kind count four times.

What every write changes is none of them (`updated_at`): it would be written into the indexes of every kind each time.
"""
IN_INDEXES: Final = ("kind", "f", *PROJECTED)
"""What indexes of the core table hold beside the keys."""


def expand_event(event: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a raw row with what was left out because the row says it (`Entity.compact`)."""

    def said(name: str) -> Any:
        return raw.get(name, {}).get("S")

    data = {name: said(name) if value is None else value for name, value in event["data"].items()}
    changes = {name: [*pair, said(name)] if len(pair) == 1 else pair for name, pair in event["changes"].items()}
    return {"at": said("updated_at")} | event | {"changes": changes, "data": data}


def stored_id(raw: dict[str, Any]) -> str:
    """Return the id of a raw row: the one that is in its key, unless the row has another one."""
    return str(raw["id"]["S"]) if "id" in raw else id_in_key(raw["PK"]["S"])


COLD_KEY = "REST"
"""The sort key of an entity's second row, which holds its cold attributes."""
OWN_KEYS = frozenset({"META", COLD_KEY})
"""The sort keys of an entity's own rows; what else is in its partition belongs to it."""


class _Member:
    """An attribute as a member of a class: there it is PynamoDB's. Of a row it is only asked for a value that the row does not have, so
    a look at a value is one of Python's own (PynamoDB's takes five calls)."""

    def __init__(self, attribute: Attribute[Any]) -> None:
        self._attribute = attribute

    def __get__(self, row: object | None, model: type) -> Attribute[Any] | None:
        return self._attribute if row is None else None


class _RowType(MetaModel):
    """Collects the attributes of each class of rows. PynamoDB looks at every member of every class for them, a thirtieth of a start."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        if Model in bases:
            super().__init__(name, bases, namespace)
        else:  # no class below has keys or indexes of PynamoDB's
            type.__init__(cls, name, bases, namespace)
            cls._attributes = {key: one for base in reversed(bases) for key, one in getattr(base, "_attributes", {}).items()}
        own = {key: one for key, one in namespace.items() if isinstance(one, Attribute)}
        cls._attributes = cls._attributes | own
        cls._dynamo_to_python_attrs = {one.attr_name: key for key, one in cls._attributes.items() if one.attr_name != key}
        for member, one in own.items():
            setattr(cls, member, _Member(one))


class Row(Model, metaclass=_RowType):
    """A row of any table. Subclasses name the settings field with the name of their table, and their attributes."""

    TABLE: ClassVar[str]

    class Meta:
        table_name = "from-settings"

    pk = UnicodeAttribute(hash_key=True, attr_name="PK")
    sk = UnicodeAttribute(range_key=True, attr_name="SK")
    ttl = NumberAttribute(null=True)

    def __init__(self, pk: str | None = None, sk: str | None = None, **values: Any) -> None:
        """Build a row, not yet written. Raises ValueError for a name that is no attribute."""
        if unknown := values.keys() - self.get_attributes().keys():
            raise ValueError(f"{type(self).__name__} has no attribute {', '.join(sorted(unknown))}")
        for name, default in defaults_of(type(self)).items():
            if name not in values:
                values[name] = default() if callable(default) else default
        self.__dict__ = {"pk": pk, "sk": sk, **values}

    @classmethod
    def table_name(cls) -> str:
        return settings().need(cls.TABLE)

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """Build an instance from a raw row, with a decoder derived from the model's schema (38 times faster than PynamoDB's)."""
        row = cls.__new__(cls)
        row.__dict__ = decoder_for(cls)(raw)
        return row

    @property
    def attribute_values(self) -> dict[str, Any]:  # type: ignore[override]  # PynamoDB keeps the values in it, we in the row itself
        """Return the values of the row by the names of its attributes, without those that were never set."""
        return {name: value for name, value in vars(self).items() if name in self.get_attributes()}

    def serialize(self, null_check: bool = True) -> dict[str, dict[str, Any]]:
        """Return the row in DynamoDB's form. `null_check` raises AttributeNullError if a value is missing that every row has."""
        stored = encoder_for(type(self))(vars(self))
        if null_check:
            require_all(type(self), stored)
        return stored

    def stored_key(self) -> dict[str, dict[str, str]]:
        return {"PK": {"S": self.pk}, "SK": {"S": self.sk}}


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

    has_new_event = False
    """Whether an event was recorded since the last write: that is the time of the next one."""
    cold_as_read: dict[str, Any] | None = None
    """The raw second row as it was read; None if it was not read."""

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
        entity.cold_as_read = cold
        return entity

    def split(self, raw: dict[str, Any]) -> dict[str, Any] | None:
        """Take the attributes of the second row out of the entity's raw row. Return the second row if it must be written."""
        if not self.COLD:
            return None
        cold = {name: raw.pop(name) for name in self.COLD if name in raw}
        read = self.cold_as_read
        if read is not None and cold == {name: value for name, value in read.items() if name in self.COLD}:
            return None
        # nobody can tell from this instance whether the write succeeds: another one writes the second row again
        self.cold_version, self.cold_as_read = self.version, None
        raw["rest_version"] = {"N": str(self.version)}
        return {"PK": raw["PK"], "SK": {"S": COLD_KEY}, "rest_version": raw["rest_version"]} | cold

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """Build an instance from a raw row, with what it stores only once (`compact`)."""
        entity = super().decode(raw)
        vars(entity).setdefault("id", stored_id(raw))
        if entity.event:
            entity.event = expand_event(entity.event, raw)
        return entity

    def compact(self, raw: dict[str, Any]) -> None:
        """Leave out of the raw row what it says twice: the id that is in its key; in the event the time of this write, and the texts
        that the row has under the same name. Null stands for these in the data, and a change to them has no new value."""
        if self.id == id_in_key(str(self.pk)):
            del raw["id"]
        if self.event:
            data = {name: None if raw.get(name) == {"S": value} else value for name, value in self.event["data"].items()}
            changes = {
                name: pair[:1] if raw.get(name) == {"S": pair[-1]} else pair for name, pair in self.event["changes"].items()
            }
            stored = self.event | {"changes": changes, "data": data}
            if stored["at"] == self.updated_at:
                del stored["at"]
            raw["event"] = {"S": write_json(stored)}

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
        """Return the small fields, beside PROJECTED attributes, that lists filter and sort by. Every index holds a copy of them, `f`."""
        return {}

    def projected(self) -> dict[str, Any]:
        """Return what indexes show of the entity beside `f`."""
        values = {name: getattr(self, name) for name in PROJECTED if name in self.get_attributes()}
        return {name: value for name, value in values.items() if value is not None}

    def listed(self) -> dict[str, Any]:
        """Return all that lists filter and sort by, as it is now."""
        return self.projected() | self.filters()

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
