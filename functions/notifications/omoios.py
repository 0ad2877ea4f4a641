"""omoios, section 13: notifications; and the alerts of the original service."""

import time
from typing import Annotated

from fastapi import Query

from functions.notifications import alerts
from shared.channels.notifications import inbox
from shared.channels.notifications.inbox import MOST_COUNTED
from shared.channels.notifications.rows import Notification as NotificationRow
from shared.edge.contracts.base import Shape
from shared.edge.contracts.omoios import OMOIOS
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes

routes = Routes(OMOIOS, "notifications")
_SECONDS = 20
"""For how long a request marks notifications: more than ten thousand; API Gateway waits for 29 s."""


class Notification(Shape):
    id: str
    type: str
    title: str
    message: str
    entity_type: str
    entity_id: str
    read: bool
    read_at: str | None
    created_at: str


class NotificationRead(Shape):
    id: str
    read: bool
    read_at: str


class AllRead(Shape):
    marked_read: int


def _notification(row: NotificationRow) -> Notification:
    return Notification(
        id=row.id,
        type=row.type,
        title=row.title,
        message=row.message,
        entity_type=row.entity_type,
        entity_id=row.subject_id,
        read=bool(row.read_at),
        read_at=row.read_at,
        created_at=row.created_at,
    )


@routes.get("/notifications", "notifications.list", personal=True)
async def list_notifications(
    caller: Caller,
    call: ThisCall,
    unread_only: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=2_000)] = None,
) -> list[Notification]:
    """List the caller's notifications of the last 90 days, newest first.

    `X-Next-Cursor` continues the list; `X-Unread-Count` has how many are unread, and 100 where there are more.
    """
    page = inbox.list_notifications(caller, unread_only=unread_only, limit=limit, cursor=cursor)
    call.headers.append(("X-Unread-Count", str(min(page.unread, MOST_COUNTED))))
    if page.next_cursor is not None:
        call.headers.append(("X-Next-Cursor", page.next_cursor))
    return [_notification(row) for row in page.notifications]


@routes.post("/notifications/read-all", "notifications.readAll", personal=True)
async def read_all(caller: Caller) -> AllRead:
    """Mark all notifications as read. A request marks as many as it can in twenty seconds."""
    return AllRead(marked_read=inbox.mark_all_read(caller, time.monotonic() + _SECONDS))


@routes.post("/notifications/{notification_id}/read", "notifications.read", personal=True)
async def read(notification_id: str, caller: Caller) -> NotificationRead:
    """Mark a notification as read. Again it changes nothing."""
    row = inbox.mark_read(caller, notification_id)
    return NotificationRead(id=row.id, read=True, read_at=str(row.read_at))


alerts.publish(routes)
