"""Telling those who listen, in each contract's own words."""

from datetime import timedelta

from shared.channels.sockets.publish import publish
from shared.channels.sockets.topics import workspace_topic
from shared.core import clock
from shared.edge.views.agentworks import events as agentworks_events
from shared.edge.views.omoios import events as omoios_events
from shared.events.change import Change

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
