"""Tasks follow their card: those of a deleted card are deleted, those of an archived card are in no list until it is restored."""

from collections.abc import Callable, Sequence

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.store import Entity, Operation, delete, fetch, fetch_all, pages, relabel, update_with_retry
from shared.work.items.rows import ItemHead
from shared.work.tasks.changing import record_update
from shared.work.tasks.rows import Dependent, GraphRow, Task, tasks_of, tasks_of_card

Follow = Callable[[Task], Sequence[Operation]]


def follow_card(item_id: str) -> None:
    """Delete, archive or restore the tasks of a card as the card is now. Repeating it changes nothing."""
    card = fetch(ItemHead, item_id)
    follow: Follow = _delete if card is None or card.deleted_at else _archive if card.archived_at else _restore
    for page in pages(Entity, tasks_of_card(item_id), index=2, limit=100):
        for task in fetch_all(Task, [row.entity_id for row in page.rows]):
            _change(task, follow)


def _change(found: Task, follow: Follow) -> None:
    def change(task: Task) -> Sequence[Operation]:
        before, version = task.label, task.event_id
        further = follow(task)
        if task.event_id == version:
            return ()
        return [*further, *relabel(tasks_of(str(task.ws_id)), task.counted_in, before, task.label)]

    update_with_retry(lambda: fetch(Task, found.id) or found, change, first=found)


def _delete(task: Task) -> Sequence[Operation]:
    if task.deleted_at:
        return ()
    task.deleted_at = clock.iso()
    record_update(task, SYSTEM, {"deleted_at": [None, task.deleted_at]})
    edges = [delete(Dependent.of(one, task.id)) for one in task.depends_on]
    return [*edges, delete(GraphRow.of(str(task.proj_id), task.id))] if edges else ()


def _archive(task: Task) -> Sequence[Operation]:
    if not task.archived_at and not task.deleted_at:
        task.archived_at = clock.iso()
        record_update(task, SYSTEM, {"archived_at": [None, task.archived_at]})
    return ()


def _restore(task: Task) -> Sequence[Operation]:
    if task.archived_at and not task.deleted_at:
        before, task.archived_at = task.archived_at, None
        record_update(task, SYSTEM, {"archived_at": [before, None]})
    return ()
