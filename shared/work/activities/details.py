"""A card with its children, dependencies, newest comments and newest activities.

A card's index partition is sorted by kind (`ACT#`, `COM#`, `DEP#`), so one query that reads it backwards returns the dependencies, the
newest comments and the newest activities together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.store import Entity, IndexRow, Row, first_index_rows, get_all, load, query, read_ahead
from shared.work.activities.rows import Activity
from shared.work.comments.rows import Comment
from shared.work.items import dependencies
from shared.work.items.dependencies import Dependency, ResolvedDependency
from shared.work.items.rows import Item

MAX_COMMENTS, MAX_ACTIVITIES, MAX_CHILDREN = 50, 25, 100
"""How many comments, activities and children are returned at most; other operations list the rest."""
_MAX_INDEX_ROWS = 250  # index rows of about 250 bytes: 8 read units at most
R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class ItemDetails:
    """Comments are oldest first, activities newest first."""

    item: Item
    children: list[Item]
    dependencies: list[ResolvedDependency]
    comments: list[Comment]
    activities: list[Activity]


def get_item_details(actor: Actor, item_id: str) -> ItemDetails:
    """Read a card with everything around it. Two round trips: the card and two indexes at once, then a batch of rows. Raises NotFound,
    Forbidden."""
    bare = bare_id(item_id)
    around = read_ahead(lambda: _read_index(bare))
    below = read_ahead(lambda: query(Entity, f"PARENT#{bare}", index=3, limit=MAX_CHILDREN))
    item = load(Item, item_id, actor, Permission.CARD_READ)
    index = around.result()
    dependency_index = [row for row in index if row.kind == Dependency.KIND][::-1]
    comments = [row for row in index if row.kind == Comment.KIND and not row.f["removed"]][:MAX_COMMENTS][::-1]
    activities = [row for row in index if row.kind == Activity.KIND][:MAX_ACTIVITIES]
    children = [row.entity_id for row in below.result().rows]
    keys = dependencies.dependency_keys(item, dependency_index)
    keys += [(Comment, *Comment.key(row.id)) for row in comments]
    keys += [(Activity, *row.key) for row in activities]
    keys += [(Item, *Item.key(child)) for child in children]
    rows = get_all(list(dict.fromkeys(keys)), consistent=False)  # an index that shows them is a moment behind, too
    cards = {row.id: row for row in rows if isinstance(row, Item) and not row.deleted_at}
    return ItemDetails(
        item,
        [cards[child] for child in children if child in cards],
        dependencies.resolve_dependencies(item, dependency_index, rows),
        [comment for comment in _of_model(Comment, rows) if not comment.removed_at],
        _of_model(Activity, rows),
    )


def _read_index(item_id: str) -> list[IndexRow]:
    """Read the card's index rows: dependencies, then comments, then activities, each newest first."""
    partition = f"ITEM#{item_id}"
    rows, more = first_index_rows(1, partition, _MAX_INDEX_ROWS, between=("ACT#", "DEP#~"), newest_first=True)
    if more and all(row.kind != Activity.KIND for row in rows):
        rows += first_index_rows(1, partition, MAX_ACTIVITIES, "ACT#", newest_first=True)[0]
    return rows


def _of_model(model: type[R], rows: Sequence[Any]) -> list[R]:
    return [row for row in rows if isinstance(row, model)]
