"""The task row. Indexes list it by its card, by its project and by its agent; the last two by status."""

from collections.abc import Sequence
from typing import Any

from shared.core.actor import Actor
from shared.core.errors import NotFound
from shared.core.ids import is_id
from shared.events import EventType, record
from shared.store import (
    Entity,
    JSONAttribute,
    NumberAttribute,
    UnicodeAttribute,
    authorize,
    create,
    get_many,
    write,
)
from shared.work.items.rows import Item


class Task(Entity):
    KIND = "TASK"
    NAME = "task"

    item_id = UnicodeAttribute()
    title = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    task_type = UnicodeAttribute(default="implementation")
    priority = UnicodeAttribute(default="medium")
    phase_id = UnicodeAttribute()
    status = UnicodeAttribute(default="pending")
    # pending | assigned | running | under_review | validating | completed | failed | cancelled
    agent = JSONAttribute(null=True)
    depends_on = JSONAttribute(default=list)
    discovery_id = UnicodeAttribute(null=True)
    run_id = UnicodeAttribute(null=True)
    """The run that created the task."""
    result = JSONAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    timeout_seconds = NumberAttribute(null=True)
    attempts = NumberAttribute(default=0)
    started_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    created_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        keys = {
            1: (f"ITEM#{self.item_id}", f"TASK#{self.created_at}#{self.id}"),
            2: (f"PROJ#{self.proj_id}#TASK", f"{self.status}#{self.created_at}#{self.id}"),
        }
        if self.agent:
            keys[3] = (f"AGENT#{self.agent['id']}#TASK", f"{self.status}#{self.created_at}#{self.id}")
        return keys

    def filters(self) -> dict[str, Any]:
        return {"task_type": self.task_type, "depends_on": self.depends_on}


def _check_tasks(actor: Actor, card: Item, task_ids: Sequence[str]) -> None:
    """Raise NotFound unless these are tasks of the card's project. One round trip, none without ids."""
    ids = list(dict.fromkeys(task_ids))
    if not all(map(is_id, ids)):
        raise NotFound(Task.NAME)
    for row in get_many([(Task, *Task.key(one)) for one in ids]) if ids else ():
        if not isinstance(row, Task) or row.deleted_at or authorize(row, actor).proj_id != card.proj_id:
            raise NotFound(Task.NAME)


def create_task(
    actor: Actor,
    card: Item,
    task_id: str,
    title: str,
    description: str | None,
    *,
    task_type: str = "implementation",
    priority: str = "medium",
    depends_on: Sequence[str] = (),
    run_id: str | None = None,
) -> Task:
    """Create a task of a card; the caller has checked that the actor may edit the card. `depends_on` names tasks of the card's
    project that must end first. Raises NotFound for any other."""
    _check_tasks(actor, card, depends_on)
    task = Task.new(
        task_id,
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        item_id=card.id,
        title=title,
        description=description,
        task_type=task_type,
        priority=priority,
        phase_id=card.phase_id,
        depends_on=list(depends_on),
        run_id=run_id,
        created_by=actor.summary,
    )
    record(
        task,
        EventType.TASK_CREATED,
        actor,
        title=title,
        task_type=task_type,
        priority=priority,
        phase_id=card.phase_id,
        card_id=card.id,
        run_id=run_id,
    )
    write(create(task))
    return task
