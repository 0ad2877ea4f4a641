"""ws_pusher: the queues `ws-live` and `ws-push`. Delivers published messages, and does work that takes too long for a socket's
route.

Pushes are delivered first; then the jobs of single connections run in parallel, so that a long job delays no messages.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.channels.sockets import fanout
from shared.channels.sockets.connections import get_connection
from shared.channels.sockets.rows import Connection
from shared.channels.sockets.topics import workspace_of, workspace_topic
from shared.core import logs, queues, start
from shared.edge.views.agentworks import terminal as terminal_frames
from shared.edge.views.sockets import SOCKET_CONTRACTS
from shared.people.access import liveness
from shared.runs.agent_runs.reading import is_outdated
from shared.runs.terminal.status import RUN_STATUS

logger = logs.start()
Message = dict[str, Any]
_SOON_TRIES = 3


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    received = [(record["messageId"], json.loads(record["body"])) for record in event["Records"]]
    failed = _push([(key, message) for key, message in received if message["kind"] != "job"])
    jobs = [(key, message) for key, message in received if message["kind"] == "job"]
    if len(jobs) == 1:
        failed += [key for key, message in jobs if not _run_job(message)]
    elif jobs:
        with ThreadPoolExecutor(len(jobs)) as pool:
            outcomes = pool.map(lambda job: _run_job(job[1]), jobs)
            failed += [key for (key, _), succeeded in zip(jobs, outcomes, strict=True) if not succeeded]
    return {"batchItemFailures": [{"itemIdentifier": key} for key in failed]}


def _push(received: list[tuple[str, Message]]) -> list[str]:
    """Deliver messages by topic. Return the ids of the messages whose topic failed."""
    topics: dict[str, list[tuple[str, Message]]] = defaultdict(list)
    for key, message in received:
        topics[message["topic"]].append((key, message))
    failed: list[str] = []
    for topic, messages in topics.items():
        try:
            pushes = sorted((message for _, message in messages if _is_current(message)), key=lambda message: message["at"])
            fanout.fan_out(topic, pushes, liveness, SOCKET_CONTRACTS)
        except Exception:
            logger.exception("a push failed", extra={"topic": topic})
            failed += [key for key, _ in messages]
    return failed


def _is_current(push: Message) -> bool:
    """Tell whether a push says what is still so. A topic's messages are delivered one batch after the other, so that no viewer sees a run
    step back."""
    about = push.get("about", {}) if push.get("notice") == RUN_STATUS else {}
    return not about or not is_outdated(push["run"], about["status"], about["version"])


def _run_job(message: Message) -> bool:
    try:
        _JOBS[message["job"]](message)
    except Exception:
        logger.exception("a job failed", extra={"job": message["job"], "connection": message["connection"]})
        return _queue_again(message)
    return True


def _queue_again(message: Message) -> bool:
    """Queue a failed job again in a second: SQS itself would wait for three minutes, while somebody looks at an empty terminal. Return
    False after _SOON_TRIES, or if the queue does not take it: then SQS delivers it again, and at last to the dead letters."""
    tries = message.get("tries", 0) + 1
    if tries > _SOON_TRIES:
        return False
    try:
        queues.send("ws_push_queue", message | {"tries": tries}, DelaySeconds=tries)
    except (BotoCoreError, ClientError):
        return False
    return True


def _retry(message: Message) -> None:
    fanout.retry_delivery(message["connection"], message["frames"], message["attempt"])


def _for_terminal(action: Callable[[Connection, Message], None]) -> Callable[[Message], None]:
    """Return a job that runs `action` if the terminal is still open and its owner may still listen."""

    def job(message: Message) -> None:
        connection = get_connection(message["connection"])
        if connection is None or connection.card_id is None:
            return
        if not liveness.may_listen(connection.user_id, connection.session_id, connection.ws_id):
            fanout.disconnect(connection.id)
            return
        action(connection, message)

    return job


def _greet(connection: Connection, message: Message) -> None:
    from shared.runs.terminal_sessions import terminal as terminal_session

    terminal_session.greet(connection, message["generation"], terminal_frames)


def _catch_up(connection: Connection, message: Message) -> None:
    from shared.runs.terminal_sessions import terminal as terminal_session

    sent = {run_id: (first, end) for run_id, (first, end) in message["sent"].items()}
    terminal_session.catch_up(connection, message["generation"], sent, terminal_frames)


def _replay(message: Message) -> None:
    from shared.runs.terminal_sessions import replay

    replay.play_slice(message["connection"], replay.Slice(**message["piece"]), terminal_frames)


def _search(connection: Connection, message: Message) -> None:
    from shared.runs.terminal_sessions.log_filters import LogFilter
    from shared.runs.terminal_sessions.log_search import Position, search_logs
    from shared.runs.terminal_sessions.terminal import runs_of

    runs = [message["run"]] if message.get("run") else [run.id for run in runs_of(str(connection.card_id))]
    position = Position(**message["position"]) if message.get("position") else None
    result = search_logs(runs, message["query"], LogFilter.read(message["filters"]), position)
    fanout.deliver(connection.id, terminal_frames.search_results(result))


def _replay_events(message: Message) -> None:
    from shared.channels.sockets import replaying
    from shared.channels.sockets.holding import Piece
    from shared.edge.views.omoios.replay import OmoiosEvents

    connection = get_connection(message["connection"])
    if connection is None:
        return
    if not liveness.may_listen(connection.user_id, connection.session_id, connection.ws_id):
        fanout.disconnect(connection.id)
        return
    topics = {workspace_topic(ws_id): ws_id for ws_id in map(workspace_of, connection.topics) if ws_id}
    connection.topics = [topic for topic, ws_id in topics.items() if liveness.is_member(connection.user_id, ws_id)]
    with_costs = {ws_id for ws_id in topics.values() if liveness.sees_costs(connection.user_id, ws_id)}
    replaying.play(connection, Piece(**message["piece"]), OmoiosEvents(), with_costs)


def _configure(message: Message) -> None:
    from shared.sandboxes.links.connecting import configure

    connection = get_connection(message["connection"])
    if connection is not None:
        configure(connection)


def _resume(message: Message) -> None:
    """Send what a client of a sandbox's or a collaboration's socket has missed, by channel."""
    from shared.edge.views.aintandem.replay import missed_events, missed_lines

    connection = get_connection(message["connection"])
    if connection is None or connection.subject is None or connection.ws_id is None:
        return
    if not liveness.may_listen(connection.user_id, connection.session_id, connection.ws_id):
        fanout.disconnect(connection.id)
        return
    places: dict[str, Any] = message["places"]
    if "logs" in places:
        fanout.deliver(connection.id, *missed_lines(connection.subject, int(places["logs"])))
    others = {channel: place for channel, place in places.items() if channel != "logs"}
    if others:
        fanout.deliver(connection.id, *missed_events(connection.ws_id, connection.subject, others))


_JOBS: dict[str, Callable[[Message], None]] = {
    "again": _retry,
    "configure": _configure,
    "greet": _for_terminal(_greet),
    "catch_up": _for_terminal(_catch_up),
    "replay": _replay,
    "resume": _resume,
    "replay_events": _replay_events,
    "search": _for_terminal(_search),
}


start.finish()
