"""Telling those who listen, in each contract's own words."""

from datetime import timedelta

from shared.channels.sockets.publish import publish
from shared.core import clock
from shared.edge.views.channels import render_frames
from shared.events.change import Change

_WORTH = timedelta(minutes=10)  # an older event is a replay of the stream, and no news


def react(change: Change) -> None:
    """Publish what the contracts show of a change: one message a topic. Nothing of an event that is older than ten minutes."""
    if clock.parse(change.event.at) < clock.now() - _WORTH:
        return
    for topic, frames in render_frames(change).items():
        publish(topic, frames, ws_id=change.ws_id, event_id=change.event.id)
