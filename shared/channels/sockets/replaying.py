"""Send events again to a socket that was away: what it missed, in order, then live, without a gap and without a double.

While a replay goes on the subscriptions of the connection are `replaying`, and pushes to them are held (`fanout`). The replay is a chain of
jobs, each of which sends for a few seconds and queues the next one with the place that it has reached. The last one sends what was
held meanwhile and makes the subscriptions live, if nothing was held since it looked; it leaves in them the events that it has sent
lately, because pushes of these may still be on their way.
"""

import heapq
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from time import monotonic
from typing import Any, Protocol

from shared.channels.sockets.client import FAILED, GONE, socket_client
from shared.channels.sockets.connections import delete_connection_by_id
from shared.channels.sockets.fanout import HANDSHAKE_GRACE, disconnect, matches_filters
from shared.channels.sockets.frames import Frame, compact
from shared.channels.sockets.holding import BUSY_DELAY, Piece, queue_piece, replaying
from shared.channels.sockets.rows import LIVE, REPLAYING, Connection, Held, Subscription
from shared.channels.sockets.topics import workspace_of
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.store import delete_many, get_many, iterate, update_now, write

MAX_HOURS, MAX_EVENTS = 24, 10_000
"""How far back a replay goes, and how many events it sends. What is missing is said."""
MAX_IDS = 100
"""Events that a client may name as received: by their ids, or by `<id>/<number>` if it has only the first messages of one."""
_SECONDS = 8.0  # that one job sends
_RECENT = timedelta(minutes=11)  # a push is delivered within ten minutes or not at all (infra/queues.py)
_MAX_RECENT = 1_000
_STALE = 60  # seconds after which a job may be done again, because its worker has died
_TRIES = 5
_MOST_REFUSED = 5
"""Jobs in a row of which a socket may take nothing: a minute. Then it is closed, and its client asks for what it has missed."""
_LOOK = 1.0  # seconds for which a replay goes by what a subscription said
_TOGETHER = 500  # held messages that are read at once


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

    def find(self, ws_ids: Sequence[str], event_ids: Sequence[str], partly: Container[str] = ()) -> dict[str, str] | None:
        """Return by workspace the position of the earliest of these events, or None if one of them is in no log of these workspaces. Of
        those that were received `partly` it is the one before. What is too old to be looked for is in no workspace ("")."""

    def missed(self, ws_id: str, position: str, place: Mapping[str, Any]) -> Iterator[Missed]:
        """Yield what happened in a workspace behind a position, in order, from a place on (empty: from the beginning)."""


def begin_replay(connection: Connection, subscriptions: Sequence[Subscription]) -> str:
    """Set rows that are about to be written to a replay, and return its generation. `queue_replay` begins it."""
    connection.replay = new_id()
    for one in subscriptions:
        one.state, one.generation = REPLAYING, connection.replay
    return str(connection.replay)


def restart_replay(connection: Connection, filters: Mapping[str, Any]) -> str:
    """Set an open connection to a new replay, with these filters, and return its generation. An older one ends."""
    generation = new_id()
    write(*replaying(connection, generation, Subscription.filters.set(dict(filters)), Subscription.since.remove()))
    return generation


