"""Publish what sandboxes, messages and collaborations do to aintandem's sockets, where somebody listens."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from shared.channels.sockets.connections import has_subscribers
from shared.channels.sockets.frames import Frame
from shared.channels.sockets.publish import publish
from shared.channels.sockets.topics import SYSTEM_TOPIC, collaboration_topic, sandbox_topic
from shared.core import clock
from shared.edge.views.aintandem import frames
from shared.edge.views.aintandem.messages import message_event, message_frame
from shared.events import EventType
from shared.events.change import Change
from shared.sandboxes.collaborations.rows import Collaboration
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.rows import Message
from shared.store import fetch

_MAX_AGE: Final = timedelta(minutes=10)  # an older event comes from a replay of the stream
Told = tuple[str, Callable[[], str]]
SYSTEM_EVENTS: Final = frozenset(
    {
        EventType.ORGANIZATION_CREATED,
        EventType.ORGANIZATION_UPDATED,
        EventType.SANDBOX_CREATED,
        EventType.SANDBOX_STATUS,
        EventType.SANDBOX_DELETED,
        EventType.SANDBOX_MESSAGE_BLOCKED,
        EventType.COLLABORATION_STARTED,
        EventType.COLLABORATION_ENDED,
    }
)


def react(change: Change) -> None:
    if clock.parse(change.event.at) < clock.now() - _MAX_AGE:
        return
    for topic, text in _told(change):
        if has_subscribers(topic):
            ws_id = None if topic == SYSTEM_TOPIC else change.ws_id
            publish(topic, {"aintandem": [Frame(text())]}, ws_id=ws_id, event_id=change.event.id)


def _told(change: Change) -> Iterator[Told]:
    """Yield the topics of a change, with what makes the message for each."""
    event = change.event
    about: tuple[Any, ...] = (event.type, change.id, event.changes, event.data, event.at, event.id)
    if change.kind == Sandbox.KIND:
        yield sandbox_topic(change.id, "events"), lambda: frames.event_of_sandbox(*about)
    elif change.kind == Collaboration.KIND:
        yield collaboration_topic(change.id, "events"), lambda: frames.event_of_collaboration(*about)
    elif change.kind == Message.KIND:
        yield from _told_of_message(change)
    if event.type in SYSTEM_EVENTS:
        yield SYSTEM_TOPIC, lambda: _system(change)


def _told_of_message(change: Change) -> Iterator[Told]:
    new = change.new
    message: list[Message] = []

    def text(*, received: bool) -> str:
        if not message:  # the stream shows no content; it is read once for all who listen
            found = fetch(Message, change.id)
            message.append(found if found is not None else change.after(Message))
        status = str(change.status()[1])
        message[0].status = status
        answered = "response_id" in change.event.data
        name = message_event(change.event.type, status, received=received, answered=answered)
        return message_frame(message[0], name, change.event.at, change.event.id)

    yield sandbox_topic(new["from_sandbox"]["S"], "messages"), lambda: text(received=False)
    yield sandbox_topic(new["to_sandbox"]["S"], "messages"), lambda: text(received=True)
    if "collaboration_id" in new:
        yield collaboration_topic(new["collaboration_id"]["S"], "messages"), lambda: text(received=False)


def _system(change: Change) -> str:
    event = change.event
    about = {"workspace_id": change.ws_id, "organization_id": change.org_id}
    if status := event.changes.get("status"):
        about |= {"previous_status": status[0], "status": status[1]}
    return frames.system_event(event.type, change.kind, change.id, about, event.at, event.id)
