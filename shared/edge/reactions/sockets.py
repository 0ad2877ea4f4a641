"""Publish events to sockets, in each contract's own format."""

from datetime import timedelta

from shared.channels.sockets.connections import has_subscribers
from shared.channels.sockets.publish import publish
from shared.core import clock
from shared.edge.views.channels import render_frames, workspace_of
from shared.events.change import Change

_MAX_AGE = timedelta(minutes=10)  # an older event comes from a replay of the stream


def react(change: Change) -> None:
    """Publish what the contracts show of a change, one message per topic that somebody listens to: a question costs a read unit, a message
    fifteen of them. Events older than ten minutes are skipped."""
    if clock.parse(change.event.at) < clock.now() - _MAX_AGE:
        return
    for topic, frames in render_frames(change).items():
        if has_subscribers(topic):
            publish(topic, frames, ws_id=workspace_of(change), event_id=change.event.id)
