"""omoios: events that a socket has missed, as it would have been shown them."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from shared.channels.sockets.replaying import Missed
from shared.edge.views.omoios.events import shown_frames
from shared.insight.audit.replaying import events_since, place_of


class OmoiosEvents:
    """The log of events, as omoios shows it (`replaying.Source`)."""

    def find(self, ws_ids: Sequence[str], event_ids: Sequence[str], partly: Container[str] = ()) -> dict[str, str] | None:
        earliest: dict[str, str] = {}
        for event_id in event_ids:
            place = place_of(ws_ids, event_id)
            if place is None:
                return None
            ws_id, position = place
            # right before an event of which something is missing: its position without the last character
            position = position[:-1] if event_id in partly else position
            earliest[ws_id] = min(position, earliest.get(ws_id, position))
        return earliest

    def missed(self, ws_id: str, position: str, place: Mapping[str, Any]) -> Iterator[Missed]:
        for row, behind in events_since(ws_id, position, place):
            yield Missed(row.id, row.at, shown_frames(row), behind)
