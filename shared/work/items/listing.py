"""Listing the cards of a board with filters: reads the board with its counts, the index, and one batch for the page."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.core.texts import has_words, searchable
from shared.store import (
    Entity,
    IndexRow,
    authorize,
    begin_index_rows,
    collection,
    count,
    fetch_all,
    get_many,
    index_rows,
    load,
    query,
    read_ahead,
)
from shared.work.boards.rows import MAX_LISTED_CARDS, Board, Counts
from shared.work.items.rows import Item


@dataclass(frozen=True)
class ItemFilter:
    """The conditions of a card list; None and empty values do not filter. `tags` are keys or `key:value`, or several of these with
    commas; a card must have all of them.

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
        """Tell whether there is no filter but the lane."""
        return not (self.assignee_id or self.type or self.status or self.search or self.tags)

    def matches(self, f: dict[str, Any]) -> bool:
        expected = (
            ("lane_id", self.lane_id and bare_id(self.lane_id)),
            ("assignee_id", self.assignee_id and bare_id(self.assignee_id)),
            ("type", self.type),
            ("status", self.status),
        )
        if any(value and f[name] != value for name, value in expected):
            return False
        return self._has_tags(f) and self._has_words(f)

    def _has_tags(self, f: dict[str, Any]) -> bool:
        if not self.tags:
            return True
        keys = f.get("tag_keys") or [tag.partition(":")[0] for tag in f["tags"]]  # rows of before have no list of keys
        names = {searchable(name) for name in (*keys, *f["tags"])}
        return all(_is_named(tag, names) for tag in self.tags)

    def _has_words(self, f: dict[str, Any]) -> bool:
        if not self.search:
            return True
        return has_words("\n".join([f["title"], f.get("excerpt") or "", *f["labels"], *f["tags"]]), self.search)


def _is_named(tag: str, names: set[str]) -> bool:
    """Tell whether a tag of a filter is among the names, as a whole (a name may contain a comma) or in each of its parts."""
    whole = searchable(tag).strip()
    return whole in names or names.issuperset(part.strip() for part in whole.split(",") if part.strip())


@dataclass(frozen=True)
class ItemPage:
    """A page of cards. `children` maps the id of a card to the index rows of its children, in order; empty unless requested."""

    items: list[Item]
    total: int
    children: dict[str, list[IndexRow]] = field(default_factory=dict)


def list_items(
    actor: Actor, board_id: str, item_filter: ItemFilter, *, limit: int, offset: int = 0, with_children: bool = False
) -> ItemPage:
    """Return a page of a board's cards, ordered by lane and position. Raises NotFound, Forbidden; with children Invalid past 20,000 cards.

    Two round trips: the board and the index, then the rows of the page. A lane is read to the end of the page, a filter reads the index of
    the lane or of the whole board: one query for each megabyte, about 1,500 cards. Without a filter the counts say first how the index is
    read, which is one round trip more: a board of up to a thousand cards in one query, a larger one in a query for each lane that the page
    touches.
    """
    bare, lane_id = bare_id(board_id), bare_id(item_filter.lane_id or "")
    partition, prefix = f"BOARD#{bare}#ITEM", f"{lane_id}#" if lane_id else ""
    is_plain = item_filter.only_lane and not with_children
    in_lane = read_ahead(lambda: _ids_in_lane(bare, lane_id, offset, offset + limit)) if is_plain and lane_id else None
    index = index_rows(1, partition, prefix) if is_plain or with_children else begin_index_rows(1, partition, prefix)
    keys = [(Board, *Board.key(bare)), (Counts, *Counts.key(bare))]
    board, counts = get_many(keys) if is_id(bare) else (None, None)
    if not isinstance(board, Board) or board.deleted_at:
        raise NotFound(Board.NAME)
    authorize(board, actor, Permission.CARD_READ)
    lanes = dict(counts.lanes) if isinstance(counts, Counts) else {}
    if in_lane is not None:
        return ItemPage(_fetch_live(in_lane.result()), int(lanes.get(lane_id, 0)))
    if is_plain and sum(map(int, lanes.values())) > _MAX_SINGLE_QUERY:
        ids, total = _ids_by_position(board, lanes, offset, limit)
        return ItemPage(_fetch_live(ids), total)
    rows: list[IndexRow] = []
    if with_children:  # they may be in another lane
        rows = sort_rows(board, collection(1, partition, cap=MAX_LISTED_CARDS))
        matching = [row for row in rows if item_filter.matches(row.f)]
    else:  # of a board of any size; only what sorting needs is kept in memory
        found = (row for row in index if item_filter.matches(row.f))
        matching = sort_rows(board, (replace(row, f={"lane_id": row.f["lane_id"]}) for row in found))
    page = fetch_all(Item, [row.id for row in matching[offset : offset + limit]], to_show=True)
    children: dict[str, list[IndexRow]] = {}
    if with_children:
        page_ids = {item.id for item in page}
        for row in sorted(rows, key=_place):
            if row.f["parent_id"] in page_ids:
                children.setdefault(row.f["parent_id"], []).append(row)
    return ItemPage([item for item in page if not item.deleted_at], len(matching), children)


