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
from shared.work.items.dependencies import Dependency, ResolvedDependency
from shared.work.items.rows import Item

MAX_COMMENTS, MAX_ACTIVITIES, MAX_CHILDREN = 50, 25, 100
"""The newest of each; lists of their own show the rest."""
_MAX_INDEX_ROWS = 250  # index rows of about 250 bytes: 8 read units at most
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class ItemDetails:
    """Comments are oldest first, activities newest first."""

    item: Item
    children: list[Item]
    links: list[ResolvedDependency]
    comments: list[Comment]
    activities: list[Activity]


def get_item_details(actor: Actor, item_id: str) -> ItemDetails:
    """Raises NotFound, Forbidden. Four reads: the card, its collection, its children's index, and a batch for what is shown."""
    item = load(Item, item_id, actor, Permission.CARD_READ)
    rows = _read_index(item)
    links = [row for row in rows if row.kind == Dependency.KIND][::-1]
    said = [row for row in rows if row.kind == Comment.KIND and not row.f["removed"]][:MAX_COMMENTS][::-1]
    happened = [row for row in rows if row.kind == Activity.KIND][:MAX_ACTIVITIES]
    below = [row.entity_id for row in query(Entity, f"PARENT#{item.id}", index=3, limit=MAX_CHILDREN).rows]
    keys: list[tuple[type[Row], str, str]] = dependencies.dependency_keys(item, links)
    keys += [(Comment, *Comment.key(row.id)) for row in said]
    keys += [(Activity, *Activity.key(row.id)) for row in happened]
    keys += [(Item, *Item.key(child)) for child in below]
    found = _read_rows(keys)
    cards = {row.id: row for row in found if isinstance(row, Item) and not row.deleted_at}
    return ItemDetails(
        item,
        [cards[child] for child in below if child in cards],
        dependencies.resolve_dependencies(item, links, found),
        [one for one in _of_model(Comment, found) if not one.removed_at],
        _of_model(Activity, found),
    )


def _read_index(item: Item) -> list[IndexRow]:
    """Dependencies, then comments, then activities, each newest first."""
    partition = f"ITEM#{item.id}"
    found = query(Entity, partition, index=1, between=("ACT#", "DEP#~"), newest_first=True, limit=_MAX_INDEX_ROWS)
    rows = found.rows
    if found.next_key is not None and all(row.kind != Activity.KIND for row in rows):
        rows += query(Entity, partition, index=1, prefix="ACT#", newest_first=True, limit=MAX_ACTIVITIES).rows
    return [IndexRow(row.entity_id, row.kind, str(row.gsi1sk), row.f or {}) for row in rows]


def _read_rows(keys: Sequence[tuple[type[Row], str, str]]) -> list[Any]:
    unique = list(dict.fromkeys(keys))
    return [row for start in range(0, len(unique), 100) for row in get_many(unique[start : start + 100]) if row is not None]


def _of_model(model: type[R], rows: Sequence[Any]) -> list[R]:
    return [row for row in rows if isinstance(row, model)]
