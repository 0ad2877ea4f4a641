"""Tasks that come with a ticket, in its own transaction."""

from typing import Final

from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.events import EventType, record
from shared.work.items.rows import Item
from shared.work.tasks.rows import Task

ANALYZE, IMPLEMENT = "analyze_requirements", "implement_feature"
_FIRST_IN_REQUIREMENTS: Final = "PHASE_REQUIREMENTS"


def new_task(actor: Actor, card: Item, title: str, description: str | None, task_type: str) -> Task:
    """Build a task of a card with its event, not yet written. It has the card's phase and priority."""
    task = Task.new(
        new_id(),
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        item_id=card.id,
        title=title[:500],
        description=description,
        task_type=task_type,
        priority=card.priority,
        phase_id=card.phase_id,
        created_by=actor.summary,
    )
    record(
        task,
        EventType.TASK_CREATED,
        actor,
        title=task.title,
        task_type=task_type,
        priority=card.priority,
        phase_id=card.phase_id,
        card_id=card.id,
    )
    return task


def first_task(actor: Actor, card: Item) -> Task:
    """Build the task with which the work on a card begins: its requirements are analyzed, or it is implemented."""
    analyzes = card.phase_id == _FIRST_IN_REQUIREMENTS
    words, task_type = ("Analyze requirements", ANALYZE) if analyzes else ("Implement", IMPLEMENT)
    return new_task(actor, card, f"{words}: {card.title}", card.description and card.description[:5_000], task_type)
