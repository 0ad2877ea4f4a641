"""The activity row: one for each event, so that consuming an event twice writes the same row.

The rows of a log stand in one partition, in the order of their events: a project's log, the log of what happens in a workspace outside
of projects, an organization's. That order needs no index entry, and it can be read strongly consistently.
"""

from collections.abc import Sequence
from typing import Any, Self

from shared.events import Event
from shared.store import Entity, JSONAttribute, UnicodeAttribute

LOG = "LOG#"
Shown = list[Any]
"""What a socket shows of an event: its type, the type and the id of its entity, its payload."""


class Activity(Entity):
    """A row at `LOG#<PROJ|WS|ORG>#<id>, <time>#<event id>`; an index lists it by its card, another one by the agent that acted. An event
    of no tenant is at `ACT#<event id>, META`, where all were once."""

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
    shown = JSONAttribute(null=True)
    """What the omoios socket has shown of the event (`pack_shown`), so that it can be shown again. None: nothing."""

    def indexes(self) -> dict[int, tuple[str, str]]:
        places = {}
        if self.item_id:
            places[1] = (f"ITEM#{self.item_id}", f"ACT#{self.at}#{self.id}")
        if (agent_id := self.agent_id) and self.ws_id:
            places[3] = (agent_partition(self.ws_id, agent_id), f"{self.at}#{self.id}")
        return places

    @property
    def agent_id(self) -> str | None:
        """Return the id of the agent that acted: the actor, or the one that the event names."""
        found = self.actor["id"] if self.actor["kind"] == "agent" else self.data.get("agent_id")
        return str(found) if found else None

    @property
    def position(self) -> str:
        """Return its place in the order of events."""
        return f"{self.at}#{self.id}"

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        if raw["PK"]["S"].startswith(LOG):
            at, _, event_id = raw["SK"]["S"].partition("#")
            said = {
                "at": {"S": at},
                "id": {"S": event_id},
                "created_at": {"S": at},
                "updated_at": {"S": at},
                "version": {"N": "1"},
            }
            if raw["PK"]["S"].startswith(f"{LOG}PROJ#"):
                said["proj_id"] = {"S": raw["PK"]["S"].removeprefix(f"{LOG}PROJ#")}
            raw = said | raw
        return super().decode(raw)

    def compact(self, raw: dict[str, Any]) -> None:
        """Leave out what the key says: each kilobyte of a row is paid."""
        super().compact(raw)
        if self.pk.startswith(LOG):
            for name in ("at", "id", "created_at", "updated_at", "version"):
                raw.pop(name, None)
            if self.pk == project_log(str(self.proj_id)):
                del raw["proj_id"]


def project_log(project_id: str) -> str:
    return f"{LOG}PROJ#{project_id}"


def workspace_log(ws_id: str) -> str:
    """Return the log of what happens in a workspace outside of its projects."""
    return f"{LOG}WS#{ws_id}"


def organization_log(org_id: str) -> str:
    return f"{LOG}ORG#{org_id}"


def agent_partition(ws_id: str, agent_id: str) -> str:
    """Return the partition of index 3 with what an agent has done in a workspace. Agents of the catalogue work in many."""
    return f"AGENT#{ws_id}#{agent_id}#ACT"


def _log_of(entity: Entity, kind: str) -> str | None:
    if project_id := entity.id if kind == "PROJ" else entity.proj_id:
        return project_log(project_id)
    if ws_id := entity.id if kind == "WS" else entity.ws_id:
        return workspace_log(ws_id)
    return organization_log(entity.org_id) if entity.org_id else None


def new_activity(entity: Entity, event: Event, kind: str | None = None, shown: Sequence[Shown] = ()) -> Activity:
    """Build the activity row of the event that an entity of this kind carries. Nothing is written."""
    kind = kind or entity.KIND
    item_id = entity.id if kind == "ITEM" else getattr(entity, "item_id", None)
    subject_id = None if entity.id == item_id else entity.id
    row = Activity.new(
        event.id,
        type=event.type.value,
        item_id=item_id,
        subject_kind=kind,
        subject_id=subject_id,
        org_id=entity.org_id,
        ws_id=entity.id if kind == "WS" else entity.ws_id,
        proj_id=entity.id if kind == "PROJ" else entity.proj_id,
        actor=event.actor,
        at=event.at,
        changes=event.changes,
        data=event.data,
        shown=pack_shown(shown, subject_id or item_id) or None,
    )
    if log := _log_of(entity, kind):
        row.pk, row.sk = log, row.position
    return row


_SAME = "@"  # stands for the id of what the event is about


def pack_shown(shown: Sequence[Shown], entity_id: str | None) -> list[Shown]:
    """Return what was shown with a short mark for the id that nearly every payload repeats."""
    packed = []
    for event_type, entity_type, shown_id, payload in shown:
        marked = _SAME not in payload.values() and isinstance(entity_id, str)
        short = {name: _SAME if value == entity_id else value for name, value in payload.items()} if marked else payload
        packed.append(
            [event_type, entity_type, _SAME if marked and shown_id == entity_id else shown_id, short, *([] if marked else [0])]
        )
    return packed


def unpack_shown(row: Activity) -> list[Shown]:
    """Return what was shown of an activity."""
    entity_id = row.subject_id or row.item_id
    found = []
    for event_type, entity_type, shown_id, payload, *plain in row.shown or ():
        full = payload if plain else {name: entity_id if value == _SAME else value for name, value in payload.items()}
        found.append([event_type, entity_type, entity_id if shown_id == _SAME else shown_id, full])
    return found
