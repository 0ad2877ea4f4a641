"""Telling those who listen, in each contract's own words."""

from datetime import timedelta

from shared.core import clock
from shared.events.change import Change
from shared.sockets.publish import publish
from shared.sockets.topics import workspace_topic
from shared.views import agentworks_events, omoios_events

_WORTH = timedelta(minutes=10)  # an older event is a replay of the stream, and no news


def react(change: Change) -> None:
    if change.ws_id is None or clock.parse(change.event.at) < clock.now() - _WORTH:
        return
    publish(
        workspace_topic(change.ws_id),
        agentworks=agentworks_events.messages(change),
        omoios=omoios_events.messages(change),
        ws_id=change.ws_id,
        event_id=change.event.id,
    )
