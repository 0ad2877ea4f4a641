"""Publish events to sockets, in each contract's own format."""

from datetime import timedelta

from shared.channels.sockets.connections import has_subscribers
from shared.channels.sockets.publish import publish
from shared.core import clock
from shared.edge.views.channels import render_frames, workspace_of
from shared.events.change import Change
from shared.events.record import Event
from shared.insight.audit.marking import LATE

_MAX_AGE = timedelta(minutes=10)  # an older event comes from a replay of the stream


def react(change: Change) -> None:
    """Publish what the contracts show of a change, one message per topic that somebody listens to: a question costs a read unit, a message
    fifteen of them. Events older than ten minutes are skipped."""
    if clock.parse(change.event.at) < clock.now() - _MAX_AGE:
        return
    for topic, frames in render_frames(change).items():
        if has_subscribers(topic):
            publish(topic, frames, ws_id=workspace_of(change), event_id=change.event.id, position=_position(change.event))


def _position(event: Event) -> str | None:
    """Return the place of an event in its log, or None if it came late: a replay sends such an event whatever its place is."""
    is_late = clock.parse(event.at) < clock.now() - timedelta(seconds=LATE)
    return None if is_late else f"{event.at}#{event.id}"
