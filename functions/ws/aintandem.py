"""aintandem, section 9: what sandboxes do, what collaborations do, and what concerns the whole platform.

A client subscribes to channels. With `last_sequence` (an addition), in the query or in `subscribe`, it first gets what it has missed: of a
log the lines behind a number, of `messages` and `events` what came behind a place in time, some of it again; `metrics` are only ever the
newest. Messages that answer the client have the channel `control`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from functions.ws.endpoint import ConnectRequest, Endpoint, new_connection, read_object
from functions.ws.sandboxes import LINK
from shared.channels.sockets.connections import open_connection
from shared.channels.sockets.fanout import deliver
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import Connection
from shared.channels.sockets.subscribing import change_topics
from shared.channels.sockets.topics import SYSTEM_TOPIC, collaboration_topic, sandbox_topic, terminal_topic
from shared.core import clock
from shared.core.actor import Permission
from shared.core.errors import CadreError, FieldError, Forbidden, Invalid
from shared.edge.contracts.aintandem import AINTANDEM
from shared.edge.views.aintandem.frames import CHANNELS
from shared.edge.views.aintandem.lines import CONTROL, frame
from shared.people.access import liveness
from shared.sandboxes.collaborations.rows import Collaboration
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.store import load

CHANNELS_OF: Final = {
    "aintandem.sandbox": CHANNELS,
    "aintandem.collaboration": ("messages", "events"),
    "aintandem.system": ("events",),
}
_LAST_LINE: Final = 10**12  # the keys of a log have twelve digits


def _connect_sandbox(request: ConnectRequest) -> None:
    sandbox = load(Sandbox, request.path["sandbox_id"], request.actor, Permission.WORKSPACE_READ)
    _open(request, SANDBOX, sandbox.ws_id, sandbox.id)


def _connect_collaboration(request: ConnectRequest) -> None:
    found = load(Collaboration, request.path["collaboration_id"], request.actor, Permission.WORKSPACE_READ)
    _open(request, COLLABORATION, found.ws_id, found.id)


def _connect_system(request: ConnectRequest) -> None:
    if not request.actor.platform_admin:
        raise Forbidden("Only an administrator of the platform may listen here")
    _open(request, SYSTEM, None, None)


def _open(request: ConnectRequest, endpoint: Endpoint, ws_id: str | None, subject: str | None) -> None:
    given = [value for value in request.query.get("last_sequence", ()) if value]
    places = _places(given, CHANNELS_OF[endpoint.name]) or None
    connection = new_connection(request, endpoint, ws_id=ws_id, subject=subject, since=places, topics=[])
    open_connection(connection)


def _on_message(connection: Connection, text: str) -> None:
    try:
        message = read_object(text, "action")
        match message.get("action"):
            case "subscribe":
                _subscribe(connection, message)
            case "unsubscribe":
                _unsubscribe(connection, message)
            case "ping":
                _send(connection, "pong", {})
            case _:
                raise Invalid(FieldError("action", "This is subscribe, unsubscribe or ping"))
    except CadreError as error:
        _refuse(connection, error)


def _subscribe(connection: Connection, message: Mapping[str, Any]) -> None:
    channels = _channels(connection, message)
    known = CHANNELS_OF[connection.endpoint]
    given = message.get("last_sequence")
    places = (connection.since or {}) if given is None else _places(given if isinstance(given, list) else [given], known)
    topics = change_topics(connection, [_topic(connection, one) for one in channels])
    _send(connection, "subscribed", {"channels": [one for one in known if _topic(connection, one) in topics]})
    missed = {one: places[one] for one in channels if one in places}
    if missed and connection.subject is not None:
        send_job("resume", connection.id, places=missed)


def _unsubscribe(connection: Connection, message: Mapping[str, Any]) -> None:
    topics = change_topics(connection, remove=[_topic(connection, one) for one in _channels(connection, message)])
    known = CHANNELS_OF[connection.endpoint]
    _send(connection, "subscribed", {"channels": [one for one in known if _topic(connection, one) in topics]})


def _channels(connection: Connection, message: Mapping[str, Any]) -> list[str]:
    """Return the channels that a message names. Raises Invalid for one that this socket does not have."""
    channels, known = message.get("channels"), CHANNELS_OF[connection.endpoint]
    if not isinstance(channels, list) or not channels or len(channels) > len(CHANNELS):
        raise Invalid(FieldError("channels", f"This is a list of channels; there are {', '.join(known)}"))
    for one in channels:
        if one not in known:
            raise Invalid(FieldError("channels", f"There is no channel {str(one)[:50]}; there are {', '.join(known)}"))
    return channels


def _topic(connection: Connection, channel: str) -> str:
    if connection.endpoint == SYSTEM.name:
        return SYSTEM_TOPIC
    subject = str(connection.subject)
    if connection.endpoint == COLLABORATION.name:
        return collaboration_topic(subject, channel)
    return terminal_topic(subject, None) if channel == "logs" else sandbox_topic(subject, channel)


def _places(given: Sequence[Any], known: Sequence[str]) -> dict[str, Any]:
    """Return what a client has by channel: a number is a line of the log, a text a place in time for the others. An object names a place
    for each channel. Raises Invalid."""
    places: dict[str, Any] = {}
    for one in given:
        if isinstance(one, dict):
            for channel, place in one.items():
                if channel not in known:
                    raise Invalid(FieldError("last_sequence", f"There is no channel {str(channel)[:50]}"))
                places |= _place((channel,), place)
        else:
            is_line = isinstance(one, int) or (isinstance(one, str) and one.isdigit())
            places |= _place([name for name in known if (name == "logs") == is_line], one)
    return {name: place for name, place in places.items() if name != "metrics"}


def _place(channels: Sequence[str], value: Any) -> dict[str, Any]:
    try:
        if channels and channels[0] == "logs":
            number = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else -1
            if not 0 <= number < _LAST_LINE:
                raise ValueError
            return {"logs": number}
        at, _, event = str(value)[:100].partition("#")
        return dict.fromkeys(channels, f"{clock.iso(clock.parse(at))}#{event}")
    except ValueError:
        raise Invalid(FieldError("last_sequence", "This is the `sequence` of a message of this channel")) from None


def _refuse(connection: Connection, error: CadreError) -> None:
    problem = AINTANDEM.domain_problem(error)
    reason = "; ".join(one.message for one in problem.fields) or problem.reason or problem.message
    _send(connection, "error", {"code": problem.code, "message": reason})


def _send(connection: Connection, event: str, data: dict[str, Any]) -> None:
    deliver(connection.id, frame(CONTROL, event, data))


def _may_listen_to_system(connection: Connection) -> bool:
    return liveness.may_listen(connection.user_id, connection.session_id, None) and liveness.is_administrator(connection.user_id)


SANDBOX = Endpoint(
    "aintandem.sandbox",
    "/ws/sandboxes/{sandbox_id}",
    _connect_sandbox,
    _on_message,
    _refuse,
    connect_sandbox=LINK.connect_sandbox,
)
COLLABORATION = Endpoint(
    "aintandem.collaboration", "/ws/collaborations/{collaboration_id}", _connect_collaboration, _on_message, _refuse
)
SYSTEM = Endpoint("aintandem.system", "/ws/system", _connect_system, _on_message, _refuse, may_send=_may_listen_to_system)
