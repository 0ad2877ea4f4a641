"""omoios: events that a socket has missed, as it would have been shown them."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from shared.channels.sockets.replaying import Missed
from shared.edge.views.omoios.events import shown_frames
from shared.insight.audit.replaying import events_since, position_of


class OmoiosEvents:
    """The log of events, as omoios shows it (`replaying.Source`)."""

    def find(self, ws_ids: Sequence[str], event_ids: Sequence[str], partly: Container[str] = ()) -> str | None:
        found = {event_id: position_of(ws_ids, event_id) for event_id in event_ids}
        # right before an event of which something is missing: its position without the last character
        positions = [position[:-1] if position and event_id in partly else position for event_id, position in found.items()]
        return None if None in positions else min(position for position in positions if position is not None)

    def missed(self, ws_id: str, position: str, place: Mapping[str, Any]) -> Iterator[Missed]:
        for row, behind in events_since(ws_id, position, place):
            yield Missed(row.id, row.at, shown_frames(row), behind)
