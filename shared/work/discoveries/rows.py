"""The discovery row. Indexes list it by its card, by its agent and, if it has one, by its task."""

from shared.core.actor import Actor
from shared.events import EventType, record
from shared.store import Entity, JSONAttribute, UnicodeAttribute, create, write
from shared.work.items.rows import Item


class Discovery(Entity):
    KIND = "DSC"
    NAME = "discovery"

    type = UnicodeAttribute()
    description = UnicodeAttribute()
    priority = UnicodeAttribute(default="medium")
    status = UnicodeAttribute(default="open")  # open | in_progress | resolved | invalid
    item_id = UnicodeAttribute()
    task_id = UnicodeAttribute(null=True)
    run_id = UnicodeAttribute(null=True)
    agent = JSONAttribute()
    spawned_task_ids = JSONAttribute(default=list)
    resolved_at = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        keys = {
            1: (f"ITEM#{self.item_id}", f"DSC#{self.created_at}#{self.id}"),
            3: (f"WS#{self.ws_id}#AGENT#{self.agent['id']}#DSC", f"{self.created_at}#{self.id}"),
        }
        if self.task_id:
            keys[2] = (f"TASK#{self.task_id}#DSC", f"{self.status}#{self.created_at}#{self.id}")
        return keys


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
