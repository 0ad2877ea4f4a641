"""The cards of a board, filtered: the board's row, its index from end to end, and one batch for the page that is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.boards.rows import Board
from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.items.rows import Item
from shared.store import IndexRow, collection, fetch_all, load


@dataclass(frozen=True)
class ItemFilter:
    """What a card must have; None and empty ask for nothing. `tags` are keys or `key:value`, and a card must have all of them.

    Every word of `search` must occur in the title, the first 200 characters of the description, the labels or the tags.
    """

    lane_id: str | None = None
    assignee_id: str | None = None
    type: str | None = None
    status: str | None = None
    search: str | None = None
    tags: tuple[str, ...] = ()

    def matches(self, f: dict[str, Any]) -> bool:
        wanted = (
            ("lane_id", self.lane_id and bare_id(self.lane_id)),
            ("assignee_id", self.assignee_id and bare_id(self.assignee_id)),
            ("type", self.type),
            ("status", self.status),
        )
        if any(value and f[name] != value for name, value in wanted):
            return False
        return self._has_tags(f["tags"]) and self._has_words(f)

    def _has_tags(self, held: Iterable[str]) -> bool:
        if not self.tags:
            return True
        names = {name for tag in held for name in (tag, tag.partition(":")[0])}
        return names.issuperset(self.tags)

    def _has_words(self, f: dict[str, Any]) -> bool:
        if not self.search:
            return True
        text = "\n".join([f["title"], f.get("excerpt") or "", *f["labels"], *f["tags"]]).casefold()
        return all(word in text for word in self.search.casefold().split())


@dataclass(frozen=True)
class ItemPage:
    """`children` maps a card of the page to its children as the index shows them, in their order; empty unless asked for."""

    items: list[Item]
    total: int
    children: dict[str, list[IndexRow]] = field(default_factory=dict)


def list_items(
    actor: Actor, board_id: str, wanted: ItemFilter, *, limit: int, offset: int = 0, with_children: bool = False
) -> ItemPage:
    """A page of a board's cards, by lane, then position. Raises NotFound, Forbidden; Invalid past 5,000 cards.

    Three reads: the board, its cards' index (a query for each megabyte, about 1,500 cards), the page.
    """
    board = load(Board, board_id, actor, Permission.CARD_READ)
    rows = in_order(board, collection(1, f"BOARD#{board.id}#ITEM"))
    found = [row for row in rows if wanted.matches(row.f)]
    page = fetch_all(Item, [row.id for row in found[offset : offset + limit]], to_show=True)
    children: dict[str, list[IndexRow]] = {}
    if with_children:
        shown = {item.id for item in page}
        for row in rows:
            if row.f["parent_id"] in shown:
                children.setdefault(row.f["parent_id"], []).append(row)
    return ItemPage([item for item in page if not item.deleted_at], len(found), children)


def in_order(board: Board, rows: Iterable[IndexRow]) -> list[IndexRow]:
    """By lane, then position, then age: a UUIDv7 sorts by when it was made."""
    number = {lane_id: place for place, lane_id in enumerate(board.lane_ids)}
    return sorted(rows, key=lambda row: (number.get(row.f["lane_id"], len(number)), row.f["position"], row.id))
