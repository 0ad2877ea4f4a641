"""Creating the board of a new project: eleven lanes and their card counts.

The ids of board and lanes are derived from the project's id, so that one batch read gets the whole board (row, counts, lanes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.ids import derived_id
from shared.store import Operation, create
from shared.work.boards.counting import new_counts
from shared.work.boards.lanes import BOARD_NAME, LANES, lane_id_of
from shared.work.boards.rows import Board, Lane

CARD_TYPES = ("epic", "feature", "task", "bug", "blueprint", "doc")


def board_id_of(project_id: str) -> str:
    return derived_id("board", project_id)


@dataclass(frozen=True)
class LaneOptions:
    """A project's settings for a lane of its new board; None keeps the value of the template."""

    number: int
    name: str | None = None
    wip_limit: int | None = None
    agent: str | None = None


def new_board(
    project_id: str, org_id: str | None, ws_id: str, wip_limits: Mapping[int, int], options: Sequence[LaneOptions] = ()
) -> tuple[Board, list[Operation]]:
    """Build a board and the operations that create it, its lanes and counts. `wip_limits` maps lane numbers to limits; `options` override
    them."""
    tenancy: dict[str, Any] = {"org_id": org_id, "ws_id": ws_id, "proj_id": project_id}
    board_id = board_id_of(project_id)
    options_by_number = {option.number: option for option in options}
    lanes = []
    for template in LANES:
        option = options_by_number.get(template.number, LaneOptions(template.number))
        lanes.append(
            Lane.new(
                lane_id_of(board_id, template.number),
                board_id=board_id,
                number=template.number,
                name=option.name or template.name,
                phase_id=template.phase,
                wip_limit=option.wip_limit or wip_limits.get(template.number, template.wip_limit),
                auto_trigger_agent=option.agent or template.agent,
                settings={
                    "color": template.color,
                    "position": template.number,
                    "allowedCardTypes": list(CARD_TYPES),
                    "requiredFields": [],
                },
                **tenancy,
            )
        )
    board = Board.new(board_id, name=BOARD_NAME, lane_ids=[lane.id for lane in lanes], **tenancy)
    return board, [create(board), *map(create, lanes), create(new_counts(board_id, lanes))]
