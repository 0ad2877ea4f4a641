"""Who listens at this moment is told of a search: which memories of their workspace were handed out, not what was asked for, which may come
from another workspace. It is kept nowhere, so no search writes for it."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from shared.channels.sockets.connections import has_subscribers
from shared.channels.sockets.publish import publish
from shared.channels.sockets.topics import workspace_topic
from shared.core import clock
from shared.edge.contracts.omoios import OMOIOS
from shared.insight.memories.searching import Found
from shared.store import ReadFuture, read_ahead


class Listeners:
    """Whether anybody listens where memories were found: it is read while their uses are counted."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = defaultdict(list)
        self._listen: dict[str, ReadFuture[bool]] = {}

    def ask(self, found: Sequence[Found]) -> None:
        """Begin to read who listens where these were found."""
        for one in found:
            self._found[str(one.memory.ws_id)].append(one.memory.id)
        self._listen = {one: read_ahead(partial(has_subscribers, workspace_topic(one))) for one in self._found}

    def tell(self, mode: str) -> None:
        """Tell them."""
        told = [one for one, listens in self._listen.items() if listens.result()]
        if not told:
            return
        from shared.edge.views.omoios.events import search_frame  # with all rows that events show

        at = clock.iso()
        for ws_id in told:
            frame = search_frame(self._found[ws_id], mode, at)
            publish(workspace_topic(ws_id), {OMOIOS.name: [frame]}, ws_id=ws_id)
