"""The row of a notification.

Index 1 lists the notifications of a person, oldest first; index 2 those that they have not read; index 3 those of a workspace, for its
purge.

NTFHOUR#<person>   <hour>   ephemeral: how many of them came in an hour
"""

from typing import Any, Final

from shared.core import clock
from shared.core.ids import derived_id
from shared.store import Entity, Ephemeral, NumberAttribute, UnicodeAttribute

KEPT: Final = 90 * 86_400
"""Seconds for which a notification can be read; then it is removed."""


def inbox_of(user_id: str) -> str:
    """Return the partition of index 1 that holds the notifications of a person, oldest first."""
    return f"USER#{user_id}#NTF"


def unread_of(user_id: str) -> str:
    """Return the partition of index 2 that holds the notifications that a person has not read, oldest first."""
    return f"USER#{user_id}#NTF#UNREAD"


def notification_id(event_id: str, kind: str, user_id: str) -> str:
    """Return the id of what a person is told of an event, so that an event that comes again tells nothing new."""
    return derived_id("notification", event_id, kind, user_id)


class Notification(Entity):
    KIND = "NTF"
    NAME = "notification"

    user_id = UnicodeAttribute()
    type = UnicodeAttribute()
    title = UnicodeAttribute()
    message = UnicodeAttribute()
    entity_type = UnicodeAttribute()
    subject_id = UnicodeAttribute()
    """The id of what it is about."""
    read_at = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        keys = {1: (inbox_of(self.user_id), place), 3: (f"WS#{self.ws_id}#NTF", place)}
        return keys if self.read_at else keys | {2: (unread_of(self.user_id), place)}

    def filters(self) -> dict[str, Any]:
        return {"workspace": self.ws_id}


class HourOfNotifications(Ephemeral):
    number = NumberAttribute(default=0)

    @classmethod
    def of(cls, user_id: str, at: str) -> "HourOfNotifications":
        """Return the hour of a time (ISO 8601) in the inbox of a person."""
        return cls(pk=f"NTFHOUR#{user_id}", sk=at[:13], ttl=clock.epoch() + 2 * 3_600)
