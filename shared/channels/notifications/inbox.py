"""The inbox as its owner sees and changes it. What came from a workspace in which they are no longer is not shown."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.channels.notifications.rows import KEPT, Notification, inbox_of, unread_of
from shared.core import clock
from shared.core.actor import Actor
from shared.core.errors import ConditionFailed, NotFound
from shared.store import (
    Entity,
    Operation,
    authorize,
    decode_cursor,
    encode_cursor,
    fetch,
    fetch_all,
    first_index_rows,
    get,
    id_of,
    pages,
    query,
    read_ahead,
    update,
    write,
)

MOST_COUNTED: Final = 100
"""Unread notifications that are counted with a page: whoever has more sees that there are at least so many."""
_TOGETHER: Final = 100  # marked as read by one transaction


@dataclass(frozen=True)
class InboxPage:
    """A page of an inbox. `unread` counts up to MOST_COUNTED; `next_cursor` continues the list (None: it was the last page)."""

    notifications: list[Notification]
    unread: int
    next_cursor: str | None


def list_notifications(actor: Actor, *, unread_only: bool = False, limit: int = 50, cursor: str | None = None) -> InboxPage:
    """Return a page of the actor's inbox, newest first. Two round trips. Raises Invalid for a cursor of another list."""
    name = "unread" if unread_only else "inbox"
    index, partition = (2, unread_of(actor.id)) if unread_only else (1, inbox_of(actor.id))
    between = _kept()
    start = decode_cursor(cursor, name, actor.id)
    first = read_ahead(
        lambda: query(Entity, partition, index=index, between=between, newest_first=True, limit=limit, start=start)
    )
    unread = read_ahead(lambda: first_index_rows(2, unread_of(actor.id), MOST_COUNTED, between=between, attributes=()))
    page = first.result()
    found = fetch_all(Notification, [row.entity_id for row in page.rows], to_show=True)
    shown = [one for one in found if is_visible(actor, one) and not (unread_only and one.read_at)]
    return InboxPage(shown, len(unread.result()[0]), encode_cursor(page.next_key, name, actor.id))


def is_visible(actor: Actor, notification: Notification) -> bool:
    """Tell whether a notification is the actor's, and about a workspace in which they are."""
    return notification.user_id == actor.id and notification.ws_id in actor.workspaces


def mark_read(actor: Actor, notification_id: str) -> Notification:
    """Note that the actor has read a notification; the time of the first time stays. One read and one write. Raises NotFound."""
    row = fetch(Notification, id_of(Notification, notification_id))
    if row is None or row.user_id != actor.id or row.created_at < _kept()[0]:
        raise NotFound(Notification.NAME)
    authorize(row, actor)
    if row.read_at:
        return row
    row.read_at = clock.iso()
    try:
        write(_reading(row.id, row.read_at))
    except _ReadBefore:
        found = get(Notification, *Notification.key(row.id))
        if found is None:
            raise NotFound(Notification.NAME) from None
        return found
    return row


def mark_all_read(actor: Actor, until: float) -> int:
    """Note that the actor has read everything. Return how many notifications were unread until now.

    One query and one transaction for each hundred, until `until` (`time.monotonic`): ask again if thousands are left.
    """
    now, marked = clock.iso(), 0
    for page in pages(Entity, unread_of(actor.id), index=2, between=(_kept()[0], f"{now}~"), limit=_TOGETHER):
        marked += _mark([row.entity_id for row in page.rows], now)
        if time.monotonic() > until:
            break
    return marked


class _ReadBefore(ConditionFailed):
    """The notification was read before, or is gone."""


def _mark(ids: Sequence[str], at: str) -> int:
    """Mark notifications as read. Return how many were unread: each one by itself where somebody else was faster."""
    if not ids:
        return 0
    try:
        write(*(_reading(one, at) for one in ids))
    except _ReadBefore:
        if len(ids) == 1:
            return 0
        half = len(ids) // 2
        return _mark(ids[:half], at) + _mark(ids[half:], at)
    return len(ids)


def _reading(notification_id: str, at: str) -> Operation:
    actions = [
        Notification.read_at.set(at),
        Notification.updated_at.set(at),
        Notification.version.add(1),
        Notification.gsi2pk.remove(),
        Notification.gsi2sk.remove(),
    ]
    unread = Notification.pk.exists() & Notification.read_at.does_not_exist()
    return update(Notification(*Notification.key(notification_id)), actions, unread, _ReadBefore)


def _kept() -> tuple[str, str]:
    """Return bounds of the sort keys of what is kept: DynamoDB removes expired rows days later."""
    return clock.in_seconds(-KEPT), "~"
