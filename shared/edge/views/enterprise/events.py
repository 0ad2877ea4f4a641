"""enterprise, "Webhook Events": which of the platform's events are events of webhooks, with the document's payloads.

An event that is not in the table is none. Of the document's seven, those of tests, builds, deployments and vulnerabilities have no source
yet: whoever records them adds a line here.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, get_args

from shared.channels.webhooks.deliveries import WebhookEvent
from shared.events import EventType
from shared.events.change import Change
from shared.work.items.rows import ItemHead

EventName = Literal[
    "feature.created",
    "feature.status_changed",
    "test.completed",
    "build.completed",
    "deployment.started",
    "deployment.completed",
    "vulnerability.detected",
]
EVENT_NAMES: Final = get_args(EventName)
Named = tuple[EventName, dict[str, Any]]
"""The event's name and its `data`."""
FEATURE_STATUS: Final = {
    "draft": "not_started",
    "ready": "not_started",
    "in_progress": "in_progress",
    "blocked": "blocked",
    "done": "completed",
}
"""A card's status as the status of a feature."""


def is_feature(item: ItemHead) -> bool:
    return bool(item.type == "feature")


def _feature_created(change: Change) -> Named | None:
    item = change.after(ItemHead)
    return ("feature.created", {"feature": _feature(item)}) if is_feature(item) else None


def _feature_changed(change: Change) -> Named | None:
    """Return the change of a feature's status, whichever contract made it. A move that keeps the status is none."""
    item, before = change.after(ItemHead), change.before(ItemHead)
    if before is None or not is_feature(item) or FEATURE_STATUS[before.status] == FEATURE_STATUS[item.status]:
        return None
    statuses = {"previous_status": FEATURE_STATUS[before.status], "current_status": FEATURE_STATUS[item.status]}
    return "feature.status_changed", {"feature": _feature(item) | statuses}


def _feature(item: ItemHead) -> dict[str, Any]:
    return {
        "id": item.id,
        "requirement_id": item.parent_id,
        "project_id": item.proj_id,
        "name": item.title,
        "implementation_status": FEATURE_STATUS[item.status],
        "blocked_reason": item.blocked_reason,
        "updated_at": item.updated_at,
    }


WEBHOOK_EVENTS: Final[dict[EventType, Callable[[Change], Named | None]]] = {
    EventType.ITEM_CREATED: _feature_created,
    EventType.ITEM_UPDATED: _feature_changed,
    EventType.ITEM_MOVED: _feature_changed,
    EventType.ITEM_BLOCKED: _feature_changed,
    EventType.ITEM_UNBLOCKED: _feature_changed,
}


def webhook_event(change: Change) -> WebhookEvent | None:
    """Return what webhooks are told of a change; None: nothing."""
    show = WEBHOOK_EVENTS.get(change.event.type)
    named = show(change) if show else None
    if named is None:
        return None
    name, data = named
    resource = f"{change.kind}-{change.id}"
    return WebhookEvent(name, change.event.id, change.event.at, resource, change.sequence, change.proj_id, data)
