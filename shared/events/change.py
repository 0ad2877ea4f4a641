"""A change from the stream: the entity before and after, and the event that caused it."""

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.events import Event, EventType
from shared.store import Entity, expand_event, stored_id

E = TypeVar("E", bound=Entity)
Raw = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """`new` and `old` are raw rows; `after(Model)` and `before(Model)` read them."""

    event: Event
    kind: str
    """The entity's KIND: ITEM, RUN, COM, ..."""
    id: str
    new: Raw
    old: Raw | None
    sequence: str = ""
    """Its place in the stream: of two changes of one entity, the later one has the larger number."""

    def after(self, model: type[E]) -> E:
        return model.decode(self.new)

    def before(self, model: type[E]) -> E | None:
        return model.decode(self.old) if self.old else None

    @property
    def org_id(self) -> str | None:
        return _text(self.new, "org_id")

    @property
    def ws_id(self) -> str | None:
        return _text(self.new, "ws_id")

    @property
    def proj_id(self) -> str | None:
        return _text(self.new, "proj_id")

    def status(self) -> tuple[str | None, str | None]:
        """Return the entity's status before and after."""
        return _text(self.old or {}, "status"), _text(self.new, "status")

    def existed(self) -> tuple[bool, bool]:
        """Tell whether the entity existed, not deleted, before and after."""
        return self.old is not None and "deleted_at" not in self.old, "deleted_at" not in self.new


def parse_change(record: Raw) -> Change | None:
    """Return the change in a stream record; None if it has no new event (a counter changed, a row expired)."""
    images = record.get("dynamodb", {})
    new: Raw | None = images.get("NewImage")
    old: Raw | None = images.get("OldImage")
    if not new or "event_id" not in new or "event" not in new:
        return None
    if old and _text(old, "event_id") == _text(new, "event_id"):
        return None
    raw = expand_event(json.loads(new["event"]["S"]), new)
    event = Event(new["event_id"]["S"], EventType(raw["type"]), raw["actor"], raw["at"], raw["changes"], raw["data"])
    return Change(event, new["kind"]["S"], stored_id(new), new, old, images.get("SequenceNumber", ""))


def _text(row: Raw, name: str) -> str | None:
    value: str | None = row.get(name, {}).get("S")
    return value
