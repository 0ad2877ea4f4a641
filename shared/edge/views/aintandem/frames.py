"""aintandem, section 9: the messages of its sockets, `{channel, event, data, timestamp}`, and `sequence` as an addition.

The `sequence` of a line of a log is its number; of everything else its place in time, a text that sorts. Within a channel it says what a
client has; what comes twice has the same one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from shared.channels.sockets.frames import FRAME_BYTES, compact
from shared.core import clock
from shared.edge.contracts.aintandem import public_id
from shared.edge.views.aintandem.monitoring import SHOWN_STATUS, log_line
from shared.events import EventType
from shared.sandboxes.messages.rows import Message

CHANNELS: Final = ("messages", "events", "logs", "metrics")
CONTROL: Final = "control"
"""The channel of what answers the client itself: `subscribed`, `error`, `pong`, `gap`."""
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


def frame(channel: str, event: str, data: Any, at: str | None = None, sequence: str | int | None = None) -> str:
    message = {"channel": channel, "event": event, "data": data, "timestamp": at or clock.iso()}
    return compact(message | ({} if sequence is None else {"sequence": sequence}))


def event_of_sandbox(
    kind: EventType, sandbox_id: str, changes: Mapping[str, Any], data: Mapping[str, Any], at: str, event_id: str
) -> str:
    """Return an event of a sandbox for the channel `events`."""
    before, status = changes.get("status") or (None, None)
    shown = {"sandbox_id": public_id("sandbox", sandbox_id)} | {
        name: value for name, value in data.items() if name not in _HIDDEN and value is not None
    }
    if status is not None:
        shown |= {"status": SHOWN_STATUS.get(status, status), "previous_status": SHOWN_STATUS.get(before, before)}
    name = _EVENTS.get(kind) or _STATUS.get(str(status), str(status))
    return frame("events", name, shown, at, f"{at}#{event_id}")


def event_of_collaboration(
    kind: EventType, collaboration_id: str, changes: Mapping[str, Any], data: Mapping[str, Any], at: str, event_id: str
) -> str:
    """Return an event of a collaboration for the channel `events`."""
    before, status = changes.get("status") or (None, None)
    shown = {"collaboration_id": public_id("collaboration", collaboration_id)} | {
        name: value for name, value in data.items() if name not in _HIDDEN
    }
    if status is not None:
        shown |= {"status": status, "previous_status": before}
    return frame("events", _EVENTS[kind], shown, at, f"{at}#{event_id}")


def message_frame(message: Message, event: str, at: str, event_id: str) -> str:
    """Return a message between sandboxes for the channel `messages`. A content that no socket's message holds is null there: it is read with
    `GET /messages/{message_id}`."""
    data = {
        "message_id": public_id("message", message.id),
        "from_sandbox": public_id("sandbox", message.from_sandbox),
        "from_agent": message.from_agent,
        "to_sandbox": public_id("sandbox", message.to_sandbox),
        "to_agent": message.to_agent,
        "message_type": message.message_type,
        "content": message.content,
        "status": message.status,
        "in_reply_to": public_id("message", message.in_reply_to) if message.in_reply_to else None,
        "collaboration_id": public_id("collaboration", message.collaboration_id) if message.collaboration_id else None,
        "reason": message.reason,
    }
    text = frame("messages", event, data, at, f"{at}#{event_id}")
    if len(text.encode()) > FRAME_BYTES:
        text = frame("messages", event, data | {"content": None, "content_omitted": True}, at, f"{at}#{event_id}")
    return text


def message_event(kind: EventType, status: str, *, received: bool) -> str:
    """Return what the event of a message is called on the socket of its sender, or of its recipient."""
    if kind is EventType.SANDBOX_MESSAGE_BLOCKED:
        return "message_blocked"
    if kind is EventType.SANDBOX_MESSAGE_SENT:
        return "message_received" if received else "message_sent"
    return f"message_{status}"


def system_event(kind: EventType, subject_kind: str, subject_id: str, about: Mapping[str, Any], at: str, event_id: str) -> str:
    """Return an event for the administrators of the platform: what happened where, and nothing that a tenant has written."""
    data = {"type": kind.value, "subject": subject_kind, "id": subject_id, **about}
    return frame("events", kind.value, data, at, f"{at}#{event_id}")


def lines(texts: Sequence[str]) -> Iterator[str]:
    """Yield lines of a sandbox's log, as many in a message as fit (`SocketContract`)."""
    yield from log_frames(map(json.loads, texts))


def log_frames(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield messages with lines of a log; `sequence` is the number of the last line in each."""
    group: list[dict[str, Any]] = []
    size, sandbox_id, at = 0, "", ""
    for entry in entries:
        line = log_line(dict(entry))
        length = len(compact(line).encode()) + 1
        if group and size + length > FRAME_BYTES - 500:
            yield _log_frame(sandbox_id, group, at)
            group, size = [], 0
        group.append(line)
        size, sandbox_id, at = size + length, str(entry["runId"]), str(entry["timestamp"])
    if group:
        yield _log_frame(sandbox_id, group, at)


def _log_frame(sandbox_id: str, group: list[dict[str, Any]], at: str) -> str:
    data = {"sandbox_id": public_id("sandbox", sandbox_id), "logs": group}
    return frame("logs", "log_lines", data, at, group[-1]["sequence"])


def notice(kind: str, about: Mapping[str, Any]) -> Iterable[str]:  # noqa: ARG001 - sandboxes have no such news
    """Return nothing: a sandbox's status has events (`SocketContract`)."""
    return ()
