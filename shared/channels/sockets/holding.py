"""Hold messages to a socket: while a replay goes on, and while the socket takes none.

Messages are held before they are counted, and counted only while the replay goes on: so whoever ends it has seen them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.channels.sockets.connections import get_connection
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import LIVE, REPLAYING, Connection, Held, Subscription
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.store import Operation, get, put_many, retrying, update, update_now, write

BUSY_DELAY = 2  # seconds until a job that could not post goes on
MAX_HELD = 10_000
"""Messages of one topic that are held for one connection. Who has more is disconnected, and asks for a replay."""


class _Changed(ConditionFailed):
    """The subscription is in another state, or gone."""

    def __init__(self, raw: dict[str, Any] | None) -> None:
        super().__init__("The subscription has changed")
        self.raw = raw


@dataclass(frozen=True)
class Piece:
    """A job of a replay: what it has reached. `received` are the ids that the client named, `position` that of the earliest of them."""

    generation: str
    received: list[str]
    number: int = 1
    position: str | None = None
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    """How far the events of each workspace are sent, by its id."""
    since: dict[str, str] = field(default_factory=dict)
    """By workspace, the place of the earliest of its events that the client named."""
    events: int = 0
    recent: list[list[str]] = field(default_factory=list)
    """Ids and times of the events that were sent lately."""
    unsent: list[str] = field(default_factory=list)
    """Messages with which this job begins: the socket did not take them."""
    refused: int = 0
    """Jobs in a row of which the socket has taken nothing."""
    ending: bool = False
    asked: bool = True
    """False: nobody asked for this replay, and it is not announced. The socket took no messages for a while."""
    tries: int = 0


def queue_piece(connection_id: str, piece: Piece, delay: float = 0) -> None:
    """Queue a job of a replay."""
    send_job("replay_events", connection_id, delay=delay, piece=asdict(piece))


def hold(one: Subscription, push: Mapping[str, Any], frames: Sequence[Mapping[str, Any]]) -> Subscription | None:
    """Hold the messages of a push to a subscription that is `replaying`, if it still is. Return the subscription as it is now, None if it
    is gone. Frames are texts with what a filter looks at (`Frame.as_json`). Two writes."""
    row = _held(one, str(one.generation), push["at"], push.get("event") or new_id(), frames)
    row.ws_id, row.position = push.get("ws"), push.get("position")
    return _hold(one, [row])


def _hold(one: Subscription, rows: Sequence[Held]) -> Subscription | None:
    put_many(rows)
    same = (Subscription.state == REPLAYING) & (Subscription.generation == str(one.generation))
    try:
        raw: dict[str, Any] | None = update_now(
            Subscription(pk=one.pk, sk=one.sk), [Subscription.skips.add(len(rows))], same, _Changed
        )
    except _Changed as changed:
        raw = changed.raw
    return Subscription.decode(raw) if raw else None


def _held(one: Subscription, generation: str, at: int, event: str, frames: Sequence[Mapping[str, Any]]) -> Held:
    place = Held.partition(one.connection, generation)
    return Held(pk=place, sk=f"{at:013}#{event}", event=event, frames=list(frames), ttl=one.ttl)


def hold_back(one: Subscription, texts: Sequence[str], *, at: int) -> bool:
    """Keep messages that a socket did not take, and all later ones behind them, until jobs have sent them: in order, none left out.

    Return False if too many are kept: the caller disconnects. A read, a job, a batch of rows and a transaction.
    """
    name = new_id()
    names = [f"{name}-{number:04}" for number in range(len(texts))]

    def rows(generation: str) -> list[Held]:
        return [_held(one, generation, at, name, [{"text": text}]) for name, text in zip(names, texts, strict=True)]

    def attempt(_: int) -> bool:
        now: Subscription | None = get(Subscription, str(one.pk), str(one.sk))
        while now is not None and now.state == REPLAYING:
            generation, now = now.generation, _hold(now, rows(str(now.generation)))
            if now is not None and now.state == REPLAYING and now.generation == generation:
                return bool(now.skips <= MAX_HELD)
        connection = get_connection(one.connection)
        if now is None or connection is None or names[0] in (now.sent_ids or ()):
            return True  # nobody is there, or the replay that has just ended has sent them
        piece = Piece(new_id(), list(now.sent_ids or []), ending=True, asked=False)
        # The job comes first: without the rows it does nothing, while nothing would end a replay without a job
        queue_piece(connection.id, piece, BUSY_DELAY)
        put_many(rows(piece.generation))
        write(*replaying(connection, piece.generation, only_if=Subscription.state == LIVE))
        return True

    return retrying(attempt)


def replaying(connection: Connection, generation: str, *actions: Any, only_if: Any = None) -> list[Operation]:
    """Return the operations that set an open connection and its subscriptions to a replay. An older one ends."""
    there = Subscription.pk.exists()
    state = [Subscription.state.set(REPLAYING), Subscription.generation.set(generation), Subscription.skips.set(0)]
    return [
        update(
            Connection(pk=connection.pk, sk=connection.sk),
            [Connection.replay.set(generation), Connection.replay_slice.set(0), Connection.replay_claimed.set(0)],
            Connection.pk.exists(),
        ),
        *(
            update(Subscription.at(topic, connection.id), [*state, *actions], there if only_if is None else there & only_if)
            for topic in connection.topics
        ),
    ]
