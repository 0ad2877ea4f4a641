"""Playing a run's log again, at its own pace or faster.

A replay is a chain of jobs (slices): each plays for a few seconds and sends the next one on, so that no function runs for hours and a
replay survives any of them. `Connection.replay` names the session that may play: another replay, or the connection's end, stops it.
A slice is claimed by its number, so that a job delivered twice plays once.
"""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from shared.channels.sockets.client import GONE, SENT, socket_client
from shared.channels.sockets.connections import find, forget
from shared.channels.sockets.fanout import disconnect
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import Connection
from shared.core import clock
from shared.core.errors import Raced
from shared.core.ids import new_id
from shared.people.access import liveness
from shared.runs.terminal.entries import canonical
from shared.runs.terminal.reading import entries
from shared.runs.terminal_sessions.frames import TerminalFrames
from shared.runs.terminal_sessions.log_filters import ReplayOptions
from shared.store import update_now

SHORTEST, LONGEST, UNKNOWN = 0.05, 5.0, 0.1  # seconds between two entries
_SLICE = 4.0  # seconds that one job plays
_CHECK_INTERVAL = 0.5  # seconds after which a slice looks whether it still may
_MAX_PAUSE_IN_FUNCTION = 1.5  # a longer pause is spent in the queue, not in a function
_STALE = 60  # seconds after which a claimed slice may be claimed again: whoever had it has died
_REPLACED = Raced("Another replay has taken over")


@dataclass(frozen=True)
class Slice:
    """Where a replay stands. `position` entries of `total` were played, the next one is looked for from number `seq` on; `due` is what
    is left of the pause before it (None: all of it), `began` when the first one was played (epoch seconds)."""

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
    """Start a replay; one that is under way ends. Answers the session's id."""
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
    """A replay that was held by `pause_stream` plays on."""
    saved = connection.replay_held
    if saved and connection.replay == saved["session"]:
        update_now(connection, [Connection.replay_held.remove()])
        if saved.get("number"):
            _queue_slice(connection.id, Slice(**saved))


def pause_replay(connection: Connection) -> None:
    """Ask a replay under way to stop where it is; its next look sees it."""
    if connection.replay and not connection.replay_held:
        update_now(connection, [Connection.replay_held.set({"session": connection.replay})], Connection.pk.exists())


def pause_between(before: str | None, after: str, speed: float) -> float:
    """Seconds between two entries: as far apart as they were, by the speed, but never less than 50 ms nor more than 5 s."""
    try:
        apart = (clock.parse(after) - clock.parse(before)).total_seconds() if before else None
    except ValueError:
        apart = None
    if apart is None:
        return UNKNOWN
    return min(LONGEST, max(SHORTEST, apart / speed))


def play_slice(connection_id: str, piece: Slice, frames: TerminalFrames) -> None:
    """One slice of a replay."""
    if not _claim(connection_id, piece):
        return
    options = ReplayOptions.read(piece.options)
    if piece.number == 1:
        piece = _start(connection_id, piece, options, frames)
    deadline = checked = time.monotonic()
    deadline += _SLICE
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
        outcome = socket_client().post(connection_id, frames.replayed(canonical(entry), piece.position + 1, piece.total))
        if outcome != SENT:
            if outcome == GONE:
                forget(connection_id)
            return
        due = max(due, time.monotonic() - SHORTEST)
        piece = replace(piece, seq=entry["seq"] + 1, position=piece.position + 1, last=entry["timestamp"], due=None)
    if _is_active(connection_id, _next_slice(piece)):
        _finish(connection_id, piece, frames)


def _claim(connection_id: str, piece: Slice) -> bool:
    """Whether this slice is ours to play: the session goes on, and nobody else plays it."""
    if not _is_active(connection_id, piece):
        return False
    now = clock.epoch()
    first = Connection.replay_slice == piece.number - 1
    again = (Connection.replay_slice == piece.number) & (Connection.replay_claimed < now - _STALE)
    key = Connection(pk=f"CONN#{connection_id}", sk="META")
    actions = [Connection.replay_slice.set(piece.number), Connection.replay_claimed.set(now)]
    try:
        update_now(key, actions, (Connection.replay == piece.session) & (first | again), _REPLACED)
    except Raced:
        return False
    return True


def _next_slice(piece: Slice) -> Slice:
    return replace(piece, number=piece.number + 1)


def _is_active(connection_id: str, piece: Slice) -> bool:
    """Whether the session goes on. Where the viewer has paused, `piece` is kept: it is the slice to resume with."""
    connection = find(connection_id)
    if connection is None or connection.replay != piece.session:
        return False
    if not liveness.may_listen(connection.user_id, connection.session_id, connection.ws_id):
        disconnect(connection_id)
        return False
    if connection.replay_held and not connection.replay_held.get("number"):
        update_now(connection, [Connection.replay_held.set(asdict(piece))], Connection.replay == piece.session)
        return False
    return connection.replay_held is None


def _start(connection_id: str, piece: Slice, options: ReplayOptions, frames: TerminalFrames) -> Slice:
    """Count what will be played and how long it takes, and say so."""
    total, seconds, last = 0, 0.0, None
    for entry in entries(piece.run):
        if options.log_filter.matches(entry):
            seconds += pause_between(last, entry["timestamp"], options.speed) if last else 0
            total, last = total + 1, entry["timestamp"]
    message = frames.replay_started(piece.session, piece.run, total, round(seconds * 1000), options.speed)
    socket_client().post(connection_id, message)
    return replace(piece, total=total, began=time.time())


def _finish(connection_id: str, piece: Slice, frames: TerminalFrames) -> None:
    milliseconds = round((time.time() - piece.began) * 1000)
    socket_client().post(connection_id, frames.replay_completed(piece.session, piece.run, piece.position, milliseconds))
    try:
        update_now(
            Connection(pk=f"CONN#{connection_id}", sk="META"),
            [Connection.replay.remove()],
            Connection.replay == piece.session,
            _REPLACED,
        )
    except Raced:
        return


def _queue_slice(connection_id: str, piece: Slice) -> None:
    waiting = int(piece.due or 0)
    left = None if piece.due is None else piece.due - waiting
    send_job("replay", connection_id, delay=waiting, piece=asdict(replace(piece, due=left)))
