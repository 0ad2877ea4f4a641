"""aintandem, section 9: the messages of its sockets, `{channel, event, data, timestamp}`, and `sequence` as an addition.

The `sequence` of a line of a log is its number; of everything else its place in time, a text that sorts. Within a channel it says what a
client has; what comes twice has the same one.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.edge.contracts.aintandem import public_id
from shared.edge.views.aintandem.failures import COLLABORATION_FAILED, failure
from shared.edge.views.aintandem.lines import frame
from shared.edge.views.aintandem.monitoring import SHOWN_STATUS
from shared.events import EventType
from shared.sandboxes.collaborations.rows import FAILED

CHANNELS: Final = ("messages", "events", "logs", "metrics")
_EVENTS: Final = {
    EventType.SANDBOX_CREATED: "created",
    EventType.SANDBOX_UPDATED: "updated",
    EventType.SANDBOX_DELETED: "deleted",
    EventType.COLLABORATION_STARTED: "started",
    EventType.COLLABORATION_PROGRESSED: "progressed",
    EventType.COLLABORATION_ENDED: "ended",
}
_STATUS: Final = {"running": "started"}
"""What the document calls the events of a sandbox: started, stopped and error. The others are called by the status."""
_HIDDEN: Final = ("start_number", "after_seconds", "workspace_id")


def event_of_sandbox(
    kind: EventType, sandbox_id: str, changes: Mapping[str, Any], data: Mapping[str, Any], at: str, event_id: str
) -> str:
    """Return an event of a sandbox for the channel `events`."""
    before, status = changes.get("status") or (None, None)
    shown = {"sandbox_id": public_id("sandbox", sandbox_id)} | {
        name: value for name, value in data.items() if name not in _HIDDEN and value is not None
    }
    if status is not None:
        shown |= {"status": SHOWN_STATUS.get(status, status), "previous_status": SHOWN_STATUS.get(str(before), before)}
    name = _EVENTS.get(kind) or _STATUS.get(str(status), str(status))
    return frame("events", name, shown, at, f"{at}#{event_id}")


def event_of_collaboration(
    kind: EventType, collaboration_id: str, changes: Mapping[str, Any], data: Mapping[str, Any], at: str, event_id: str
) -> str:
    """Return an event of a collaboration for the channel `events`."""
    before, status = changes.get("status") or (None, None)
    shown: dict[str, Any] = {"collaboration_id": public_id("collaboration", collaboration_id)} | {
        name: value for name, value in data.items() if name not in _HIDDEN
    }
    if "participants" in shown:
        shown["participants"] = [public_id("sandbox", one) for one in data["participants"]]
    if status is not None:
        shown |= {"status": status, "previous_status": before}
    if status == FAILED:
        shown["error"] = failure(COLLABORATION_FAILED, data.get("reason"))
    return frame("events", _EVENTS[kind], shown, at, f"{at}#{event_id}")


def system_event(kind: EventType, subject_kind: str, subject_id: str, about: Mapping[str, Any], at: str, event_id: str) -> str:
    """Return an event for the administrators of the platform: what happened where, and nothing that a tenant has written."""
    data = {"type": kind.value, "subject": subject_kind, "id": subject_id, **about}
    return frame("events", kind.value, data, at, f"{at}#{event_id}")
