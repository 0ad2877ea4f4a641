"""A card with everything around it: what depends on it, what was said, what happened.

Its collection is ordered by kind (`ACT#`, `COM#`, `DEP#`), so one query from its end finds the dependencies, the newest comments and the
newest activities together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.core.actor import Actor, Permission
from shared.store import Entity, IndexRow, Row, get_many, load, query
from shared.work.activities.rows import Activity
from shared.work.comments.rows import Comment
from shared.work.items import dependencies
from shared.work.items.dependencies import Dependency, Link
from shared.work.items.rows import Item

SHOWN_COMMENTS, SHOWN_ACTIVITIES, SHOWN_CHILDREN = 50, 25, 100
"""The newest of each; lists of their own show the rest."""
_WINDOW = 250  # index rows of about 250 bytes: 8 read units at most
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Details:
    """Comments are oldest first, activities newest first."""

    item: Item
    children: list[Item]
    links: list[Link]
    comments: list[Comment]
    activities: list[Activity]


def details(actor: Actor, item_id: str) -> Details:
    """Raises NotFound, Forbidden. Four reads: the card, its collection, its children's index, and a batch for what is shown."""
    item = load(Item, item_id, actor, Permission.CARD_READ)
    rows = _collection(item)
    links = [row for row in rows if row.kind == Dependency.KIND][::-1]
    said = [row for row in rows if row.kind == Comment.KIND and not row.f["removed"]][:SHOWN_COMMENTS][::-1]
    happened = [row for row in rows if row.kind == Activity.KIND][:SHOWN_ACTIVITIES]
    below = [row.entity_id for row in query(Entity, f"PARENT#{item.id}", index=3, limit=SHOWN_CHILDREN).rows]
    keys: list[tuple[type[Row], str, str]] = dependencies.end_keys(item, links)
    keys += [(Comment, *Comment.key(row.id)) for row in said]
    keys += [(Activity, *Activity.key(row.id)) for row in happened]
    keys += [(Item, *Item.key(child)) for child in below]
    found = _read(keys)
    cards = {row.id: row for row in found if isinstance(row, Item) and not row.deleted_at}
    return Details(
        item,
        [cards[child] for child in below if child in cards],
        dependencies.assembled(item, links, found),
        [one for one in _of(Comment, found) if not one.removed_at],
        _of(Activity, found),
    )


def _collection(item: Item) -> list[IndexRow]:
    """Dependencies, then comments, then activities, each newest first."""
    partition = f"ITEM#{item.id}"
    found = query(Entity, partition, index=1, between=("ACT#", "DEP#~"), newest_first=True, limit=_WINDOW)
    rows = found.rows
    if found.next_key is not None and all(row.kind != Activity.KIND for row in rows):
        rows += query(Entity, partition, index=1, prefix="ACT#", newest_first=True, limit=SHOWN_ACTIVITIES).rows
    return [IndexRow(row.entity_id, row.kind, str(row.gsi1sk), row.f or {}) for row in rows]


def _read(keys: Sequence[tuple[type[Row], str, str]]) -> list[Any]:
    unique = list(dict.fromkeys(keys))
    return [row for start in range(0, len(unique), 100) for row in get_many(unique[start : start + 100]) if row is not None]


def _of(model: type[R], rows: Sequence[Any]) -> list[R]:
    return [row for row in rows if isinstance(row, model)]
