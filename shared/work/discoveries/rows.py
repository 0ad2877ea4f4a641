"""The discovery row. Indexes list it by its card, by its task if it has one, by its agent, and by its project."""

from typing import Any, Final

from shared.core.actor import Actor
from shared.events import EventType, record
from shared.store import Entity, JSONAttribute, UnicodeAttribute, create, write
from shared.work.items.rows import Item

STATUSES: Final = ("open", "in_progress", "resolved", "invalid")
_EXCERPT: Final = 200  # characters of a description that graphs show


def made_in(ws_id: str, agent_id: str) -> str:
    """Return the partition of index 3 that holds the discoveries of an agent in a workspace, oldest first."""
    return f"WS#{ws_id}#AGENT#{agent_id}#DSC"


def discoveries_of_task(task_id: str) -> str:
    """Return the partition of index 2 that holds the discoveries of a task, by status."""
    return f"TASK#{task_id}#DSC"


def discoveries_of_project(proj_id: str) -> str:
    """Return the partition of index 4 that holds the discoveries of a project, oldest first."""
    return f"PROJ#{proj_id}#DSC"


class Discovery(Entity):
    KIND = "DSC"
    NAME = "discovery"

    type = UnicodeAttribute()
    description = UnicodeAttribute()
    priority = UnicodeAttribute(default="medium")
    status = UnicodeAttribute(default="open")  # STATUSES
    item_id = UnicodeAttribute()
    board_id = UnicodeAttribute()
    task_id = UnicodeAttribute(null=True)
    run_id = UnicodeAttribute(null=True)
    agent = JSONAttribute()
    spawned_task_ids = JSONAttribute(default=list)
    resolved_at = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        keys = {
            1: (f"ITEM#{self.item_id}", f"DSC#{place}"),
            3: (made_in(str(self.ws_id), self.agent["id"]), place),
            4: (discoveries_of_project(str(self.proj_id)), place),
        }
        if self.task_id:
            keys[2] = (discoveries_of_task(self.task_id), f"{self.status}#{place}")
        return keys

    def filters(self) -> dict[str, Any]:
        """Return what graphs show of it."""
        return {
            "item_id": self.item_id,
            "task_id": self.task_id,
            "about": self.description[:_EXCERPT],
            "spawned": self.spawned_task_ids,
        }


def create_discovery(
    actor: Actor,
    card: Item,
    discovery_id: str,
    type_: str,
    description: str,
    priority: str = "medium",
    *,
    task_id: str | None = None,
    run_id: str | None = None,
) -> Discovery:
    """Record a discovery that was made while working on a card; the caller has checked that the actor may edit the card."""
    discovery = Discovery.new(
        discovery_id,
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        type=type_,
        description=description,
        priority=priority,
        item_id=card.id,
        board_id=card.board_id,
        task_id=task_id,
        run_id=run_id,
        agent=actor.summary,
    )
    record(
        discovery,
        EventType.DISCOVERY_MADE,
        actor,
        type=type_,
        description=description[:500],
        priority=priority,
        card_id=card.id,
        run_id=run_id,
    )
    write(create(discovery))
    return discovery
