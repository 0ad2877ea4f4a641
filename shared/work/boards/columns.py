"""The board shown as seven columns: each column groups lanes by their phases."""

from dataclasses import dataclass

from shared.core.errors import NotFound
from shared.store import IndexRow, collection
from shared.work.boards.counting import BLOCKED_COLUMN
from shared.work.boards.lanes import COLUMN_BY_PHASE, COLUMNS, Column, canonical_phase
from shared.work.boards.reading import BoardSnapshot
from shared.work.boards.rows import MAX_LISTED_CARDS


@dataclass(frozen=True)
class ColumnSnapshot:
    """A column with its number of cards and, if requested, its cards."""

    column: Column
    count: int
    cards: list[IndexRow]
    """Index rows, ordered by lane and then by position; empty unless requested."""

    @property
    def exceeded(self) -> bool:
        return self.column.wip_limit is not None and self.count > self.column.wip_limit


def list_columns(snapshot: BoardSnapshot) -> list[ColumnSnapshot]:
    """Return the columns with their numbers of cards. No round trip."""
    return [ColumnSnapshot(column, snapshot.cards_in_column(column.id), []) for column in COLUMNS]


def list_columns_with_cards(snapshot: BoardSnapshot) -> list[ColumnSnapshot]:
    """Return the columns with their cards as index rows. One query for each megabyte, about 2,000 cards."""
    numbers = {lane.id: int(lane.number) for lane in snapshot.lanes}
    cards: dict[str, list[IndexRow]] = {column.id: [] for column in COLUMNS}
    rows = collection(1, f"BOARD#{snapshot.board.id}#ITEM", cap=MAX_LISTED_CARDS)
    for row in sorted(rows, key=lambda row: (numbers.get(row.f["lane_id"], 99), row.sort)):
        cards[BLOCKED_COLUMN if row.f["status"] == "blocked" else COLUMN_BY_PHASE[row.f["phase_id"]].id].append(row)
    return [ColumnSnapshot(column, snapshot.cards_in_column(column.id), cards[column.id]) for column in COLUMNS]


def get_column(phase: str) -> Column:
    """Return the column that shows a phase, given by its name or an alias. Raises NotFound."""
    column = COLUMN_BY_PHASE.get(canonical_phase(phase))
    if column is None:
        raise NotFound("phase")
    return column
