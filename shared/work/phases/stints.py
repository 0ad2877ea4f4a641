"""How long a card was in each phase. The stream consumer writes a stay when the card leaves its phase; the last one goes on."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Self

from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.store import Row, amount, create, fetch, get_many, query, update, write
from shared.work.items.rows import Item, ItemHead
from shared.work.phases.rows import PhaseStint, partition_of

_PREFIX: Final = "STINT#"
MAX_STINTS: Final = 500
"""Stays that are read of a card: its newest, about 150 KB."""
_SECONDS, _STAYS = "s:", "n:"  # before the phase, in the name of an attribute


class _StintExists(ConditionFailed):
    """This stay was written before."""


class PhaseTimes(Row):
    """The stays in each phase that have ended in a project, at `PROJ#<id>, PHASES`: `s:<phase>` has their seconds, `n:<phase>` how many."""

    TABLE = "core_table"

    numbers: Mapping[str, int] = MappingProxyType({})

    @classmethod
    def key(cls, project_id: str) -> tuple[str, str]:
        return f"PROJ#{project_id}", "PHASES"

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        row = super().decode(raw)
        row.numbers = {name: int(boxed["N"]) for name, boxed in raw.items() if name.startswith((_SECONDS, _STAYS))}
        return row

    def stays(self) -> dict[str, tuple[int, int]]:
        """Return the seconds of the stays in each phase that a card has left, and how many there were."""
        counts = {name.removeprefix(_STAYS): number for name, number in self.numbers.items() if name.startswith(_STAYS)}
        return {phase: (self.numbers.get(_SECONDS + phase, 0), number) for phase, number in counts.items() if number}

    def average_seconds(self) -> dict[str, float]:
        """Return the average stay in each phase that a card has left, in seconds."""
        stays = {name.removeprefix(_STAYS): number for name, number in self.numbers.items() if name.startswith(_STAYS)}
        return {phase: self.numbers.get(_SECONDS + phase, 0) / number for phase, number in stays.items() if number}


@dataclass(frozen=True)
class Stint:
    """A stay in a phase; `left_at` is None for the one that goes on."""

    phase_id: str
    entered_at: str
    left_at: str | None
    agent_id: str | None = None
    agent: dict[str, Any] | None = None
    reason: str | None = None
    to_phase_id: str | None = None

    @property
    def seconds(self) -> float:
        """Return how long it was, or is until now."""
        end = clock.parse(self.left_at) if self.left_at else clock.now()
        return max(0.0, (end - clock.parse(self.entered_at)).total_seconds())


def end_stint(before: ItemHead, after: ItemHead, event_id: str, at: str, actor: dict[str, Any], reason: str | None) -> None:
    """Write the stay that ended when a card went to another phase, and count it in its project. Events come in the card's order; one that
    was consumed before writes nothing."""
    newest = query(PhaseStint, partition_of(after.id), prefix=_PREFIX, newest_first=True, limit=1, consistent=True).rows
    if newest and newest[0].left_at >= at:
        return
    entered = newest[0].left_at if newest else _created_at(after.id)
    if entered is None:
        return  # the card was purged
    stint = PhaseStint(
        pk=partition_of(after.id),
        sk=f"{_PREFIX}{entered}#{event_id}",
        phase_id=before.phase_id,
        to_phase_id=after.phase_id,
        entered_at=entered,
        left_at=at,
        agent=actor,
        agent_id=actor["id"] if actor.get("kind") == "agent" else before.assignee_id,
        reason=reason,
        event_id=event_id,
    )
    seconds = round(max(0.0, (clock.parse(at) - clock.parse(entered)).total_seconds()))
    pk, sk = PhaseTimes.key(str(after.proj_id))
    counted = [amount(_SECONDS + before.phase_id).add(seconds), amount(_STAYS + before.phase_id).add(1)]
    with contextlib.suppress(_StintExists):
        write(create(stint, _StintExists), update(PhaseTimes(pk=pk, sk=sk), counted))


def _created_at(item_id: str) -> str | None:
    item = fetch(Item, item_id)
    return item.created_at if item else None


def list_stints(item: Item) -> list[Stint]:
    """Return the stays of a card in order, the one that goes on last. One query."""
    rows = query(PhaseStint, partition_of(item.id), prefix=_PREFIX, newest_first=True, limit=MAX_STINTS).rows
    return with_current(item, rows[::-1])


def with_current(item: Item, rows: list[PhaseStint]) -> list[Stint]:
    """Return stays in order, with the one that goes on."""
    ended = [
        Stint(row.phase_id, row.entered_at, row.left_at, row.agent_id, row.agent, row.reason, row.to_phase_id) for row in rows
    ]
    since = ended[-1].left_at if ended else None
    return [*ended, Stint(item.phase_id, since or item.created_at, None)]


def project_phase_times(project_id: str) -> PhaseTimes:
    """Return the sums of the stays that have ended in a project. One read."""
    pk, sk = PhaseTimes.key(project_id)
    row = get_many([(PhaseTimes, pk, sk)])[0]
    return row if isinstance(row, PhaseTimes) else PhaseTimes(pk=pk, sk=sk)
