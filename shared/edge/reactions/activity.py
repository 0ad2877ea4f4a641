"""Write the activity row of an event; if the event moves a counter of the project, in one transaction with it.

The row is created only once, so the counters change only once, even if the event is delivered several times.
"""

import contextlib
from typing import Any

from shared.core.errors import ConditionFailed
from shared.edge.figures.counting import statistics_operations
from shared.edge.views.omoios.events import shown_of
from shared.events import EventType
from shared.events.change import Change
from shared.insight.audit.marking import mark, note_if_late
from shared.runs.agent_runs.rows import ACTIVE, Run
from shared.store import Entity, Operation, UnicodeAttribute, create, retrying, update, write
from shared.work.activities.rows import new_activity
from shared.work.items.rows import Item
from shared.work.projects.rows import ProjectStats


class _EventConsumed(ConditionFailed):
    """This event was consumed before."""


PRIVATE = frozenset({EventType.USER_REGISTERED, EventType.USER_UPDATED, EventType.PASSWORD_CHANGED})
"""Events of a user's own account: they belong to no tenant's log."""


class _Subject(Entity):
    """Any entity, with the attributes that its activity row needs."""

    KIND = ""
    NAME = "subject"

    item_id = UnicodeAttribute(null=True)


def react(change: Change) -> None:
    if change.event.type in PRIVATE:
        return
    row = new_activity(change.after(_Subject), change.event, change.kind, shown_of(change))
    mark(row)

    def attempt(_: int) -> None:
        write(create(row, _EventConsumed), *note_if_late(row), *_count_changes(change), *statistics_operations(change))

    with contextlib.suppress(_EventConsumed):
        retrying(attempt)


def _count_changes(change: Change) -> list[Operation]:
    if change.proj_id is None or change.ws_id is None:
        return []
    actions: list[Any] = []
    if (cards := _count_cards(change)) != 0:
        actions.append(ProjectStats.cards.add(cards))
    if (runs := _count_runs(change)) != 0:
        actions.append(ProjectStats.active_runs.add(runs))
    pk, sk = ProjectStats.key(change.proj_id)
    return [update(ProjectStats(pk=pk, sk=sk), actions)] if actions else []


def _count_cards(change: Change) -> int:
    if change.kind != Item.KIND:
        return 0
    before, after = change.existed()
    return int(after) - int(before)


def _count_runs(change: Change) -> int:
    if change.kind != Run.KIND:
        return 0
    before, after = change.status()
    return int(after in ACTIVE) - int(before in ACTIVE)
