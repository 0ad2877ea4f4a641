"""The types of a contract's table of events."""

from collections.abc import Callable, Iterable, Mapping

from shared.channels.sockets.frames import Frame
from shared.events import EventType
from shared.events.change import Change

Renderer = Callable[[Change], Iterable[Frame]]
Table = Mapping[EventType, Renderer]
"""Has an entry for every event of the platform; events that a contract does not show have `not_shown`."""


def not_shown(_: Change) -> Iterable[Frame]:
    """Render nothing: the contract has no such event."""
    return ()