def _fetch_live(ids: Iterable[str]) -> list[Item]:
    return [item for item in fetch_all(Item, ids, to_show=True) if not item.deleted_at]


def list_archived(actor: Actor, board_id: str, *, limit: int, offset: int = 0) -> ItemPage:
    """Return a page of a board's archived cards, last archived first. Raises NotFound, Forbidden. Two reads; a count if more follow."""
    partition = f"BOARD#{bare_id(board_id)}#ARCHIVED"
    found = read_ahead(lambda: _first_ids(partition, offset + limit, newest_first=True))
    load(Board, board_id, actor, Permission.CARD_READ)
    ids, more = found.result()
    total = count(Entity, partition, index=1) if more else len(ids)
    return ItemPage(_fetch_live(ids[offset:]), total)


_MAX_SINGLE_QUERY = 1_000  # cards: their index rows fit into the megabyte of a query


def _ids_by_position(board: Board, counts: dict[str, Any], offset: int, limit: int) -> tuple[list[str], int]:
    """Return the ids of a page, and the number of cards in all lanes together."""
    ids: list[str] = []
    before = 0  # cards in the lanes before this one
    for lane_id in (lane_id for lane_id in board.lane_ids if lane_id in counts):
        card_count = int(counts[lane_id])
        first, last = max(offset - before, 0), min(offset + limit - before, card_count)
        before += card_count
        if first < last:
            ids += _ids_in_lane(board.id, lane_id, first, last)
    return ids, before


def _ids_in_lane(board_id: str, lane_id: str, first: int, last: int) -> list[str]:
    """Return the ids of a lane's cards with the ranks `first` to `last` - 1, in order."""
    return _first_ids(f"BOARD#{board_id}#ITEM", last, prefix=f"{lane_id}#")[0][first:]


def _first_ids(partition: str, number: int, *, prefix: str = "", newest_first: bool = False) -> tuple[list[str], bool]:
    """Return the first ids of an index partition, and whether there may be more. One query for each megabyte."""
    page = query(Entity, partition, limit=number, index=1, prefix=prefix, newest_first=newest_first)
    return [row.entity_id for row in page.rows], page.next_key is not None


def sort_rows(board: Board, rows: Iterable[IndexRow]) -> list[IndexRow]:
    """Sort cards by lane, then as the index sorts them within a lane."""
    number = {lane_id: index for index, lane_id in enumerate(board.lane_ids)}
    return sorted(rows, key=lambda row: (number.get(row.f["lane_id"], len(number)), row.sort))


def _place(row: IndexRow) -> str:
    """Return `Item.place` of a row of the board's index, whose sort key is the lane and the place."""
    return row.sort.partition("#")[2]
