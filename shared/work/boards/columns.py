"""The board shown as seven columns: each column groups lanes by their phases."""

from dataclasses import dataclass

from shared.core.errors import NotFound
from shared.store import IndexRow
from shared.work.boards.lanes import COLUMN_BY_ID, COLUMN_BY_PHASE, COLUMNS, Column, canonical_phase
from shared.work.boards.reading import BoardSnapshot


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


def list_columns(snapshot: BoardSnapshot | None) -> list[ColumnSnapshot]:
    """Return the columns with their numbers of cards; without a board nothing is in them. No round trip."""
    return [ColumnSnapshot(column, snapshot.cards_in_column(column.id) if snapshot else 0, []) for column in COLUMNS]


def get_column(phase: str) -> Column:
    """Return the column that shows a phase, given by its name or an alias. Raises NotFound."""
    column = COLUMN_BY_PHASE.get(canonical_phase(phase))
    if column is None:
        raise NotFound("phase")
    return column


def column_of(column_id: str) -> Column:
    """Return the column with this id. Raises NotFound."""
    column = COLUMN_BY_ID.get(column_id)
    if column is None:
        raise NotFound("column")
    return column
