"""Tasks that come with a ticket, in its own transaction."""

from typing import Final

from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.store import LastBlock, Operation
from shared.work.items.rows import Item
from shared.work.tasks.creating import NewTask, build_task
from shared.work.tasks.rows import Task, tasks_of

ANALYZE, IMPLEMENT = "analyze_requirements", "implement_feature"
_FIRST_IN_REQUIREMENTS: Final = "PHASE_REQUIREMENTS"


def begin_counting(ws_id: str) -> LastBlock:
    """Begin to read what counts the tasks of a workspace."""
    return LastBlock(tasks_of(ws_id))


def new_task(
    actor: Actor, card: Item, last: LastBlock, title: str, description: str | None, task_type: str
) -> tuple[Task, list[Operation]]:
    """Return a task of a card, with the card's phase and priority, and what creates it."""
    new = NewTask(title[:500], description, task_type, card.priority)
    return build_task(actor, card, new_id(), new, last)


def first_task(actor: Actor, card: Item, last: LastBlock) -> list[Operation]:
    """Return what creates the task with which the work on a card begins: its requirements are analyzed, or it is implemented."""
    analyzes = card.phase_id == _FIRST_IN_REQUIREMENTS
    words, task_type = ("Analyze requirements", ANALYZE) if analyzes else ("Implement", IMPLEMENT)
    _, operations = new_task(
        actor, card, last, f"{words}: {card.title}", card.description and card.description[:5_000], task_type
    )
    return operations
