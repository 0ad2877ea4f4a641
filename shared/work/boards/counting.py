"""How many cards are where, changed in the very transaction that puts a card there: a WIP limit is a condition of that write.

A card counts in its lane, blocked or not. In the view of columns a blocked card stands in `blocked` instead of its phase's column.

Whoever changes where a card counts builds the operation here:

    recount(board_id, enters=place_of(item), lane_limit=...)                  a new card; it takes the board's next number
    before = place_of(item) ... recount(board_id, leaves=before, enters=place_of(item), ...)    a move, a block, an unblock
    recount(board_id, leaves=place_of(item))                                  a deletion

All of them refuse on the board of an archived project (`Counts.closed`), so these writes need no check of the project's row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.core.errors import CadreError, Conflict, TransitionRefused
from shared.core.situations import Situation
from shared.store import Operation, check, update
from shared.work.boards.lanes import COLUMN_BY_PHASE, COLUMNS
from shared.work.boards.rows import Counts, Lane

PROJECT_ARCHIVED = Conflict(Situation.PROJECT_ARCHIVED, "The project is archived; restore it to change it")
BLOCKED_COLUMN = "blocked"


@dataclass(frozen=True)
class CardLocation:
    """Where a card counts: a key of `Counts.lanes` and one of `Counts.columns`."""

    lane_id: str
    column_id: str


class HasLocation(Protocol):
    """A card, as far as its place goes."""

    lane_id: Any
    phase_id: Any

    @property
    def is_blocked(self) -> bool: ...


def card_location(item: HasLocation) -> CardLocation:
    """Where a card counts as it stands."""
    return CardLocation(item.lane_id, BLOCKED_COLUMN if item.is_blocked else COLUMN_BY_PHASE[item.phase_id].id)


def new_counts(board_id: str, lanes: Sequence[Lane]) -> Counts:
    """The counts of an empty board: every lane and column has its key from the start, because conditions compare with it."""
    counts = Counts.of(board_id)
    counts.lanes = {lane.id: 0 for lane in lanes}
    counts.columns = {column.id: 0 for column in COLUMNS}
    return counts


def update_counts(
    board_id: str,
    *,
    leaves: CardLocation | None = None,
    enters: CardLocation | None = None,
    lane_limit: int | None = None,
    column_limit: int | None = None,
) -> Operation:
    """One card less where it leaves, one more where it enters. The two must differ.

    The limits are those of the place that is entered, None does not limit; a lane or column that the card does not leave is not
    entered either. Refused with TransitionRefused, `details["rule"]` being `lane_wip_limit` or `column_wip_limit`, or ARCHIVED.
    """
    lanes = _differences(leaves.lane_id if leaves else None, enters.lane_id if enters else None)
    columns = _differences(leaves.column_id if leaves else None, enters.column_id if enters else None)
    actions = [Counts.lanes[key].set(Counts.lanes[key] + step) for key, step in lanes.items()]
    actions += [Counts.columns[key].set(Counts.columns[key] + step) for key, step in columns.items()]
    if leaves is None:
        actions.append(Counts.next.add(1))
    condition: Any = Counts.pk.exists() & Counts.closed.does_not_exist()
    if enters is not None and lane_limit is not None and enters.lane_id in lanes:
        condition &= Counts.lanes[enters.lane_id] < lane_limit
    if enters is not None and column_limit is not None and enters.column_id in columns:
        condition &= Counts.columns[enters.column_id] < column_limit

    def why(raw: dict[str, Any] | None) -> CadreError:
        return _refusal(Counts.decode(raw) if raw else None, enters, lane_limit, column_limit)

    return update(Counts.of(board_id), actions, condition, why)


def require_writable(board_id: str) -> Operation:
    """Holds while the board's project is not archived: for changes that count nothing."""
    return check(Counts.of(board_id), Counts.closed.does_not_exist(), PROJECT_ARCHIVED)


def _differences(left: str | None, entered: str | None) -> dict[str, int]:
    """Nothing where a card leaves what it enters."""
    if left == entered:
        return {}
    return {key: step for key, step in ((left, -1), (entered, 1)) if key is not None}


def _refusal(stood: Counts | None, enters: CardLocation | None, lane_limit: int | None, column_limit: int | None) -> CadreError:
    if stood is None or enters is None or stood.closed:
        return PROJECT_ARCHIVED
    held = int(stood.lanes.get(enters.lane_id, 0))
    if lane_limit is not None and held >= lane_limit:
        return TransitionRefused(
            f"The lane's WIP limit is reached: it takes {lane_limit} cards at a time",
            {"rule": "lane_wip_limit", "lane_id": enters.lane_id, "wip_limit": lane_limit, "card_count": held},
        )
    held = int(stood.columns.get(enters.column_id, 0))
    return TransitionRefused(
        f"The WIP limit of the column '{enters.column_id}' is reached: it takes {column_limit} tickets at a time",
        {"rule": "column_wip_limit", "column_id": enters.column_id, "wip_limit": column_limit, "current_count": held},
    )
