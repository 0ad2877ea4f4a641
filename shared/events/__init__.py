"""The event catalogue, and events: each is stored inside the item that it changes."""

from shared.events.catalogue import EventType
from shared.events.record import Event, get_event, name_agent, record

__all__ = ["Event", "EventType", "get_event", "name_agent", "record"]
