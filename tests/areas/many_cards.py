"""Boards of thousands of cards: the rows that the store would write, put into moto's table without a request for each."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.dynamo_type import Item as Row

from shared.core.ids import new_id
from shared.store import amount, put, update, write
from shared.work.boards.counting import card_location, lane_tally, priority_tally, type_tally
from shared.work.boards.lanes import lane_key
from shared.work.boards.rows import Counts
from shared.work.items.postings import change_postings
from shared.work.items.rows import Item, place_of_position
from shared.work.items.searching import change_words
from tests.areas.boards_world import World
from tests.snapshots import ACCOUNT, REGION

_OWN = frozenset({"pk", "sk", "kind", "id", "created_at", "updated_at", "event", "event_id", "cold_version"})
_PLACE = 123_456_789  # a position that stands nowhere else in a row


def like(template: Item, **more: Any) -> Item:
    """Return a new card, not yet written, that is like another one."""
    common = {name: value for name, value in template.attribute_values.items() if name not in _OWN}
    return Item.new(new_id(), **(common | more))


def add_cards(world: World, prototype: Item, positions: Sequence[int]) -> None:
    """Put cards on the board that are like a prototype which is not written itself, counted and found as if they had been created.

    The store serializes the prototype; each copy has its own id and position in these rows.
    """
    prototype.position = _PLACE
    card = put(prototype)
    written = [card, *card.beside, *change_postings(prototype), *change_words(prototype, "")]
    text = json.dumps([one.request["Item"] for one in written])
    sort, table = place_of_position(_PLACE), dynamodb_backends[ACCOUNT][REGION].tables["core"]
    for position in positions:
        card_id = new_id()
        own = text.replace(prototype.id, card_id).replace(prototype.id[::-1], card_id[::-1])
        own = own.replace(sort, place_of_position(position)).replace(str(_PLACE), str(position))
        for raw in json.loads(own):
            partition, sort_key = DynamoType(raw["PK"]), DynamoType(raw["SK"])
            table.items[partition][sort_key] = Row(partition, sort_key, raw)
    write(update(Counts.of(world.board.id), [*_counted(world, prototype, len(positions))]))


def _counted(world: World, item: Item, number: int) -> Iterator[Any]:
    place = card_location(item)
    lane = Counts.lanes[lane_key(world.board.id, place.lane_id)]
    yield lane.set(lane + number)
    yield Counts.columns[place.column_id].set(Counts.columns[place.column_id] + number)
    yield amount(lane_tally(world.board.id, place.lane_id, place.status)).add(number)
    yield amount(type_tally(place.status, place.type)).add(number)
    yield amount(priority_tally(place.priority)).add(number)
    yield Counts.next.add(number)
