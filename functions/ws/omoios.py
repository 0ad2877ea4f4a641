"""omoios, section 11: `/api/v1/ws/events`. Filters come with the query and may be changed by `subscribe`; none means everything.

The caller hears of every workspace that they belonged to when they connected.
"""

import json
from collections.abc import Mapping
from typing import Any

from functions.ws.endpoint import MOST_BYTES, Arrival, Endpoint
from shared.channels.sockets.client import socket_client
from shared.channels.sockets.connections import open_connection
from shared.channels.sockets.frames import compact
from shared.channels.sockets.rows import Connection, Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.core.errors import FieldError, Invalid
from shared.edge.views.omoios.filters import FILTERS
from shared.store import update, write

_MOST = 100  # values of one filter
_WORKSPACES = 90  # that a connection hears of: their rows are written in one transaction of at most 100


def _connect(arrival: Arrival) -> None:
    filters = {name: _values(arrival.query[name]) for name in FILTERS if name in arrival.query}
    topics = [workspace_topic(ws_id) for ws_id in sorted(arrival.actor.workspaces)][:_WORKSPACES]
    connection = Connection.new(
        arrival.connection_id,
        arrival.actor.id,
        contract=EVENTS.contract,
        endpoint=EVENTS.name,
        session_id=str(arrival.actor.session_id),
        org_id=arrival.actor.org_id,
        topics=topics,
    )
    open_connection(connection, [Subscription.of(topic, connection, filters=filters or None) for topic in topics])


def _on_message(connection: Connection, text: str) -> None:
    try:
        message = json.loads(text) if len(text.encode()) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        _tell(connection, {"error": "Invalid JSON message"})
        return
    match message.get("type"):
        case "ping":
            _tell(connection, {"type": "pong"} | ({"timestamp": message["timestamp"]} if "timestamp" in message else {}))
        case "subscribe":
            try:
                _tell(connection, {"status": "subscribed", "filters": _subscribe(connection, message)})
            except Invalid as error:
                _tell(connection, {"error": error.fields[0].message})
        case _:
            _tell(connection, {"error": "Unknown message type"})


def _subscribe(connection: Connection, message: Mapping[str, Any]) -> dict[str, list[str]]:
    """New filters in place of all the old ones."""
    filters = {name: _values(message[name]) for name in FILTERS if message.get(name)}
    operations = [
        update(Subscription.at(topic, connection.id), [Subscription.filters.set(filters)], Subscription.pk.exists())
        for topic in connection.topics
    ]
    if operations:
        write(*operations)
    return filters


def _values(given: Any) -> list[str]:
    """A list of texts, or texts that are comma lists."""
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Invalid(FieldError("filters", "A filter is a list of texts"))
    values = [value.strip() for part in parts for value in part.split(",") if value.strip()]
    if len(values) > _MOST or any(len(value) > 100 for value in values):
        raise Invalid(FieldError("filters", f"A filter has at most {_MOST} values of 100 characters"))
    return values


def _tell(connection: Connection, message: dict[str, Any]) -> None:
    socket_client().post(connection.id, compact(message))


EVENTS = Endpoint("omoios.events", "/api/v1/ws/events", _connect, _on_message)
