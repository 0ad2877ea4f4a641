"""Listing the cards of a board with filters: reads the board with its counts, beside it what finds the cards, and the rows of the page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.core.ids import bare_id, is_id
from shared.store import Entity, IndexRow, ReadFuture, authorize, count, first_index_rows, get_many, load, query, read_ahead
from shared.work.boards.rows import Board, Counts
from shared.work.items.filtering import ItemFilter
from shared.work.items.finding import Finder, fetch_live, place_of
from shared.work.items.rows import Item

MAX_CHILDREN = 100
"""Children of a card that a list of a large board shows at most, as many as the card itself shows."""


@dataclass(frozen=True)
class ItemPage:
    """A page of cards. `children` maps the id of a card to the index rows of its children, in order; empty unless requested."""

    items: list[Item]
    total: int
    children: dict[str, list[IndexRow]] = field(default_factory=dict)


def list_items(
    actor: Actor, board_id: str, item_filter: ItemFilter, *, limit: int, offset: int = 0, with_children: bool = False
) -> ItemPage:
    """Return a page of a board's cards, ordered by lane and position. Raises NotFound, Forbidden.

    Two round trips without a filter and on a small board: the board and beside it what finds the cards, then the rows of the page. Else
    three (`finding`). With children on a large board a query for each card of the page, beside its rows.
    """
    bare = bare_id(board_id)
    finder = Finder(bare, item_filter.with_bare_ids(), offset, offset + limit, with_fields=with_children)
    board, counts = get_many([(Board, *Board.key(bare)), (Counts, *Counts.key(bare))]) if is_id(bare) else (None, None)
    if not isinstance(board, Board) or board.deleted_at:
        raise NotFound(Board.NAME)
    authorize(board, actor, Permission.CARD_READ)
    rows, total = finder.find(board, counts if isinstance(counts, Counts) else Counts.of(bare))
    ids = [row.id for row in rows]
    children = _begin_children(ids, finder.whole) if with_children else dict
    return ItemPage(fetch_live(ids), total, children())


def _begin_children(ids: list[str], whole: list[IndexRow] | None) -> Callable[[], dict[str, list[IndexRow]]]:
    """Return what returns the children of each card in order: from the cards of the whole board, if they are known, else by a query for
    each card, which begins at once."""
    if whole is None:
        reads: dict[str, ReadFuture[tuple[list[IndexRow], bool]]] = {
            item_id: read_ahead(partial(first_index_rows, 3, f"PARENT#{item_id}", MAX_CHILDREN)) for item_id in ids
        }
        return lambda: {item_id: rows for item_id, read in reads.items() if (rows := read.result()[0])}
    children: dict[str, list[IndexRow]] = {item_id: [] for item_id in ids}
    for row in sorted(whole, key=place_of):
        if (parent_id := row.f.get("parent_id")) in children:
            children[parent_id].append(row)
    return lambda: children


def list_archived(actor: Actor, board_id: str, *, limit: int, offset: int = 0) -> ItemPage:
    """Return a page of a board's archived cards, last archived first. Raises NotFound, Forbidden. Two reads; a count if more follow."""
    partition = f"BOARD#{bare_id(board_id)}#ARCHIVED"
    found = read_ahead(lambda: query(Entity, partition, index=1, limit=offset + limit, newest_first=True))
    load(Board, board_id, actor, Permission.CARD_READ)
    page = found.result()
    total = count(Entity, partition, index=1) if page.next_key is not None else len(page.rows)
    return ItemPage(fetch_live(row.entity_id for row in page.rows[offset:]), total)
