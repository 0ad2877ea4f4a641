"""The board of a new project: eleven lanes, and a count of nothing in each.

Its ids follow from the project's id, so that one batch read gets a whole board (row, counts, lanes) by either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.ids import derived_id
from shared.store import Operation, create
from shared.work.boards.counting import new_counts
from shared.work.boards.lanes import BOARD_NAME, LANES
from shared.work.boards.rows import Board, Lane

CARD_TYPES = ("epic", "feature", "task", "bug", "blueprint", "doc")


def board_id_of(project_id: str) -> str:
    return derived_id("board", project_id)


def lane_id_of(board_id: str, number: int) -> str:
    return derived_id("lane", board_id, number)


@dataclass(frozen=True)
class LaneOptions:
    """What a project asks of a lane before the board exists; None leaves the lane as every board has it."""

    number: int
    name: str | None = None
    wip_limit: int | None = None
    agent: str | None = None


def new_board(
    project_id: str, org_id: str | None, ws_id: str, wip_limits: Mapping[int, int], wishes: Sequence[LaneOptions] = ()
) -> tuple[Board, list[Operation]]:
    """The board with its lanes and counts, not yet written. `wip_limits` maps a lane number to its limit; a wish goes before it."""
    tenancy: dict[str, Any] = {"org_id": org_id, "ws_id": ws_id, "proj_id": project_id}
    board_id = board_id_of(project_id)
    asked = {wish.number: wish for wish in wishes}
    lanes = []
    for kind in LANES:
        wish = asked.get(kind.number, LaneOptions(kind.number))
        lanes.append(
            Lane.new(
                lane_id_of(board_id, kind.number),
                board_id=board_id,
                number=kind.number,
                name=wish.name or kind.name,
                phase_id=kind.phase,
                wip_limit=wish.wip_limit or wip_limits.get(kind.number, kind.wip_limit),
                auto_trigger_agent=wish.agent or kind.agent,
                settings={
                    "color": kind.color,
                    "position": kind.number,
                    "allowedCardTypes": list(CARD_TYPES),
                    "requiredFields": [],
                },
                **tenancy,
            )
        )
    board = Board.new(board_id, name=BOARD_NAME, lane_ids=[lane.id for lane in lanes], **tenancy)
    return board, [create(board), *map(create, lanes), create(new_counts(board_id, lanes))]
