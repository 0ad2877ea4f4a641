"""The context of a tool call: the run's agent, its card, and the lanes of the board."""

from dataclasses import dataclass, field
from typing import Any, Final

from shared.core.actor import Actor
from shared.core.errors import FieldError, Invalid, NotFound
from shared.core.texts import searchable
from shared.store import fetch, fetch_all
from shared.work.boards.rows import Board, Lane
from shared.work.items.rows import Item

RESULT_LIMIT: Final = 240_000
"""Characters of a result: the longest document that an agent may write, with JSON escapes. Documents of people may be longer."""
_HEADLINE: Final = 120
ToolOutput = tuple[dict[str, Any], dict[str, Any] | None]
"""The text for the model (as JSON values), and the effect {kind, id, title, ref?} if there is one."""


def headline(text: str) -> str:
    """Return the first line of a text without its mark, as the title of what was written; at most 120 characters."""
    lines = (line.strip().lstrip("#>*- ") for line in text.splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= _HEADLINE else f"{line[: _HEADLINE - 1]}…"


@dataclass(frozen=True)
class BoardLanes:
    """A board with its lanes in order; read once for all calls of a turn."""

    board: Board
    lanes: list[Lane]

    def find_lane(self, choice: int | str) -> Lane:
        """Find a lane by number or name. Raises Invalid, with the names of all lanes."""
        for lane in self.lanes:
            if str(lane.number) == str(choice).strip() or searchable(lane.name) == searchable(str(choice).strip()):
                return lane
        known = ", ".join(f"{int(lane.number)} ({lane.name})" for lane in self.lanes)
        raise Invalid(FieldError("lane", f"There is no lane {choice!r}. The lanes are: {known}.", choice))

    def lane_number(self, lane_id: str) -> int | None:
        return next((int(lane.number) for lane in self.lanes if lane.id == lane_id), None)


@dataclass
class CallContext:
    """The context of one call. `new_id` is the id of the object that it creates; it is the same if the call is repeated. `result_tokens`
    is what a model with a small window reads of the result."""

    actor: Actor
    card_id: str
    run_id: str
    tools: tuple[str, ...]
    new_id: str = ""
    result_tokens: int | None = None
    refs: dict[str, str] = field(default_factory=dict)
    lanes: BoardLanes | None = None


def read_board_lanes(board_id: str) -> BoardLanes:
    """Read a board with its lanes; two round trips. Raises NotFound."""
    board = fetch(Board, board_id)
    if board is None:
        raise NotFound(Board.NAME)
    return BoardLanes(board, sorted(fetch_all(Lane, board.lane_ids), key=lambda lane: lane.number))


def get_board_lanes(context: CallContext, card: Item) -> BoardLanes:
    if context.lanes is None or context.lanes.board.id != card.board_id:
        context.lanes = read_board_lanes(card.board_id)
    return context.lanes
