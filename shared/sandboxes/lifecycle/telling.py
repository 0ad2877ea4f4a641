"""Tell a running sandbox something over its own connection."""

from typing import Any

from shared.channels.sockets.client import SENT, socket_client
from shared.channels.sockets.frames import compact
from shared.sandboxes.lifecycle.rows import Link
from shared.store import get


def tell(sandbox_id: str, event: str, data: dict[str, Any] | None = None, start_number: int | None = None) -> bool:
    """Post an event to the sandbox if it is connected (with this start); return whether its connection took it. One read."""
    link = get(Link, *Link.key(sandbox_id))
    if link is None or not link.connection or start_number not in (None, int(link.start_number)):
        return False
    return post(link.connection, event, data)


def post(connection_id: str, event: str, data: dict[str, Any] | None = None) -> bool:
    """Post an event to a sandbox's connection; return whether it took it."""
    return socket_client().post(connection_id, frame(event, data)).outcome == SENT


def frame(event: str, data: dict[str, Any] | None = None) -> str:
    """Return an event as the sandbox agent reads it."""
    return compact({"event": event} | ({} if data is None else {"data": data}))