def queue_replay(connection_id: str, generation: str, event_ids: Sequence[str], *, delay: float = 0) -> None:
    """Queue the first job of a replay."""
    queue_piece(connection_id, Piece(generation, list(event_ids)), delay)


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
            queue_piece(connection.id, replace(player.piece, number=piece.number + 1, tries=piece.tries + 1), BUSY_DELAY)
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
        self._partly = {one: int(part) for one, _, part in (named.partition("/") for named in piece.received) if part}
        self._received = {one for one in piece.received if "/" not in one} - self._partly.keys()
        self._look = 0.0
        self._known: dict[str, Subscription] = {}

    def play(self) -> None:
        try:
            unsent, self.piece = self.piece.unsent, replace(self.piece, unsent=[])
            self._post(*unsent)
            self.piece = replace(self.piece, refused=0)
            if self.piece.ending or self._send_missed():
                self.piece = replace(self.piece, ending=True)
                self._end()
        except _Stopped:
            return

    def _send_missed(self) -> bool:
        """Send what was missed; return False if the rest was queued."""
        if self.piece.position is None and not self._begin():
            return True
        if not any(self._subscriptions()):
            raise _Stopped
        for ws_id, missed in self._missed():
            if self.piece.events >= MAX_EVENTS:
                self._say_gap("too_many", f"More than {MAX_EVENTS:,} events were missed; the rest is left out")
                return True
            texts = self._texts(ws_id, missed)
            self.piece = replace(self.piece, places=self.piece.places | {ws_id: dict(missed.place)})
            if texts and missed.id not in self._received:
                self._sent(missed.id, missed.at)
                self._post(*texts)
            if monotonic() > self._until:
                self._go_on()
                return False
        return True

    def _missed(self) -> Iterator[tuple[str, Missed]]:
        """Yield what was missed in all workspaces together, in order: whoever is away again names the last event that they have, and all
        before it were sent."""
        parts = [self._missed_in(ws_id) for ws_id in self._ws_ids]
        yield from heapq.merge(*parts, key=lambda one: (one[1].at, one[1].id))

    def _missed_in(self, ws_id: str) -> Iterator[tuple[str, Missed]]:
        for missed in self._source.missed(ws_id, str(self.piece.position), self.piece.places.get(ws_id, {})):
            yield ws_id, missed

    def _texts(self, ws_id: str, missed: Missed) -> list[str]:
        """Return what of an event is shown: as the subscription says now, which may be changed while the replay goes on."""
        if monotonic() > self._look:
            self._look, self._known = monotonic() + _LOOK, self._by_workspace()
        one = self._known.get(ws_id)
        if one is None:
            return []
        frames = missed.frames[self._partly.get(missed.id, 0) :]
        shown = [frame for frame in frames if not frame.costs or (one.sees_costs and ws_id in self._with_costs)]
        return [frame.text for frame in shown if matches_filters(one, frame.facets)]

    def _by_workspace(self) -> dict[str, Subscription]:
        return {ws_id: one for ws_id, one in zip(self._ws_ids, self._subscriptions(), strict=True) if one is not None}

    def _begin(self) -> bool:
        """Find where to begin and say that it begins; return False if there is no such place, after saying so."""
        found = self._source.find(self._ws_ids, [*self._received, *self._partly], self._partly)
        oldest = clock.iso(clock.now() - timedelta(hours=MAX_HOURS))
        if found is None:
            self._say_gap("unknown_event", "This event is not known here: what happened since cannot be told")
            return False
        position = min(found.values())
        if position < oldest:
            self._say_gap("too_old", f"This event is older than {MAX_HOURS} hours; what happened before is left out")
        self.piece = replace(self.piece, position=max(position, oldest), since=found)
        self._post(compact({"type": "replay_started", "last_event_id": self.piece.received[-1]}))
        return True

    def _say_gap(self, reason: str, message: str) -> None:
        self._post(compact({"type": "replay_gap", "reason": reason, "message": message}))

    def _sent(self, event_id: str, at: str) -> None:
        self.piece = replace(self.piece, events=self.piece.events + 1, recent=[*self._recent(), [event_id, at]])

    def _recent(self) -> list[list[str]]:
        if len(self.piece.recent) < _MAX_RECENT // 2:
            return self.piece.recent
        since = clock.iso(clock.now() - _RECENT)
        return [one for one in self.piece.recent if one[1] > since][-_MAX_RECENT:]

    def _end(self) -> None:
        """Send what was held meanwhile, until the subscriptions are live."""
        for _ in range(20):
            found = self._subscriptions()
            waiting = [
                one for one in found if one is not None and one.state == REPLAYING and one.generation == self.piece.generation
            ]
            is_last = self._send_held(next((one for one in found if one is not None), None))
            live = [self._go_live(one) for one in waiting] if is_last else [False]
            if all(live):
                if self.piece.asked:
                    self._post(compact({"type": "replay_completed", "events": self.piece.events}))
                return
            if monotonic() > self._until:
                break
        self._go_on()

    def _send_held(self, one: Subscription | None) -> bool:
        """Send some of what is held, by the filters of now, which all subscriptions of a connection share. Return whether it was all."""
        partition = Held.partition(self._connection.id, self.piece.generation)
        held = list(islice(iterate(Held, partition, limit=_TOGETHER, consistent=True), _TOGETHER))
        sent = {event_id for event_id, _ in self.piece.recent} | self._received
        done = []
        try:
            for row in held:
                had = row.position and row.position <= self.piece.since.get(str(row.ws_id), "")
                if row.event not in sent and not had and one is not None:
                    self._sent(row.event, clock.iso())
                    self._post(*(each["text"] for each in row.frames if matches_filters(one, each.get("facets"))))
                done.append(row)
        finally:
            delete_many(done)
        return len(held) < _TOGETHER

    def _go_live(self, one: Subscription) -> bool:
        """Make a subscription live, unless a push was held since it was read."""
        same = (Subscription.state == REPLAYING) & (Subscription.generation == self.piece.generation)
        received = [one for one in self.piece.received if one in self._received]
        ids = list(dict.fromkeys([*received, *(event_id for event_id, _ in self._recent())]))[-_MAX_RECENT:]
        actions = [Subscription.state.set(LIVE), Subscription.sent_ids.set(ids)]
        if since := self.piece.since.get(str(workspace_of(str(one.pk).removeprefix("SUB#")))):
            actions.append(Subscription.since.set(since))
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
            refused = self.piece.refused + 1 if len(delivery.unsent) == len(texts) else 1
            if refused > _MOST_REFUSED:
                socket_client().post(self._connection.id, compact({"error": "This socket took no messages: connect again"}))
                disconnect(self._connection.id)
                raise _Stopped
            self.piece = replace(self.piece, unsent=list(delivery.unsent), refused=refused)
            self._go_on(BUSY_DELAY * 2 ** (refused - 1))
            raise _Stopped

    def _go_on(self, delay: float = 0) -> None:
        queue_piece(self._connection.id, replace(self.piece, number=self.piece.number + 1), delay)


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
