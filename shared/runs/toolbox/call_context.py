"""What a tool works with: the run's agent, its card, and the board around it."""

from dataclasses import dataclass, field
from typing import Any

from shared.core.actor import Actor
from shared.core.errors import FieldError, Invalid, NotFound
from shared.store import fetch, fetch_all
from shared.work.boards.rows import Board, Lane
from shared.work.items.rows import Item

ToolOutput = tuple[dict[str, Any], dict[str, Any] | None]
"""What the model reads, and {kind, id, title, ref?} when something was made."""


@dataclass(frozen=True)
class BoardLanes:
    """The lanes of the card's board, in order: read once for all calls of a turn."""

    board: Board
    lanes: list[Lane]

    def find_lane(self, choice: int | str) -> Lane:
        """By number or name. Raises Invalid, naming the lanes there are."""
        for lane in self.lanes:
            if str(lane.number) == str(choice).strip() or lane.name.casefold() == str(choice).strip().casefold():
                return lane
        known = ", ".join(f"{int(lane.number)} ({lane.name})" for lane in self.lanes)
        raise Invalid(FieldError("lane", f"There is no lane {choice!r}. The lanes are: {known}.", choice))

    def lane_number(self, lane_id: str) -> int | None:
        return next((int(lane.number) for lane in self.lanes if lane.id == lane_id), None)


@dataclass
class CallContext:
    """What a call works with. `new_id` is the id of what it makes: the same whenever this call is carried out again."""

    actor: Actor
    card_id: str
    run_id: str
    tools: tuple[str, ...]
    new_id: str = ""
    refs: dict[str, str] = field(default_factory=dict)
    lanes: BoardLanes | None = None


def read_board_lanes(board_id: str) -> BoardLanes:
    """Two round trips."""
    board = fetch(Board, board_id)
    if board is None:
        raise NotFound(Board.NAME)
    return BoardLanes(board, sorted(fetch_all(Lane, board.lane_ids), key=lambda lane: lane.number))


def get_board_lanes(context: CallContext, card: Item) -> BoardLanes:
    if context.lanes is None or context.lanes.board.id != card.board_id:
        context.lanes = read_board_lanes(card.board_id)
    return context.lanes
