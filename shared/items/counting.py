"""How many cards are where, changed in the very transaction that puts a card there: a WIP limit is a condition of that write.

A card counts in its lane, blocked or not. In the view of columns a blocked card stands in `blocked` instead of its phase's column.

    recount(board_id, enters=in_lane(lane), lane=lane, number=True)             a new card; refused where the lane is full
    recount(board_id, leaves=before, enters=place_of(item), lane=..., ...)      a move, a block, an unblock (`before` of the old state)
    recount(board_id, leaves=place_of(item))                                    a deletion

All of them refuse on the board of an archived project (`Counts.closed`), so these writes need no check of the project's row.
"""

from dataclasses import dataclass
from typing import Any

from shared.boards.lanes import COLUMN_OF_PHASE, Column
from shared.boards.rows import Counts, Lane
from shared.core.errors import CadreError, Conflict, TransitionRefused
from shared.items.rows import Item
from shared.store import Operation, update


@dataclass(frozen=True)
class Place:
    """Where a card counts: a key of `Counts.lanes` and one of `Counts.columns`."""

    lane_id: str
    column_id: str


def place_of(item: Item) -> Place:
    return Place(item.lane_id, "blocked" if item.is_blocked else COLUMN_OF_PHASE[item.phase_id].id)


def in_lane(lane: Lane) -> Place:
    """Where a card counts that is in this lane and not blocked."""
    return Place(lane.id, COLUMN_OF_PHASE[lane.phase_id].id)


def recount(
    board_id: str,
    *,
    leaves: Place | None = None,
    enters: Place | None = None,
    lane: Lane | None = None,
    column: Column | None = None,
    number: bool = False,
) -> Operation:
    """One card less where it leaves, one more where it enters.

    `lane` and `column` are given where their limits hold; what a card does not leave it does not enter either. `number` takes the
    board's next card number. Refused with TransitionRefused (full; `limit` of the details' `rule` says which) or Conflict("state").
    """
    lanes = _steps(leaves.lane_id if leaves else None, enters.lane_id if enters else None)
    columns = _steps(leaves.column_id if leaves else None, enters.column_id if enters else None)
    actions = [Counts.lanes[key].set((Counts.lanes[key] | 0) + step) for key, step in lanes.items()]
    actions += [Counts.columns[key].set((Counts.columns[key] | 0) + step) for key, step in columns.items()]
    if number:
        actions.append(Counts.next.add(1))
    condition: Any = Counts.pk.exists() & Counts.closed.does_not_exist()
    if lane is not None and lane.wip_limit is not None and lane.id in lanes:
        condition &= Counts.lanes[lane.id].does_not_exist() | (Counts.lanes[lane.id] < int(lane.wip_limit))
    if column is not None and column.wip_limit is not None and column.id in columns:
        condition &= Counts.columns[column.id].does_not_exist() | (Counts.columns[column.id] < column.wip_limit)

    def why(raw: dict[str, Any] | None) -> CadreError:
        return _why(Counts.decode(raw) if raw else None, lane, column)

    return update(Counts.of(board_id), actions, condition, why)


def shift(
    board_id: str, *, leave: Lane | None = None, enter: Lane | None = None, force: bool = False, number: bool = False
) -> Operation:
    """`recount` of a card that is not blocked, by its lanes. The entered lane's limit holds unless `force`."""
    return recount(
        board_id,
        leaves=in_lane(leave) if leave else None,
        enters=in_lane(enter) if enter else None,
        lane=None if force else enter,
        number=number,
    )


def _steps(left: str | None, entered: str | None) -> dict[str, int]:
    """Nothing where a card leaves what it enters."""
    if left == entered:
        return {}
    return {key: step for key, step in ((left, -1), (entered, 1)) if key is not None}


def _why(stood: Counts | None, lane: Lane | None, column: Column | None) -> CadreError:
    if stood is None:
        return Conflict("state", "The board is gone")
    if stood.closed:
        return Conflict("state", "The project is archived; restore it to change it")
    held = int(stood.lanes.get(lane.id, 0)) if lane else 0
    if lane is not None and lane.wip_limit is not None and held >= lane.wip_limit:
        limit = int(lane.wip_limit)
        return TransitionRefused(
            f"The WIP limit of the lane {lane.name} is reached: it takes {limit} cards at a time",
            {"rule": "lane_wip_limit", "laneId": lane.id, "laneName": lane.name, "wipLimit": limit, "cardCount": held},
        )
    if column is None:
        return Conflict("state", "The board is gone")
    held = int(stood.columns.get(column.id, 0))
    return TransitionRefused(
        f"The WIP limit of the column '{column.id}' is reached: it holds {held} of {column.wip_limit}; use force to move anyway",
        {"rule": "column_wip_limit", "column_id": column.id, "current_count": held, "wip_limit": column.wip_limit},
    )
