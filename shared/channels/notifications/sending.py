"""Put a notification into the inboxes of some people."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from shared.channels.notifications.rows import KEPT, Notification, notification_id
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.store import create, write

MAX_MESSAGE = 500  # characters
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


def notify(ws_id: str, org_id: str | None, user_ids: Iterable[str], notice: Notice) -> None:
    """Tell people something that has happened in a workspace.

    One transaction for 25 of them; one write for each if some were told before.
    """
    rows = [_row(ws_id, org_id, user_id, notice) for user_id in dict.fromkeys(user_ids)]
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER]
        try:
            write(*(create(row, _Told) for row in some))
        except _Told:
            for row in some:
                with suppress(_Told):
                    write(create(row, _Told))


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
