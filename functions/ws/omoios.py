"""omoios, section 11: `/api/v1/ws/events`. Filters come with the query and can be changed by `subscribe`; without filters all
events are sent.

The caller receives the events of all workspaces to which they belonged when they connected.

With `last_event_id` (an addition), in the query or in a `subscribe`, they first receive what they missed since that event, between
`replay_started` and `replay_completed`; what cannot be told is said by `replay_gap`. A client that names all events of its last seconds,
not only the last one, misses none and gets none twice even of those that passed each other on their way. A client that takes no messages
for a while has them later, in order; after a minute its socket is closed (`holding`).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from functions.ws.endpoint import ConnectRequest, Endpoint, new_connection, read_object
from shared.channels.sockets.connections import close_connection, get_connection, open_connection
from shared.channels.sockets.fanout import deliver
from shared.channels.sockets.frames import compact
from shared.channels.sockets.replaying import MAX_IDS, begin_replay, queue_replay, restart_replay
from shared.channels.sockets.rows import Connection, Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.core.actor import Permission
from shared.core.errors import CadreError, FieldError, Invalid
from shared.core.ids import bare_id, is_id
from shared.edge.contracts.omoios import OMOIOS
from shared.edge.views.omoios.filters import FILTERS, KNOWN
from shared.store import retrying, update, write

_MAX_VALUES = 100  # values of one filter
_IN_MESSAGE = ("type", "last_event_id", *FILTERS)
_EVENT: Final = re.compile(r"[0-9a-f-]+(/[1-9][0-9]?)?")
_MAX_WORKSPACES = 90  # per connection: their subscriptions are written in one transaction of at most 100 rows


def _connect(request: ConnectRequest) -> None:
    filters = _filters(request.query)
    received = _event_ids(request.query.get("last_event_id"))
    visible = [ws_id for ws_id in sorted(request.actor.workspaces) if request.actor.may(Permission.CARD_READ, ws_id)]
    topics = [workspace_topic(ws_id) for ws_id in visible][:_MAX_WORKSPACES]
    connection = new_connection(request, EVENTS, topics=topics)
    subscriptions = [
        Subscription.of(
            topic, connection, filters=filters or None, resumes=True, sees_costs=request.actor.may(Permission.USAGE_READ, ws_id)
        )
        for topic, ws_id in zip(topics, visible, strict=False)
    ]
    generation = begin_replay(connection, subscriptions) if received else None
    open_connection(connection, subscriptions)
    if generation is not None:
        _queue_replay(connection, generation, received)


def _queue_replay(connection: Connection, generation: str, received: list[str]) -> None:
    """Queue a replay. A socket that waits for one that never begins would be silent: it is closed if the queue fails."""
    try:
        queue_replay(connection.id, generation, received)
    except Exception:
        close_connection(connection)
        raise


def _event_ids(value: Any) -> list[str]:
    """Return the events that a client names as received: ids, or `<id>/<part>` for one whose later messages are missing. Raises Invalid."""
    named = [one.partition("/") for one in _values(value)] if value else []
    ids = [bare_id(one) + slash + part for one, slash, part in named]
    if len(ids) > MAX_IDS or not all(_EVENT.fullmatch(one) and is_id(one.partition("/")[0]) for one in ids):
        raise Invalid(FieldError("last_event_id", f"This is the id of an event, or up to {MAX_IDS} of them"))
    return ids


def _on_message(connection: Connection, text: str) -> None:
    try:
        message = read_object(text, "type")
    except CadreError:
        _send(connection, {"error": "Invalid JSON message"})
        return
    match message.get("type"):
        case "ping":
            _send(connection, {"type": "pong"} | ({"timestamp": message["timestamp"]} if "timestamp" in message else {}))
        case "subscribe":
            try:
                _send(connection, {"status": "subscribed", "filters": _subscribe(connection, message)})
            except CadreError as error:
                _refuse(connection, error)
        case _:
            _send(connection, {"error": "Unknown message type"})


def _subscribe(connection: Connection, message: Mapping[str, Any]) -> dict[str, list[str]]:
    """Replace all filters of a connection by new ones, and return these. Raises Invalid, and Conflict if its topics keep changing."""
    if unknown := [name for name in message if name not in _IN_MESSAGE]:
        raise Invalid(FieldError(unknown[0][:100], f"Unknown filter {unknown[0][:100]}; there are {', '.join(FILTERS)}"))
    filters = _filters(message)
    if received := _event_ids(message.get("last_event_id")):
        _queue_replay(connection, restart_replay(connection, filters), received)
        return filters

    def attempt(number: int) -> None:
        current = get_connection(connection.id) if number else connection  # a workspace may have been lost meanwhile
        operations = [
            update(Subscription.at(topic, connection.id), [Subscription.filters.set(filters)], Subscription.pk.exists())
            for topic in (current.topics if current else ())
        ]
        if operations:
            write(*operations)

    retrying(attempt)
    return filters


def _refuse(connection: Connection, error: CadreError) -> None:
    _send(connection, {"error": _reason(error)})


def _reason(error: CadreError) -> str:
    problem = OMOIOS.domain_problem(error)
    return problem.fields[0].message if problem.fields else problem.reason or problem.message


def _filters(asked: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the filters that are asked for, with ids as events have them. Raises Invalid, also for what no event ever has: whoever waits
    for that would wait in vain."""
    filters = {name: _values(asked[name]) for name in FILTERS if asked.get(name)}
    for name, known in KNOWN.items():
        if unknown := sorted(set(filters.get(name, ())) - known):
            what = name.removesuffix("s").replace("_", " ")
            raise Invalid(FieldError(name, f"Unknown {what} {', '.join(unknown[:5])}; there are {', '.join(sorted(known))}"))
    return filters | ({"entity_ids": list(map(bare_id, filters["entity_ids"]))} if "entity_ids" in filters else {})


def _values(value: Any) -> list[str]:
    """Return the values of a filter: a list of texts, each of which may be a comma-separated list. Raises Invalid."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise Invalid(FieldError("filters", "A filter is a list of texts"))
    values = [value.strip() for part in parts for value in part.split(",") if value.strip()]
    if len(values) > _MAX_VALUES or any(len(value) > 100 for value in values):
        raise Invalid(FieldError("filters", f"A filter has at most {_MAX_VALUES} values of 100 characters"))
    return values


def _send(connection: Connection, message: dict[str, Any]) -> None:
    deliver(connection.id, compact(message))


EVENTS = Endpoint("omoios.events", "/api/v1/ws/events", _connect, _on_message, _refuse)
