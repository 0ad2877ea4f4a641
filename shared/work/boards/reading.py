"""Reading a board: its row, counts and lanes in one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.store import Row, authorize, fetch_all, get_many, id_of
from shared.work.boards.lanes import LANES, lane_id_of
from shared.work.boards.rows import Board, Counts, Lane

Key = tuple[type[Row], str, str]


@dataclass(frozen=True)
class BoardSnapshot:
    """A board with its counts and its lanes in order, as read at one moment."""

    board: Board
    counts: Counts
    lanes: list[Lane]

    @property
    def cards(self) -> int:
        return self.counts.cards

    def cards_in(self, lane: Lane) -> int:
        return self.counts.cards_in(lane.id)

    def cards_in_column(self, column_id: str) -> int:
        return int(self.counts.columns.get(column_id, 0))


def get_board(actor: Actor, board_id: str, permission: Permission | None = None) -> BoardSnapshot:
    """Read a board by its id. One round trip. Raises NotFound, Forbidden."""
    bare = id_of(Board, board_id)
    return assemble_board(get_many(board_keys(bare)), actor, permission)


def board_keys(board_id: str) -> list[Key]:
    """Return the keys of all rows of a board, derived from its id; `assemble_board` takes the rows in this order."""
    lanes: list[Key] = [(Lane, *Lane.key(lane_id_of(board_id, template.number))) for template in LANES]
    return [(Board, *Board.key(board_id)), (Counts, *Counts.key(board_id)), *lanes]


def assemble_board(rows: Sequence[Any], actor: Actor, permission: Permission | None = None) -> BoardSnapshot:
    """Build a board from the rows of `board_keys`. One more round trip if lanes have other ids. Raises NotFound, Forbidden."""
    board, counts, *lane_rows = rows
    if board is None or board.deleted_at:
        raise NotFound(Board.NAME)
    authorize(board, actor, permission)
    lanes = {lane.id: lane for lane in lane_rows if lane is not None}
    missing = [lane_id for lane_id in board.lane_ids if lane_id not in lanes]
    if missing:
        lanes |= {lane.id: lane for lane in fetch_all(Lane, missing)}
    ordered = sorted((lanes[lane_id] for lane_id in board.lane_ids if lane_id in lanes), key=lambda lane: lane.number)
    return BoardSnapshot(board, counts or Counts.of(board.id), ordered)
