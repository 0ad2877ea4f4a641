"""Replay a run's log at its original speed, or at another one.

A replay is a chain of jobs (slices): each plays for a few seconds and queues the next one, so that no function runs for hours and a crash
does not end the replay. `Connection.replay` is the session that may play: another replay, or the end of the connection, stops it. A slice
is claimed by its number, so that a job that is delivered twice plays once.
"""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from shared.channels.sockets.client import FAILED, GONE, SENT, socket_client
from shared.channels.sockets.connections import delete_connection_by_id, get_connection
from shared.channels.sockets.fanout import deliver, disconnect
from shared.channels.sockets.holding import BUSY_DELAY
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import Connection
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.people.access import liveness
from shared.runs.terminal.entries import canonical
from shared.runs.terminal.reading import entries
from shared.runs.terminal_sessions.frames import TerminalFrames
from shared.runs.terminal_sessions.log_filters import ReplayOptions
from shared.store import update_now

SHORTEST, LONGEST, UNKNOWN = 0.05, 5.0, 0.1  # seconds between two entries
_TIME_LIMIT = 4.0  # seconds that one job plays
_CHECK_INTERVAL = 0.5  # seconds between two checks whether the replay is still active
_MAX_PAUSE_IN_FUNCTION = 1.5  # a longer pause is spent in the queue, not in a function
_STALE = 60  # seconds after which a slice may be claimed again, because its worker has died


class _ReplayReplaced(ConditionFailed):
    """Another replay has taken over."""


@dataclass(frozen=True)
class Slice:
    """The state of a replay. `position` of `total` entries were played, the next one is searched from number `seq`; `due` is the rest of
    the pause before it in seconds (None: all of it), `began` the time of the start (epoch seconds)."""

    session: str
    run: str
    options: dict[str, Any]
    number: int = 1
    seq: int = 1
    position: int = 0
    total: int = 0
    last: str | None = None
    due: float | None = None
    began: float = 0.0


def start_replay(connection: Connection, run_id: str, options: ReplayOptions) -> str:
    """Start a replay, which ends an earlier one of the connection; return the session's id."""
    session = new_id()
    actions = [
        Connection.replay.set(session),
        Connection.replay_slice.set(0),
        Connection.replay_claimed.set(0),
        Connection.replay_held.remove(),
    ]
    update_now(connection, actions, Connection.pk.exists())
    _queue_slice(connection.id, Slice(session, run_id, options.as_json()))
    return session


def resume_replay(connection: Connection) -> None:
    """Resume a replay that was paused by `pause_stream`."""
    saved = connection.replay_held
    if saved and connection.replay == saved["session"]:
        update_now(connection, [Connection.replay_held.remove()])
        if saved.get("number"):
            _queue_slice(connection.id, Slice(**saved))


def pause_replay(connection: Connection) -> None:
    """Ask an active replay to stop at its present position; it does so at its next check."""
    if connection.replay and not connection.replay_held:
        update_now(connection, [Connection.replay_held.set({"session": connection.replay})], Connection.pk.exists())


def pause_between(before: str | None, after: str, speed: float) -> float:
    """Return the seconds between two entries: the original pause divided by the speed, from 50 ms to 5 s."""
    try:
        apart = (clock.parse(after) - clock.parse(before)).total_seconds() if before else None
    except ValueError:
        apart = None
    if apart is None:
        return UNKNOWN
    return min(LONGEST, max(SHORTEST, apart / speed))


