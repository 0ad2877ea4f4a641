"""The activity row: one for each event, with the event's id, so that consuming an event twice writes the same row."""

from shared.events import Event
from shared.store import Entity, JSONAttribute, UnicodeAttribute


class Activity(Entity):
    """A row at `ACT#<event id>, META`. An index lists it by what it is about: its card, else its project, else its workspace."""

    KIND = "ACT"
    NAME = "activity"

    type = UnicodeAttribute()
    """The event's canonical name (`EventType`)."""
    item_id = UnicodeAttribute(null=True)
    subject_kind = UnicodeAttribute()
    subject_id = UnicodeAttribute(null=True)
    """What changed beside the card: its comment, dependency or run, or another entity; None: the card itself."""
    actor = JSONAttribute()
    at = UnicodeAttribute()
    changes = JSONAttribute(default=dict)
    data = JSONAttribute(default=dict)

    def indexes(self) -> dict[int, tuple[str, str]]:
        if self.item_id:
            return {1: (f"ITEM#{self.item_id}", f"ACT#{self.at}#{self.id}")}
        if self.proj_id:
            return {2: (f"PROJ#{self.proj_id}#ACT", f"{self.at}#{self.id}")}
        return {2: (f"WS#{self.ws_id}#ACT", f"{self.at}#{self.id}")} if self.ws_id else {}


def new_activity(entity: Entity, event: Event) -> Activity:
    """Build the activity row of the event that an entity carries. Nothing is written."""
    item_id = entity.id if entity.KIND == "ITEM" else getattr(entity, "item_id", None)
    return Activity.new(
        event.id,
        type=event.type.value,
        item_id=item_id,
        subject_kind=entity.KIND,
        subject_id=None if entity.id == item_id else entity.id,
        org_id=entity.org_id,
        ws_id=entity.ws_id,
        proj_id=entity.proj_id,
        actor=event.actor,
        at=event.at,
        changes=event.changes,
        data=event.data,
    )
