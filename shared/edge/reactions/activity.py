"""The event's own row, and the numbers of its project: one transaction.

The row is written only once, so the numbers move only once, however often the event comes: no second record of what was counted.
"""

from typing import Any

from shared.core.errors import Raced
from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import ACTIVE, Run
from shared.store import Entity, Operation, UnicodeAttribute, create, update, write
from shared.work.activities.rows import activity_of
from shared.work.items.rows import Item
from shared.work.projects.rows import ProjectStats

SEEN = Raced("This event was consumed before")
PRIVATE = frozenset({EventType.USER_REGISTERED, EventType.USER_UPDATED, EventType.PASSWORD_CHANGED})
"""A person's own affairs: no tenant's log."""


class _Subject(Entity):
    """Any entity, as far as its activity row needs to know it."""

    KIND = ""
    NAME = "subject"

    item_id = UnicodeAttribute(null=True)


def react(change: Change) -> None:
    if change.event.type in PRIVATE:
        return
    row = activity_of(change.after(_Subject), change.event)
    row.subject_kind = change.kind
    if change.kind == Item.KIND:
        row.item_id = change.id
    try:
        write(create(row, SEEN), *_counted(change))
    except Raced as refused:
        if refused is not SEEN:
            raise


def _counted(change: Change) -> list[Operation]:
    if change.proj_id is None:
        return []
    actions: list[Any] = [ProjectStats.last_activity.set(change.event.at)]
    if (cards := _cards(change)) != 0:
        actions.append(ProjectStats.cards.add(cards))
    if (runs := _runs(change)) != 0:
        actions.append(ProjectStats.active_runs.add(runs))
    pk, sk = ProjectStats.key(change.proj_id)
    return [update(ProjectStats(pk=pk, sk=sk), actions)]


def _cards(change: Change) -> int:
    if change.kind != Item.KIND:
        return 0
    before, after = change.existed()
    return int(after) - int(before)


def _runs(change: Change) -> int:
    if change.kind != Run.KIND:
        return 0
    before, after = change.status()
    return int(after in ACTIVE) - int(before in ACTIVE)