def play_slice(connection_id: str, piece: Slice, frames: TerminalFrames) -> None:
    """Play one slice of a replay."""
    if not _claim(connection_id, piece):
        return
    options = ReplayOptions.read(piece.options)
    if not piece.began:
        counted = _start(connection_id, piece, options, frames)
        if counted is None:
            return
        piece = counted
    deadline = checked = time.monotonic()
    deadline += _TIME_LIMIT
    due = time.monotonic() + (piece.due or 0.0)
    for entry in entries(piece.run, piece.seq):
        if piece.position >= piece.total:
            break
        if not options.log_filter.matches(entry):
            continue
        if piece.last is not None and piece.due is None:
            due += pause_between(piece.last, entry["timestamp"], options.speed)
        remaining = due - time.monotonic()
        current = replace(piece, seq=entry["seq"], due=max(0.0, remaining))
        if remaining > _MAX_PAUSE_IN_FUNCTION or time.monotonic() + max(0.0, remaining) > deadline:
            _queue_slice(connection_id, _next_slice(current))
            return
        if remaining > 0:
            time.sleep(remaining)
        if time.monotonic() - checked > _CHECK_INTERVAL:
            checked = time.monotonic()
            if not _is_active(connection_id, _next_slice(current)):
                return
        if not _post(connection_id, frames.replayed(canonical(entry), piece.position + 1, piece.total), current):
            return
        due = max(due, time.monotonic() - SHORTEST)
        piece = replace(piece, seq=entry["seq"] + 1, position=piece.position + 1, last=entry["timestamp"], due=None)
    if _is_active(connection_id, _next_slice(piece)):
        _finish(connection_id, piece, frames)


def _post(connection_id: str, message: str, current: Slice) -> bool:
    """Post a message. Return False if this failed: `current` is then queued again, unless the connection is gone."""
    outcome = socket_client().post(connection_id, message).outcome
    if outcome == GONE:
        delete_connection_by_id(connection_id)
    elif outcome == FAILED:
        _queue_slice(connection_id, _next_slice(replace(current, due=BUSY_DELAY)))
    return outcome == SENT


def _claim(connection_id: str, piece: Slice) -> bool:
    """Claim a slice; return False if the session has ended or another worker plays the slice."""
    if not _is_active(connection_id, piece):
        return False
    now = clock.epoch()
    first = Connection.replay_slice == piece.number - 1
    again = (Connection.replay_slice == piece.number) & (Connection.replay_claimed < now - _STALE)
    key = Connection(pk=f"CONN#{connection_id}", sk="META")
    actions = [Connection.replay_slice.set(piece.number), Connection.replay_claimed.set(now)]
    try:
        update_now(key, actions, (Connection.replay == piece.session) & (first | again), _ReplayReplaced)
    except ConditionFailed:
        return False
    return True


def _next_slice(piece: Slice) -> Slice:
    return replace(piece, number=piece.number + 1)


def _is_active(connection_id: str, piece: Slice) -> bool:
    """Return whether the session may go on. If the viewer has paused it, store `piece` as the slice to resume with."""
    connection = get_connection(connection_id)
    if connection is None or connection.replay != piece.session:
        return False
    if not liveness.may_listen(connection.user_id, connection.session_id, connection.ws_id):
        disconnect(connection_id)
        return False
    if connection.replay_held and not connection.replay_held.get("number"):
        update_now(connection, [Connection.replay_held.set(asdict(piece))], Connection.replay == piece.session)
        return False
    return connection.replay_held is None


def _start(connection_id: str, piece: Slice, options: ReplayOptions, frames: TerminalFrames) -> Slice | None:
    """Count the entries and their duration, and send `replay_started`. Return None if that failed."""
    total, seconds, last = 0, 0.0, None
    for entry in entries(piece.run):
        if options.log_filter.matches(entry):
            seconds += pause_between(last, entry["timestamp"], options.speed) if last else 0
            total, last = total + 1, entry["timestamp"]
    message = frames.replay_started(piece.session, piece.run, total, round(seconds * 1000), options.speed)
    if not _post(connection_id, message, piece):
        return None
    return replace(piece, total=total, began=time.time())


def _finish(connection_id: str, piece: Slice, frames: TerminalFrames) -> None:
    milliseconds = round((time.time() - piece.began) * 1000)
    deliver(connection_id, frames.replay_completed(piece.session, piece.run, piece.position, milliseconds))
    try:
        update_now(
            Connection(pk=f"CONN#{connection_id}", sk="META"),
            [Connection.replay.remove()],
            Connection.replay == piece.session,
            _ReplayReplaced,
        )
    except ConditionFailed:
        return


def _queue_slice(connection_id: str, piece: Slice) -> None:
    waiting = int(piece.due or 0)
    left = None if piece.due is None else piece.due - waiting
    send_job("replay", connection_id, delay=waiting, piece=asdict(replace(piece, due=left)))
