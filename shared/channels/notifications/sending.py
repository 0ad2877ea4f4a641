"""Put a notification into the inboxes of some people: MOST_IN_HOUR to each of them. One more says that there are more."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from shared.channels.notifications.rows import KEPT, HourOfNotifications, Notification, notification_id
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.store import Operation, create, update, write

MAX_MESSAGE = 500  # characters
MOST_IN_HOUR = 300
"""Notifications of one person in an hour. Nobody reads more, and one caller can mention a hundred people in every comment."""
MANY = "many"  # the kind of the one that says so
_TOGETHER = 25  # notifications of one transaction


@dataclass(frozen=True)
class Notice:
    """What people are told. `occasion` is the id of the event: the same one is told to nobody twice."""

    occasion: str
    kind: str
    title: str
    message: str
    entity_type: str
    entity_id: str
    at: str


class _Told(ConditionFailed):
    """This was told before."""


class _TooMany(ConditionFailed):
    """This person has had MOST_IN_HOUR in this hour."""


def notify(ws_id: str, org_id: str | None, user_ids: Iterable[str], notice: Notice) -> None:
    """Tell people something that has happened in a workspace.

    One transaction for 25 of them; one for each person if some were told before, or have had too many.
    """
    rows = [_row(ws_id, org_id, user_id, notice) for user_id in dict.fromkeys(user_ids)]
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER]
        try:
            write(*(each for row in some for each in _writes(row)))
        except (_Told, _TooMany):
            for row in some:
                _tell(row)


def _tell(row: Notification) -> None:
    try:
        write(*_writes(row))
    except _Told:
        return
    except _TooMany:
        with suppress(_Told):
            write(create(_many(row), _Told))


def _writes(row: Notification) -> list[Operation]:
    hour = HourOfNotifications.of(row.user_id, clock.iso())
    room = HourOfNotifications.number.does_not_exist() | (HourOfNotifications.number < MOST_IN_HOUR)
    counted = [HourOfNotifications.number.add(1), HourOfNotifications.ttl.set(int(hour.ttl))]
    return [create(row, _Told), update(hour, counted, room, _TooMany)]


def _many(row: Notification) -> Notification:
    """Return the notification that stands for the rest of an hour."""
    now = clock.iso()
    words = "What else happened in this hour is not told one by one: look at the tickets, the alerts and the audit trail"
    title = f"More than {MOST_IN_HOUR} notifications"
    notice = Notice(f"{row.user_id}/{now[:13]}", MANY, title, words, row.entity_type, row.subject_id, now)
    return _row(str(row.ws_id), row.org_id, row.user_id, notice)


def _row(ws_id: str, org_id: str | None, user_id: str, notice: Notice) -> Notification:
    row = Notification.new(
        notification_id(notice.occasion, notice.kind, user_id),
        org_id=org_id,
        ws_id=ws_id,
        user_id=user_id,
        type=notice.kind,
        title=notice.title,
        message=notice.message[:MAX_MESSAGE],
        entity_type=notice.entity_type,
        subject_id=notice.entity_id,
        ttl=int(clock.parse(notice.at).timestamp()) + KEPT,
    )
    row.created_at = row.updated_at = notice.at
    return row
