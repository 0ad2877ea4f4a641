"""Where the cards of a board are: the one row whose numbers a WIP limit is checked against, in the write that changes them."""

from typing import Any

from shared.boards.lanes import COLUMN_OF_PHASE
from shared.boards.rows import Counts, Lane
from shared.core.errors import CadreError, TransitionRefused
from shared.store import Operation, update


def shift(
    board_id: str, *, leave: Lane | None = None, enter: Lane | None = None, force: bool = False, number: bool = False
) -> Operation:
    """Count one card out of a lane, into a lane, or both; columns follow by the lanes' phases.

    Refused with TransitionRefused when the entered lane is full, unless `force`. `number` takes the board's next card number.
    """
    actions: list[Any] = []
    condition: Any = None
    for lane, step in ((leave, -1), (enter, 1)):
        if lane is not None:
            actions.append(_moved(Counts.lanes[lane.id], step))
    columns = {lane and COLUMN_OF_PHASE[lane.phase_id].id: step for lane, step in ((leave, -1), (enter, 1))}
    if leave is None or enter is None or len(columns) == 2:
        actions += [_moved(Counts.columns[column], step) for column, step in columns.items() if column]
    if number:
        actions.append(_moved(Counts.next, 1))
    if enter is not None and enter.wip_limit is not None and not force:
        here = Counts.lanes[enter.id]
        condition = here.does_not_exist() | (here < int(enter.wip_limit))
    return update(Counts.of(board_id), actions, condition, _full(enter) if enter is not None else None)


def _moved(place: Any, step: int) -> Any:
    return place.set((place | 0) + step)


def _full(lane: Lane) -> Any:
    def refused(_: dict[str, Any] | None) -> CadreError:
        limit = int(lane.wip_limit or 0)
        return TransitionRefused(
            f"The lane {lane.name} is full: it takes {limit} cards at a time",
            {"laneId": lane.id, "laneName": lane.name, "wipLimit": limit},
        )

    return refused
