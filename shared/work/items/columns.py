"""The cards of a board's columns: all of a small board, the first ones of each column of a large one, and a column page by page."""

from functools import partial
from itertools import compress
from typing import Final

from shared.store import IndexRow, index_rows
from shared.work.boards.columns import ColumnSnapshot, list_columns
from shared.work.boards.counting import BLOCKED_COLUMN, lane_tally
from shared.work.boards.lanes import COLUMN_BY_PHASE, Column, lane_key
from shared.work.boards.reading import BoardSnapshot
from shared.work.items.filtering import ItemFilter
from shared.work.items.finding import Finder, Stretch, read_starts, read_whole, sort_rows, walk

WHOLE_BOARD: Final = 500
"""Cards of a board up to which the view shows all: 35 read units."""
FIRST_CARDS: Final = 50
"""Cards of each column that the view of a larger board shows."""


def list_columns_with_cards(snapshot: BoardSnapshot) -> list[ColumnSnapshot]:
    """Return the columns with their cards as index rows: all of a board of up to WHOLE_BOARD cards, else the first of each column.

    One query; of a large board one for each lane, all at the same time, and the rows of its blocked cards.
    """
    if snapshot.cards <= WHOLE_BOARD or not snapshot.counts.is_tallied:
        cards = _whole_board(snapshot)
        most = None if sum(map(len, cards.values())) <= WHOLE_BOARD else FIRST_CARDS
        return [ColumnSnapshot(one.column, one.count, cards.get(one.column.id, [])[:most]) for one in list_columns(snapshot)]
    blocked = _finder(snapshot, 0, FIRST_CARDS)
    columns = [(one, _stretches(snapshot, one.column)) for one in list_columns(snapshot)]
    parts = iter(_first_cards(snapshot, [stretch for _, stretches in columns for stretch in stretches]))
    shown = []
    for one, stretches in columns:
        rows = [row for _ in stretches for row in next(parts)]
        if one.column.id == BLOCKED_COLUMN and one.count:
            rows = blocked.find(snapshot.board, snapshot.counts)[0]
        shown.append(ColumnSnapshot(one.column, one.count, rows[:FIRST_CARDS]))
    return shown


def list_column_cards(snapshot: BoardSnapshot, column: Column, offset: int, limit: int) -> list[IndexRow]:
    """Return a page of a column's cards as index rows, in the order of the view."""
    if not snapshot.counts.is_tallied:
        return _whole_board(snapshot).get(column.id, [])[offset : offset + limit]
    if column.id == BLOCKED_COLUMN:
        return _finder(snapshot, offset, limit).find(snapshot.board, snapshot.counts)[0]
    stretches = _stretches(snapshot, column)
    return walk(_partition(snapshot), stretches, _is_free, offset, offset + limit, snapshot.counts, exact=True)


def _finder(snapshot: BoardSnapshot, offset: int, limit: int) -> Finder:
    return Finder(snapshot.board.id, ItemFilter(status="blocked"), offset, offset + limit, with_fields=True)


def _partition(snapshot: BoardSnapshot) -> str:
    return f"BOARD#{snapshot.board.id}#ITEM"


def _stretches(snapshot: BoardSnapshot, column: Column) -> list[Stretch]:
    """Return the lanes of a column, with the cards that are shown in it: those that are not blocked."""
    stretches = []
    for lane in snapshot.lanes:
        if COLUMN_BY_PHASE[lane.phase_id] is not column:
            continue
        cards = snapshot.cards_in(lane)
        free = cards - snapshot.counts.tallies.get(lane_tally(snapshot.board.id, lane.id, "blocked"), 0)
        if free > 0:
            stretches.append(Stretch(f"{lane_key(snapshot.board.id, lane.id)}#", cards, free))
    return stretches


def _first_cards(snapshot: BoardSnapshot, stretches: list[Stretch]) -> list[list[IndexRow]]:
    """Return the first cards of each lane that are not blocked. A lane is read whole if too many blocked ones stand before them."""
    partition = _partition(snapshot)
    starts = read_starts(partition, [(stretch, FIRST_CARDS) for stretch in stretches], _is_free, snapshot.counts)
    late = [
        not start.is_whole and len(start.rows) < min(FIRST_CARDS, stretch.matching)
        for stretch, start in zip(stretches, starts, strict=True)
    ]
    whole = iter(read_whole(partition, list(compress(stretches, late)), partial(filter, _is_free), snapshot.counts))
    return [next(whole)[:FIRST_CARDS] if is_late else start.rows for start, is_late in zip(starts, late, strict=True)]


def _is_free(row: IndexRow) -> bool:
    return bool(row.f["status"] != "blocked")


def _whole_board(snapshot: BoardSnapshot) -> dict[str, list[IndexRow]]:
    """Return the cards of each column, read from the whole index."""
    cards: dict[str, list[IndexRow]] = {}
    for row in sort_rows(snapshot.board, index_rows(1, _partition(snapshot))):
        column_id = COLUMN_BY_PHASE[row.f["phase_id"]].id if _is_free(row) else BLOCKED_COLUMN
        cards.setdefault(column_id, []).append(row)
    return cards
