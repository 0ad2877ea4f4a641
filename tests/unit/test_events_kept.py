"""An event is read back as it was recorded, whatever its row says beside it (decision 47)."""

import datetime as dt
import random
from typing import Any

import pytest
import time_machine

from shared.core.actor import SYSTEM
from shared.events import Event, EventType, get_event, record
from shared.events.change import parse_change
from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, UnicodeAttribute, put, save
from shared.work.activities.rows import Activity
from tests.stored_rows import ENTITIES

NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
TEXTS = ["", "a", "b", "[]", "null", '["a"]']
VALUES = [*TEXTS, None, [], ["a"], [None], {}, {"a": None}, False, 0, 1]
OWN = {"pk", "sk", "id", "kind", "version", "deleted_at", "updated_at", "event", "event_id", "cold_version", "assignee"}


def fill(entity: Entity, chance: random.Random) -> None:
    """Give the attributes of an entity other values."""
    for name, attribute in entity.get_attributes().items():
        if name in OWN or name.startswith("gsi"):
            continue
        if type(attribute) is UnicodeAttribute:
            setattr(entity, name, chance.choice(TEXTS))
        elif isinstance(attribute, JSONAttribute):
            setattr(entity, name, chance.choice([value for value in VALUES if value is not None]))
        elif isinstance(attribute, NumberAttribute | BooleanAttribute):
            setattr(entity, name, chance.choice([0, 1]))


def stored(entity: Entity, operation: Any) -> tuple[Entity, Event | None]:
    """Return what is read after this write: the entity, and what the stream consumer sees."""
    raw = dict(operation.request["Item"])
    cold = {name: value for one in operation.beside for name, value in one.request["Item"].items() if name not in raw}
    change = parse_change({"dynamodb": {"NewImage": raw}})
    return type(entity).decode(cold | raw), change and change.event


@pytest.mark.parametrize("model", ENTITIES, ids=lambda model: model.__name__)
def test_an_event_is_read_as_it_was_recorded(model: type[Entity]) -> None:
    """Of every type, with values of every form: the row's own, null, empty, lists of one. Also after other writes of the row."""
    names = sorted(model.get_attributes().keys() - {"actor", "changes", "kind"} | {"elsewhere"})
    for kind in EventType:
        chance = random.Random(f"{model.__name__} {kind}")  # noqa: S311 - a choice of examples
        entity = model.new("a", deleted_at="2026-01-01T00:00:00.000Z")  # one that is in no list needs nothing sensible in it
        fill(entity, chance)
        own = {name: getattr(entity, name) for name in chance.sample(names, 4) if name in entity.attribute_values}
        data = {name: chance.choice(VALUES) for name in chance.sample(names, 4)} | own
        changes = {name: [chance.choice(VALUES), chance.choice(VALUES)] for name in chance.sample(names, 4)}
        changes |= {name: [chance.choice(VALUES), value] for name, value in own.items()}
        record(entity, kind, SYSTEM, changes=changes, **data)
        recorded = get_event(entity)
        assert recorded is not None
        there = {name: value for name, value in data.items() if value is not None}
        assert (recorded.type, recorded.changes, recorded.data) == (kind, changes, there)
        entity, seen = stored(entity, put(entity))
        assert seen == recorded
        for _ in range(2):  # other writes of the same row
            assert get_event(entity) == recorded
            fill(entity, chance)
            entity, _ = stored(entity, save(entity))
        assert get_event(entity) == recorded


def test_a_change_is_a_pair() -> None:
    """A list of one would be taken for a new value that the row has."""
    entity = ENTITIES[0].new("a")
    for wrong in ([], ["a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="values to unpack"):
            record(entity, EventType.ITEM_UPDATED, SYSTEM, changes={"title": wrong})


def test_a_write_without_an_event_has_a_time_of_its_own() -> None:
    """Whoever wrote again what it had just made gave it the time of the first event."""
    entity = Activity.new("a", deleted_at="2026-01-01T00:00:00.000Z")
    fill(entity, random.Random(0))  # noqa: S311
    with time_machine.travel(NOON, tick=False):
        record(entity, EventType.ITEM_UPDATED, SYSTEM)
        put(entity)
    with time_machine.travel(NOON + dt.timedelta(hours=1), tick=False):
        save(entity)
    assert (entity.event["at"], entity.updated_at) == ("2026-05-04T12:00:00.000Z", "2026-05-04T13:00:00.000Z")
