"""The event catalogue, and how an event travels: inside the item that it changes."""

from shared.events.catalogue import EventType
from shared.events.record import Event, event_of, record

__all__ = ["Event", "EventType", "event_of", "record"]
