"""Record the event of a change: an entity holds the last event that changed it, written together with the change.

The stream consumer sees the new `event_id` and does the rest: activity, sockets, triggers. No second write can be lost.
"""

from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.events.catalogue import EventType
from shared.store import Entity


@dataclass(frozen=True)
class Event:
    """What happened. `changes` maps a field to `[old, new]`; `data` holds what is specific to this type of event."""

    id: str
    type: EventType
    actor: dict[str, Any]
    at: str
    changes: dict[str, list[Any]]
    data: dict[str, Any]


def record(entity: Entity, kind: EventType, actor: Actor, *, changes: dict[str, list[Any]] | None = None, **data: Any) -> None:
    """Set the event of an entity that is about to be written. Call it once per write, before `save` or `create`."""
    entity.event_id, entity.has_new_event = new_id(), True
    entity.event = {
        "type": kind.value,
        "actor": actor.summary,
        "at": clock.iso(),
        "changes": {name: [old, new] for name, (old, new) in (changes or {}).items()},
        "data": {name: value for name, value in data.items() if value is not None},
    }


def name_agent(entity: Entity, agent: dict[str, Any]) -> None:
    """Say in the event that was just recorded which agent did it: the actor, a person or an API key, has spoken for it."""
    named = {"agent_id": agent["id"], "agent_name": agent.get("name")}
    entity.event = entity.event | {"data": entity.event["data"] | {name: value for name, value in named.items() if value}}


def get_event(entity: Entity) -> Event | None:
    """Return the last event of an entity, or None."""
    raw = entity.event
    if not raw:
        return None
    return Event(str(entity.event_id), EventType(raw["type"]), raw["actor"], raw["at"], raw["changes"], raw["data"])
