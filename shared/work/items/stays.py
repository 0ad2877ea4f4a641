"""How long a card was in each phase. Its own row keeps it, so that a change of phase writes no row beside the card and the counts.

`b86400 r3600x2` says: a day in the backlog, and twice in the requirements, an hour together. Stays follow each other without a gap, so the
present one began where these end.
"""

from typing import Final

from shared.core import clock
from shared.work.boards.lanes import PHASE_LETTERS
from shared.work.boards.rows import Lane
from shared.work.items.rows import Item

_PHASES: Final = {letter: phase for phase, letter in PHASE_LETTERS.items()}
Stays = dict[str, tuple[int, int]]
"""By phase: seconds, and how many stays there were."""


def enter_lane(item: Item, lane: Lane) -> None:
    """Put a card into a lane and into the lane's phase. `reindex` counts the stay in the phase that it leaves."""
    if item.lane_id != lane.id:
        item.lane_at = clock.epoch_milliseconds()
    if item.phase_id != lane.phase_id:
        item.stays = _write(all_stays(item))
    item.lane_id, item.phase_id = lane.id, lane.phase_id


def ended_stays(item: Item) -> Stays:
    """Return the stays in each phase that a card has left."""
    stays: Stays = {}
    for word in (item.stays or "").split():
        seconds, _, number = word[1:].partition("x")
        stays[_PHASES[word[0]]] = int(seconds), int(number or 1)
    return stays


def all_stays(item: Item) -> Stays:
    """Return the stays of a card in each of its phases, the one that goes on until now."""
    stays = ended_stays(item)
    present = max(0, clock.epoch() - phase_entered_at(item))
    seconds, number = stays.get(item.phase_id, (0, 0))
    return stays | {item.phase_id: (seconds + present, number + 1)}


def phase_entered_at(item: Item) -> int:
    """Return when a card entered its phase, in epoch seconds."""
    return int(clock.parse(item.created_at).timestamp()) + sum(seconds for seconds, _ in ended_stays(item).values())


def _write(stays: Stays) -> str:
    return " ".join(
        f"{PHASE_LETTERS[phase]}{seconds}{f'x{number}' if number > 1 else ''}" for phase, (seconds, number) in stays.items()
    )
