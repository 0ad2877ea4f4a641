"""Card counts of lanes and columns. They change in the same transaction as the card, so that a WIP limit is a condition of the write.

A card counts in its lane, blocked or not. Among the columns a blocked card counts in `blocked` instead of its phase's column.

Every change of where a card counts is written by `update_counts`, which `shared.work.items.filing` calls. It is refused on the board of an
archived project (`Counts.closed`), so these writes need no check of the project's row.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.core.errors import CadreError, Conflict, TransitionRefused
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.store import Operation, amount, check, update
from shared.work.boards.lanes import COLUMN_BY_PHASE, COLUMNS, lane_key
from shared.work.boards.rows import PRIORITY_LETTERS, STATUS_LETTERS, TYPE_LETTERS, Counts, Lane

BLOCKED_COLUMN = "blocked"


class ProjectArchived(Conflict):
    def __init__(self) -> None:
        super().__init__(Situation.PROJECT_ARCHIVED, "The project is archived; restore it to change it")


@dataclass(frozen=True)
class CardLocation:
    """The lane and the column in which a card is counted, and what it is tallied as."""

    lane_id: str
    column_id: str
    status: str
    type: str
    priority: str


class HasLocation(Protocol):
    """The fields of a card that decide where it is counted."""

    lane_id: Any
    phase_id: Any
    status: Any
    type: Any
    priority: Any

    @property
    def is_blocked(self) -> bool: ...


def card_location(item: HasLocation) -> CardLocation:
    """Return the lane and the column in which a card is counted now."""
    column_id = BLOCKED_COLUMN if item.is_blocked else COLUMN_BY_PHASE[item.phase_id].id
    return CardLocation(item.lane_id, column_id, item.status, item.type, item.priority)


def lane_tally(board_id: str, lane_id: str, status: str) -> str:
    """Return the name under which the cards of a lane with a status are tallied."""
    return f"{lane_key(board_id, lane_id)}:{_letter(STATUS_LETTERS, status)}"


def type_tally(status: str, type_: str) -> str:
    """Return the name under which the cards of a status and a type are tallied."""
    return f"{_letter(STATUS_LETTERS, status)}:{_letter(TYPE_LETTERS, type_)}"


def priority_tally(priority: str) -> str:
    """Return the name under which the cards of a priority are tallied."""
    return f"p:{_letter(PRIORITY_LETTERS, priority)}"


def _letter(letters: Mapping[str, str], value: str) -> str:
    """Return the letter of a status or type. What a filter asks for may be neither, and must not be taken for the letter of one."""
    return letters.get(value, f"?{value}")


def _tallies(board_id: str, location: CardLocation) -> tuple[str, str]:
    return lane_tally(board_id, location.lane_id, location.status), type_tally(location.status, location.type)


def new_counts(board_id: str, lanes: Sequence[Lane]) -> Counts:
    """Build the counts of an empty board; every lane and column has a key from the start, because conditions compare with it."""
    counts = Counts.of(board_id)
    counts.lanes = {lane_key(board_id, lane.id): 0 for lane in lanes}
    counts.columns = {column.id: 0 for column in COLUMNS}
    return counts


def update_counts(
    board_id: str,
    *,
    leaves: CardLocation | None = None,
    enters: CardLocation | None = None,
    lane_limit: int | None = None,
    column_limit: int | None = None,
    column_count: int | None = None,
    ended_stay: tuple[str, int] | None = None,
    also_closed: bool = False,
) -> Operation:
    """Return the operation that counts a card out of one location and into another. The two must differ.

    The limits apply to the location that is entered (None: no limit); a lane or column in which the card stays is not checked.
    `column_count`: the column that is entered must have exactly so many cards. `ended_stay`: the phase that the card leaves, and its
    seconds in it. `also_closed`: an archived project is no reason to refuse. Refused with ProjectArchived, or with TransitionRefused
    whose `details["rule"]` is `lane_wip_limit` or `column_wip_limit` (also for another `column_count`; `current_count` is the true one).
    """
    lanes = _differences(leaves.lane_id if leaves else None, enters.lane_id if enters else None)
    columns = _differences(leaves.column_id if leaves else None, enters.column_id if enters else None)
    changes = [(Counts.lanes[lane_key(board_id, key)], change) for key, change in lanes.items()]
    changes += [(Counts.columns[key], change) for key, change in columns.items()]
    actions = [place.set(place + change) for place, change in changes]
    before, after = (_tallies(board_id, one) if one else (None, None) for one in (leaves, enters))
    for left, entered in zip(before, after, strict=True):
        actions += [amount(name).add(change) for name, change in _differences(left, entered).items()]
    if leaves is None or enters is None or leaves.priority != enters.priority:  # a move changes none
        actions += [
            amount(priority_tally(one.priority)).add(sign) for one, sign in ((leaves, -1), (enters, 1)) if one is not None
        ]
    if leaves is None:
        actions.append(Counts.next.add(1))
    if ended_stay is not None:
        actions += Counts.add_stay(*ended_stay)
    condition: Any = Counts.pk.exists() if also_closed else Counts.pk.exists() & Counts.closed.does_not_exist()
    if enters is not None and lane_limit is not None and enters.lane_id in lanes:
        condition &= Counts.lanes[lane_key(board_id, enters.lane_id)] < lane_limit
    if enters is not None and column_limit is not None and enters.column_id in columns:
        condition &= Counts.columns[enters.column_id] < column_limit
    if enters is not None and column_count is not None and enters.column_id in columns:
        condition &= Counts.columns[enters.column_id] == column_count

    def refusal(raw: dict[str, Any] | None) -> CadreError:
        return _refusal(Counts.decode(raw) if raw else None, enters, lane_limit, column_limit)

    return update(Counts.of(board_id), actions, condition, refusal)


def count_new(board_id: str, locations: Sequence[CardLocation]) -> Operation:
    """Return the operation that counts new cards, whatever the limits of their lanes. Refused with ProjectArchived."""
    lanes = Counter(lane_key(board_id, one.lane_id) for one in locations)
    columns = Counter(one.column_id for one in locations)
    places = [(Counts.lanes[key], number) for key, number in lanes.items()]
    places += [(Counts.columns[key], number) for key, number in columns.items()]
    tallies = Counter(name for one in locations for name in (*_tallies(board_id, one), priority_tally(one.priority)))
    actions = [place.set(place + number) for place, number in places]
    actions += [amount(name).add(number) for name, number in tallies.items()]
    actions.append(Counts.next.add(len(locations)))
    return update(Counts.of(board_id), actions, Counts.pk.exists() & Counts.closed.does_not_exist(), ProjectArchived)


def require_writable(board_id: str) -> Operation:
    """Return the condition that the board's project is not archived, for changes that leave the counts alone."""
    return check(Counts.of(board_id), Counts.closed.does_not_exist(), ProjectArchived)


def _differences(leaves: str | None, enters: str | None) -> dict[str, int]:
    """Return the change of each count; empty if the card stays in the same lane or column."""
    if leaves == enters:
        return {}
    return {key: change for key, change in ((leaves, -1), (enters, 1)) if key is not None}


def _refusal(counts: Counts | None, enters: CardLocation | None, lane_limit: int | None, column_limit: int | None) -> CadreError:
    if counts is None or enters is None or counts.closed:
        return ProjectArchived()
    card_count = counts.cards_in(enters.lane_id)
    if lane_limit is not None and card_count >= lane_limit:
        return TransitionRefused(
            Wording("The {lane}'s WIP limit is reached: at most {limit}", limit=lane_limit),
            {
                "rule": "lane_wip_limit",
                "lane_id": enters.lane_id,
                "column_id": enters.column_id,
                "wip_limit": lane_limit,
                "card_count": card_count,
            },
        )
    card_count = int(counts.columns.get(enters.column_id, 0))
    return TransitionRefused(
        f"The WIP limit of the column '{enters.column_id}' is reached: at most {column_limit}",
        {"rule": "column_wip_limit", "column_id": enters.column_id, "wip_limit": column_limit, "current_count": card_count},
    )
