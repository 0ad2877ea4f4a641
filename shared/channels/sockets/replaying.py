"""Send events again to a socket that was away: what it missed, in order, then live, without a gap and without a double.

While a replay goes on the subscriptions of the connection are `replaying`, and pushes to them are held (`fanout`). The replay is a chain of
jobs, each of which sends for a few seconds and queues the next one with the place that it has reached. The last one sends what was
held meanwhile and makes the subscriptions live, if nothing was held since it looked; it leaves in them the events that it has sent
lately, because pushes of these may still be on their way.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from time import monotonic
from typing import Any, Protocol

from shared.channels.sockets.client import FAILED, GONE, socket_client
from shared.channels.sockets.connections import delete_connection_by_id
from shared.channels.sockets.fanout import BUSY_DELAY, HANDSHAKE_GRACE, disconnect, matches_filters
from shared.channels.sockets.frames import Frame, compact
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import LIVE, REPLAYING, Connection, Held, Subscription
from shared.channels.sockets.topics import workspace_of
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.store import delete_many, get_many, iterate, update, update_now, write

MAX_HOURS, MAX_EVENTS = 24, 10_000
"""How far back a replay goes, and how many events it sends. What is missing is said."""
MAX_IDS = 100
"""Events that a client may name as received."""
_SECONDS = 8.0  # that one job sends
_RECENT = timedelta(minutes=11)  # a push is delivered within ten minutes or not at all (infra/queues.py)
_MAX_RECENT = 1_000
_STALE = 60  # seconds after which a job may be done again, because its worker has died
_TRIES = 5


class _Replaced(ConditionFailed):
    """Another replay has begun, or the connection is gone."""


@dataclass(frozen=True)
class Missed:
    """An event that is sent again, and the place behind it."""

    id: str
    at: str
    frames: Sequence[Frame]
    place: Mapping[str, Any]


class Source(Protocol):
    """The log of events, as a contract shows it. Passed by the caller: the sockets know neither."""

    def find(self, ws_ids: Sequence[str], event_ids: Sequence[str]) -> str | None:
        """Return the position of the earliest of these events, or None if one of them is in no log of these workspaces."""

    def missed(self, ws_id: str, position: str, place: Mapping[str, Any]) -> Iterator[Missed]:
        """Yield what happened in a workspace behind a position, in order, from a place on (empty: from the beginning)."""


@dataclass(frozen=True)
class Piece:
    """A job of a replay: what it has reached. `received` are the ids that the client named, `position` that of the earliest of them."""

    generation: str
    received: list[str]
    number: int = 1
    position: str | None = None
    workspace: str = ""
    """The one whose events are being sent; those whose ids stand before it are done. A workspace may be lost between two jobs."""
    place: dict[str, Any] = field(default_factory=dict)
    events: int = 0
    recent: list[list[str]] = field(default_factory=list)
    """Ids and times of the events that were sent lately."""
    unsent: list[str] = field(default_factory=list)
    """Messages with which this job begins: the socket did not take them."""
    ending: bool = False
    tries: int = 0


def begin_replay(connection: Connection, subscriptions: Sequence[Subscription]) -> str:
    """Set rows that are about to be written to a replay, and return its generation. `queue_replay` begins it."""
    connection.replay = new_id()
    for one in subscriptions:
        one.state, one.generation = REPLAYING, connection.replay
    return str(connection.replay)


def restart_replay(connection: Connection, filters: Mapping[str, Any]) -> str:
    """Set an open connection to a new replay, with these filters, and return its generation. An older one ends."""
    generation = new_id()
    write(
        update(
            Connection(pk=connection.pk, sk=connection.sk),
            [Connection.replay.set(generation), Connection.replay_slice.set(0), Connection.replay_claimed.set(0)],
            Connection.pk.exists(),
            _Replaced,
        ),
        *(
            update(
                Subscription.at(topic, connection.id),
                [
                    Subscription.state.set(REPLAYING),
                    Subscription.generation.set(generation),
                    Subscription.filters.set(dict(filters)),
                ],
                Subscription.pk.exists(),
            )
            for topic in connection.topics
        ),
    )
    return generation


def queue_replay(connection_id: str, generation: str, event_ids: Sequence[str], *, delay: float = 0) -> None:
    """Queue the first job of a replay."""
    _queue(connection_id, Piece(generation, list(event_ids)), delay)


def play(connection: Connection, piece: Piece, source: Source, with_costs: Container[str] = ()) -> None:
    """Do one job of a replay. `with_costs`: the workspaces of which the listener may see costs."""
    if not _claim(connection.id, piece):
        return
    player = _Player(connection, piece, source, with_costs)
    try:
        player.play()
    except Exception:
        if piece.tries >= _TRIES:
            disconnect(connection.id)  # the client comes again with what it has; a socket that is silent for ever helps nobody
        else:
            _queue(connection.id, replace(player.piece, number=piece.number + 1, tries=piece.tries + 1), BUSY_DELAY)
        raise


class _Stopped(Exception):
    """The socket takes nothing now; what is left is queued, or the connection is gone."""


class _Player:
    def __init__(self, connection: Connection, piece: Piece, source: Source, with_costs: Container[str]) -> None:
        self._connection, self.piece, self._source, self._with_costs = connection, piece, source, with_costs
        topics = {ws_id: topic for topic in connection.topics if (ws_id := workspace_of(topic))}
        self._ws_ids = sorted(topics)
        self._topics = [topics[ws_id] for ws_id in self._ws_ids]
        self._until = monotonic() + _SECONDS

    def play(self) -> None:
        try:
            unsent, self.piece = self.piece.unsent, replace(self.piece, unsent=[])
            self._post(*unsent)
            if self.piece.ending or self._send_missed():
                self.piece = replace(self.piece, ending=True)
                self._end()
        except _Stopped:
            return

    def _send_missed(self) -> bool:
        """Send what was missed; return False if the rest was queued."""
        if self.piece.position is None and not self._begin():
            return True
        subscriptions = self._subscriptions()
        if not any(subscriptions):
            raise _Stopped
        skipped = set(self.piece.received)
        for ws_id, one in zip(self._ws_ids, subscriptions, strict=True):
            if one is None or ws_id < self.piece.workspace:
                continue
            if ws_id != self.piece.workspace:
                self.piece = replace(self.piece, workspace=ws_id, place={})
            for missed in self._source.missed(ws_id, str(self.piece.position), self.piece.place):
                if self.piece.events >= MAX_EVENTS:
                    self._say_gap("too_many", f"More than {MAX_EVENTS:,} events were missed; the rest is left out")
                    return True
                shown = [frame for frame in missed.frames if not frame.costs or (one.sees_costs and ws_id in self._with_costs)]
                texts = [frame.text for frame in shown if matches_filters(one, frame.facets)]
                self._passed(missed)
                if texts and missed.id not in skipped:
                    self._sent(missed.id, missed.at)
                    self._post(*texts)
                if monotonic() > self._until:
                    self._go_on()
                    return False
        return True

    def _begin(self) -> bool:
        """Find where to begin and say that it begins; return False if there is no such place, after saying so."""
        position = self._source.find(self._ws_ids, self.piece.received)
        oldest = clock.iso(clock.now() - timedelta(hours=MAX_HOURS))
        if position is None:
            self._say_gap("unknown_event", "This event is not known here: what happened since cannot be told")
            return False
        if position < oldest:
            self._say_gap("too_old", f"This event is older than {MAX_HOURS} hours; what happened before is left out")
        self.piece = replace(self.piece, position=max(position, oldest))
        self._post(compact({"type": "replay_started", "last_event_id": self.piece.received[-1]}))
        return True

    def _say_gap(self, reason: str, message: str) -> None:
        self._post(compact({"type": "replay_gap", "reason": reason, "message": message}))

    def _passed(self, missed: Missed) -> None:
        self.piece = replace(self.piece, place=dict(missed.place))

    def _sent(self, event_id: str, at: str) -> None:
        self.piece = replace(self.piece, events=self.piece.events + 1, recent=[*self._recent(), [event_id, at]])

    def _recent(self) -> list[list[str]]:
        if len(self.piece.recent) < _MAX_RECENT // 2:
            return self.piece.recent
        since = clock.iso(clock.now() - _RECENT)
        return [one for one in self.piece.recent if one[1] > since][-_MAX_RECENT:]

    def _end(self) -> None:
        """Send what was held meanwhile, until the subscriptions are live."""
        partition = Held.partition(self._connection.id, self.piece.generation)
        for _ in range(20):
            waiting = [
                one
                for one in self._subscriptions()
                if one is not None and one.state == REPLAYING and one.generation == self.piece.generation
            ]
            held = list(iterate(Held, partition, consistent=True))
            sent = {event_id for event_id, _ in self.piece.recent} | set(self.piece.received)
            for one in held:
                if one.event not in sent:
                    self._sent(str(one.event), clock.iso())
                    self._post(*one.frames)
            delete_many(held)
            live = [self._go_live(one) for one in waiting]
            if all(live):
                self._post(compact({"type": "replay_completed", "events": self.piece.events}))
                return
        self._go_on()

    def _go_live(self, one: Subscription) -> bool:
        """Make a subscription live, unless a push was held since it was read."""
        same = (Subscription.state == REPLAYING) & (Subscription.generation == self.piece.generation)
        ids = list(dict.fromkeys([*self.piece.received, *(event_id for event_id, _ in self._recent())]))[-_MAX_RECENT:]
        actions = [Subscription.state.set(LIVE), Subscription.sent_ids.set(ids)]
        try:
            update_now(Subscription(pk=one.pk, sk=one.sk), actions, same & (Subscription.skips == int(one.skips)), _Replaced)
        except _Replaced:
            return False
        return True

    def _subscriptions(self) -> list[Subscription | None]:
        keys = [Subscription.at(topic, self._connection.id) for topic in self._topics]
        rows = get_many([(Subscription, str(key.pk), str(key.sk)) for key in keys])
        return [row if isinstance(row, Subscription) else None for row in rows]

    def _post(self, *texts: str) -> None:
        """Send messages. Raises _Stopped if the socket does not take them: the next job begins with these."""
        if not texts:
            return
        delivery = socket_client().post(self._connection.id, *texts)
        in_handshake = clock.epoch() - int(self._connection.opened) < HANDSHAKE_GRACE
        if delivery.outcome == GONE and not in_handshake:
            delete_connection_by_id(self._connection.id)
            raise _Stopped
        if delivery.outcome in (FAILED, GONE):
            self.piece = replace(self.piece, unsent=list(delivery.unsent))
            self._go_on(BUSY_DELAY)
            raise _Stopped

    def _go_on(self, delay: float = 0) -> None:
        _queue(self._connection.id, replace(self.piece, number=self.piece.number + 1), delay)


def _claim(connection_id: str, piece: Piece) -> bool:
    """Claim a job by its number: one that is delivered twice is done once, and none of a replay that was replaced."""
    now = clock.epoch()
    first = Connection.replay_slice == piece.number - 1
    again = (Connection.replay_slice == piece.number) & (Connection.replay_claimed < now - _STALE)
    actions = [Connection.replay_slice.set(piece.number), Connection.replay_claimed.set(now)]
    key = Connection(pk=f"CONN#{connection_id}", sk="META")
    try:
        update_now(key, actions, (Connection.replay == piece.generation) & (first | again), _Replaced)
    except _Replaced:
        return False
    return True


def _queue(connection_id: str, piece: Piece, delay: float) -> None:
    send_job("replay_events", connection_id, delay=delay, piece=asdict(piece))
