"""What a contract's table of events is made of."""

from collections.abc import Callable, Iterable, Mapping

from shared.channels.sockets.frames import Frame
from shared.events import EventType
from shared.events.change import Change

Renderer = Callable[[Change], Iterable[Frame]]
Table = Mapping[EventType, Renderer]
"""Every event of the platform has its entry: what is not shown says so (`not_shown`)."""


def not_shown(_: Change) -> Iterable[Frame]:
    """The contract has no such event."""
    return ()
