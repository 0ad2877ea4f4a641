"""In which phases a card was, one after the other: from its log, which says who moved it, when and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Self

from shared.core import clock
from shared.events import EventType, get_event
from shared.planning.phases.rows import partition_of
from shared.store import RowKey, first_index_rows
from shared.work.activities.rows import Activity
from shared.work.items.rows import Item
from shared.work.items.stays import ended_stays, phase_entered_at

MAX_MOVES: Final = 50
"""How many moves of a card are read at most: the newest."""
_LOOKED_AT: Final = 500  # entries of its log, each about 250 bytes in the index


@dataclass(frozen=True)
class PhaseChange:
    """What the log says of a change of phase. `left` and `actor` are None if the log does not have it yet."""

    at: str
    left: str | None
    entered: str
    actor: Mapping[str, Any] | None = None
    reason: str | None = None

    @classmethod
    def of(cls, at: str, changes: Mapping[str, Any], actor: Mapping[str, Any], data: Mapping[str, Any]) -> Self | None:
        """Return the change of phase of an event; None if the card stayed in its phase."""
        if "phase_id" not in changes:
            return None
        left, entered = changes["phase_id"]
        return cls(at, left, entered, actor, data.get("reason"))


@dataclass(frozen=True)
class Stay:
    """A stay in a phase. `left_at` is None for the one that goes on; the rest says how it ended."""

    phase_id: str
    entered_at: str
    left_at: str | None = None
    to_phase_id: str | None = None
    actor: Mapping[str, Any] | None = None
    reason: str | None = None

    @property
    def seconds(self) -> float:
        """Return how long it was, or is until now."""
        end = clock.parse(self.left_at) if self.left_at else clock.now()
        return max(0.0, (end - clock.parse(self.entered_at)).total_seconds())


def find_moves(item_id: str) -> list[RowKey]:
    """Return the keys of the newest moves in a card's log. One query."""
    rows, _ = first_index_rows(1, partition_of(item_id), _LOOKED_AT, "ACT#", newest_first=True)
    moved = [row for row in rows if row.f.get("type") == EventType.ITEM_MOVED.value]
    return [(Activity, *row.key) for row in moved[:MAX_MOVES]]


def phase_changes(item: Item, activities: Iterable[Activity]) -> list[PhaseChange]:
    """Return the changes of a card's phase that its log and its last event tell, in order."""
    told = {row.id: PhaseChange.of(row.at, row.changes, row.actor, row.data) for row in activities}
    event = get_event(item)
    if event is not None and event.id not in told:  # the log is a moment behind
        told[event.id] = PhaseChange.of(event.at, event.changes, event.actor, event.data)
    return sorted((change for change in told.values() if change is not None), key=lambda change: change.at)


def stays_of(item: Item, changes: Sequence[PhaseChange]) -> list[Stay]:
    """Return the stays of a card in order, the one that goes on last. Of the first stays those are missing that its log does not reach."""
    known, ended, since = list(changes), sum(number for _, number in ended_stays(item).values()), phase_entered_at(item)
    if ended and not any(clock.parse(one.at).timestamp() >= since for one in known):
        left = known[-1].entered if known else None
        known.append(PhaseChange(clock.iso(clock.from_epoch(since)), left, item.phase_id))
    stays: list[Stay] = []
    if known and known[0].left and len(known) >= ended:
        stays.append(_ended(known[0].left, item.created_at, known[0]))
    stays += [_ended(one.entered, one.at, following) for one, following in pairwise(known)]
    return [*stays, Stay(item.phase_id, known[-1].at if known else item.created_at)]


def _ended(phase_id: str, entered_at: str, change: PhaseChange) -> Stay:
    return Stay(phase_id, entered_at, change.at, change.entered, change.actor, change.reason)
