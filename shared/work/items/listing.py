"""The cards of a board, filtered: the board with its counts, its index, and one batch for the page that is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.store import Entity, IndexRow, authorize, collection, count, fetch_all, first_rows, get_many, load
from shared.work.boards.rows import MAX_LISTED_CARDS, Board, Counts
from shared.work.items.rows import Item


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

    @property
    def only_lane(self) -> bool:
        """Whether a lane is all that is asked for, if anything is."""
        return not (self.assignee_id or self.type or self.status or self.search or self.tags)

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
    """A page of a board's cards, by lane, then position. Raises NotFound, Forbidden; Invalid past 20,000 cards with a filter.

    Two reads and the index. Of a board of up to a thousand cards that is one query. Of a larger one, what is asked without a filter
    (or with a lane) is found by its place in the lanes, whose cards are counted: a query for each lane that the page touches. Any
    other filter looks through the index of the lane or of the whole board: a query for each megabyte, about 1,500 cards.
    """
    bare = bare_id(board_id)
    keys = [(Board, *Board.key(bare)), (Counts, *Counts.key(bare))]
    board, counts = get_many(keys) if is_id(bare) else (None, None)
    if not isinstance(board, Board) or board.deleted_at:
        raise NotFound(Board.NAME)
    authorize(board, actor, Permission.CARD_READ)
    lanes = dict(counts.lanes) if isinstance(counts, Counts) else {}
    if wanted.lane_id:
        lanes = {bare_id(wanted.lane_id): int(lanes.get(bare_id(wanted.lane_id), 0))}
    if wanted.only_lane and not with_children and sum(map(int, lanes.values())) > _MAX_SINGLE_QUERY:
        ids, total = _ids_by_position(board, lanes, offset, limit)
        return ItemPage([item for item in fetch_all(Item, ids, to_show=True) if not item.deleted_at], total)
    lane = f"{bare_id(wanted.lane_id)}#" if wanted.lane_id and not with_children else ""  # children may be in another lane
    rows = sort_rows(board, collection(1, f"BOARD#{board.id}#ITEM", lane, cap=MAX_LISTED_CARDS))
    found = [row for row in rows if wanted.matches(row.f)]
    page = fetch_all(Item, [row.id for row in found[offset : offset + limit]], to_show=True)
    children: dict[str, list[IndexRow]] = {}
    if with_children:
        shown = {item.id for item in page}
        for row in rows:
            if row.f["parent_id"] in shown:
                children.setdefault(row.f["parent_id"], []).append(row)
    return ItemPage([item for item in page if not item.deleted_at], len(found), children)


def list_archived(actor: Actor, board_id: str, *, limit: int, offset: int = 0) -> ItemPage:
    """The archived cards of a board, the latest first. Raises NotFound, Forbidden. Three reads; a count where there are more of them."""
    board = load(Board, board_id, actor, Permission.CARD_READ)
    partition = f"BOARD#{board.id}#ARCHIVED"
    ids, more = _first_ids(partition, offset + limit, newest_first=True)
    total = count(Entity, partition, index=1) if more else len(ids)
    return ItemPage([item for item in fetch_all(Item, ids[offset:], to_show=True) if not item.deleted_at], total)


_MAX_SINGLE_QUERY = 1_000  # cards: their index rows fit into the megabyte of a query


def _ids_by_position(board: Board, counted: dict[str, Any], offset: int, limit: int) -> tuple[list[str], int]:
    """The ids of a page, and how many cards the lanes hold together."""
    ids: list[str] = []
    before = 0  # cards in the lanes already passed
    for lane_id in (one for one in board.lane_ids if one in counted):
        held = int(counted[lane_id])
        first, last = max(offset - before, 0), min(offset + limit - before, held)
        before += held
        if first < last:
            ids += _ids_in_lane(board.id, lane_id, first, last)
    return ids, before


def _ids_in_lane(board_id: str, lane_id: str, first: int, last: int) -> list[str]:
    """The ids of a lane's cards from one place to before another, in their order."""
    return _first_ids(f"BOARD#{board_id}#ITEM", last, prefix=f"{lane_id}#")[0][first:]


def _first_ids(partition: str, number: int, *, prefix: str = "", newest_first: bool = False) -> tuple[list[str], bool]:
    """The first ids of a collection, and whether there may be more. A query for each megabyte."""
    first = first_rows(Entity, partition, number, index=1, prefix=prefix, newest_first=newest_first)
    return [row.entity_id for row in first.rows], first.next_key is not None


def sort_rows(board: Board, rows: Iterable[IndexRow]) -> list[IndexRow]:
    """By lane, then position, then age: a UUIDv7 sorts by when it was made."""
    number = {lane_id: place for place, lane_id in enumerate(board.lane_ids)}
    return sorted(rows, key=lambda row: (number.get(row.f["lane_id"], len(number)), row.f["position"], row.id))
