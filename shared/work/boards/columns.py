"""The board as seven columns: a view of the lanes by the phases they carry."""

from dataclasses import dataclass

from shared.core.errors import NotFound
from shared.store import IndexRow, collection
from shared.work.boards.counting import BLOCKED_COLUMN
from shared.work.boards.lanes import COLUMN_BY_PHASE, COLUMNS, Column, canonical_phase
from shared.work.boards.reading import BoardSnapshot
from shared.work.boards.rows import MAX_LISTED_CARDS


@dataclass(frozen=True)
class ColumnSnapshot:
    column: Column
    count: int
    cards: list[IndexRow]
    """In the order of the lanes and of the positions in each; empty unless asked for."""

    @property
    def exceeded(self) -> bool:
        return self.column.wip_limit is not None and self.count > self.column.wip_limit


def list_columns(now: BoardSnapshot) -> list[ColumnSnapshot]:
    """The columns with their numbers of cards."""
    return [ColumnSnapshot(column, now.cards_in_column(column.id), []) for column in COLUMNS]


def list_columns_with_cards(now: BoardSnapshot) -> list[ColumnSnapshot]:
    """The columns with their cards as index rows: one query for each MB, about 2,000 cards."""
    numbers = {lane.id: int(lane.number) for lane in now.lanes}
    held: dict[str, list[IndexRow]] = {column.id: [] for column in COLUMNS}
    rows = collection(1, f"BOARD#{now.board.id}#ITEM", cap=MAX_LISTED_CARDS)
    for row in sorted(rows, key=lambda row: (numbers.get(row.f["lane_id"], 99), row.sort)):
        held[BLOCKED_COLUMN if row.f["status"] == "blocked" else COLUMN_BY_PHASE[row.f["phase_id"]].id].append(row)
    return [ColumnSnapshot(column, now.cards_in_column(column.id), held[column.id]) for column in COLUMNS]


def get_column(phase: str) -> Column:
    """The column of a phase, by its name or an alias. Raises NotFound."""
    column = COLUMN_BY_PHASE.get(canonical_phase(phase))
    if column is None:
        raise NotFound("phase")
    return column
