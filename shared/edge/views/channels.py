"""The channels of events: which contract shows which events, and on which topic.

A new socket needs a table (`shared/edge/views/<contract>/events.py`) and an entry here: aintandem's with the topics of a sandbox,
of a collaboration and of the system, orchestrator's with those of a user. enterprise has no socket: its webhooks have a table of their own
(`shared/edge/views/enterprise/events.py`), read by a reaction that queues deliveries.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared.channels.sockets.frames import Frame
from shared.channels.sockets.topics import workspace_topic
from shared.edge.views.agentworks import events as agentworks
from shared.edge.views.omoios import events as omoios
from shared.edge.views.rendering import Table
from shared.events.change import Change


@dataclass(frozen=True)
class Channel:
    """`topic` returns the topic of a change; None: it is not published."""

    contract: str
    topic: Callable[[Change], str | None]
    table: Table


def _workspace(change: Change) -> str | None:
    ws_id = workspace_of(change)
    return workspace_topic(ws_id) if ws_id else None


def workspace_of(change: Change) -> str | None:
    """Return the workspace whose members are told of a change: that of its row, else the one that its event names."""
    named: str | None = change.event.data.get("workspace_id")
    return change.ws_id or named


CHANNELS: Final = (
    Channel("agentworks", _workspace, agentworks.WORKSPACE_EVENTS),
    Channel("omoios", _workspace, omoios.EVENTS),
)


def render_frames(change: Change) -> dict[str, dict[str, list[Frame]]]:
    """Render a change for all channels: frames by topic and contract."""
    topics: dict[str, dict[str, list[Frame]]] = defaultdict(dict)
    for channel in CHANNELS:
        topic = channel.topic(change)
        if topic is not None and (frames := list(channel.table[change.event.type](change))):
            topics[topic].setdefault(channel.contract, []).extend(frames)
    return topics
