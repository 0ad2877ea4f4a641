"""agentworks, section 9: the terminal of a card, the events of a workspace."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from functions.ws.endpoint import ConnectRequest, Endpoint, new_connection, read_message
from shared.channels.sockets.connections import close_connection, open_connection
from shared.channels.sockets.fanout import deliver
from shared.channels.sockets.frames import compact
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import Connection, Subscription
from shared.channels.sockets.topics import terminal_topic, workspace_topic
from shared.core.actor import Permission
from shared.core.errors import CadreError, FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import bare_id, is_id
from shared.core.situations import Situation
from shared.edge.contracts.agentworks import AGENTWORKS
from shared.edge.contracts.base import StrictRequest
from shared.edge.contracts.problems import Problem
from shared.runs.agent_runs.rows import Run
from shared.runs.terminal_sessions import replay
from shared.runs.terminal_sessions import terminal as terminal_session
from shared.runs.terminal_sessions.log_filters import LogFilter, ReplayOptions
from shared.store import fetch, load
from shared.work.items.rows import ItemHead

RunId = Annotated[str, Field(min_length=1, max_length=64)]
Sequence = Annotated[int, Field(ge=1, lt=10**12)]  # the keys of a log have twelve digits


class SubscribeRun(StrictRequest):
    """`fromSequence` is an addition: the number of the first entry to send, for a client that already has earlier ones."""

    type: Literal["subscribe_run"]
    runId: RunId
    fromSequence: Sequence | None = None


class ReplayRun(StrictRequest):
    type: Literal["replay_run"]
    runId: RunId
    options: dict[str, Any] | None = None


class SearchPosition(StrictRequest):
    runId: RunId
    sequence: Sequence


class SearchLogs(StrictRequest):
    """`continueFrom` is an addition: what a result with more behind it says, sent back to see what is older."""

    type: Literal["search_logs"]
    query: Annotated[str, Field(max_length=500)]
    filters: dict[str, Any] | None = None
    continueFrom: SearchPosition | None = None


class PauseStream(StrictRequest):
    type: Literal["pause_stream"]


class ResumeStream(StrictRequest):
    type: Literal["resume_stream"]


class Ping(StrictRequest):
    type: Literal["ping"]
    timestamp: int | float


ClientMessage = Annotated[SubscribeRun | ReplayRun | SearchLogs | PauseStream | ResumeStream | Ping, Field(discriminator="type")]
_MESSAGES: TypeAdapter[Any] = TypeAdapter(ClientMessage)


def _connect_terminal(request: ConnectRequest) -> None:
    card = load(ItemHead, request.path["cardId"], request.actor, Permission.CARD_READ)
    connection = new_connection(request, TERMINAL, ws_id=str(card.ws_id), topics=[terminal_topic("", card.id)], card_id=card.id)
    subscription = terminal_session.new_terminal(connection)
    open_connection(connection, [subscription])
    try:
        send_job("greet", connection.id, generation=subscription.generation)
    except Exception:
        close_connection(connection)
        raise


def _connect_events(request: ConnectRequest) -> None:
    ws_id = bare_id(request.path["workspaceId"])
    if not request.actor.may(Permission.CARD_READ, ws_id):  # says the same of one that does not exist
        raise Forbidden(situation=Situation.WORKSPACE_ACCESS_DENIED)
    topic = workspace_topic(ws_id)
    connection = new_connection(request, WORKSPACE_EVENTS, ws_id=ws_id, topics=[topic])
    sees_costs = request.actor.may(Permission.USAGE_READ, ws_id)
    open_connection(connection, [Subscription.of(topic, connection, sees_costs=sees_costs)])


def _on_message(connection: Connection, text: str) -> None:
    try:
        message = read_message(text, "type", _MESSAGES)
    except CadreError as error:
        _refuse_error(connection, error)
        return
    try:
        if isinstance(message, Ping):
            _send(connection, {"type": "pong", "timestamp": message.timestamp})
        elif connection.card_id is not None:
            _act(connection, message)
        else:
            raise Invalid(FieldError("type", "This socket only takes `ping`"))
    except CadreError as error:
        _refuse(connection, AGENTWORKS.domain_problem(error))


def _refuse_error(connection: Connection, error: CadreError) -> None:
    _refuse(connection, AGENTWORKS.problem(error))


def _refuse(connection: Connection, problem: Problem) -> None:
    _send(connection, {"type": "error", "data": AGENTWORKS.error_detail(problem)})


def _act(connection: Connection, message: Any) -> None:
    match message:
        case SubscribeRun():
            terminal_session.subscribe_run(connection, _run(connection, message.runId), message.fromSequence)
        case ReplayRun():
            options = ReplayOptions.read(message.options or {})
            replay.start_replay(connection, _run(connection, message.runId).id, options)
        case SearchLogs():
            _search(connection, message)
        case PauseStream():
            terminal_session.pause(connection)
            replay.pause_replay(connection)
        case ResumeStream():
            terminal_session.resume(connection)
            replay.resume_replay(connection)


def _search(connection: Connection, message: SearchLogs) -> None:
    filters = message.filters or {}
    LogFilter.read(filters)  # reports invalid filters at once
    run_id = filters.get("runId")
    if run_id is not None:
        run_id = _run(connection, str(run_id)).id
    position = message.continueFrom
    after = {"run": _run(connection, position.runId).id, "sequence": position.sequence} if position else None
    if run_id and after and after["run"] != run_id:
        raise Invalid(FieldError("continue_from.run_id", "This is not the run of the filter"))
    send_job("search", connection.id, query=message.query, filters=filters, run=run_id, position=after)


def _run(connection: Connection, run_id: str) -> Run:
    """Return a run of the terminal's own card. The caller's access to the card was checked on connecting. Raises NotFound."""
    bare = bare_id(run_id)
    run = fetch(Run, bare) if is_id(bare) else None
    if run is None or run.deleted_at or run.item_id != connection.card_id:
        raise NotFound("run")
    return run


def _send(connection: Connection, message: dict[str, Any]) -> None:
    deliver(connection.id, compact(message))


TERMINAL = Endpoint("agentworks.terminal", "/api/cards/{cardId}/terminal", _connect_terminal, _on_message, _refuse_error)
WORKSPACE_EVENTS = Endpoint(
    "agentworks.workspaceEvents", "/api/workspaces/{workspaceId}/events", _connect_events, _on_message, _refuse_error
)
