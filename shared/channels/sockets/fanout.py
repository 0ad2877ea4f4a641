"""From what was published to what each connection gets: one delivery for each connection and batch.

Several messages of one topic that come in one batch are sent together, and log entries are joined. So a viewer of a busy run gets
fewer, larger messages when the queue falls behind, instead of later and later ones.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.channels.sockets.client import FAILED, GONE, socket_client
from shared.channels.sockets.connections import close_connection, find, forget
from shared.channels.sockets.frames import SocketContract, compact
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import LIVE, PAUSED, Subscription
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.store import iterate, update_now

YOUNG = 10  # seconds in which "gone" may mean "not there yet": the handshake ends after $connect has answered
TRIES = 3  # deliveries to a connection that does not take a message; then the viewer finds the gap by its number
EntryRange = tuple[int, int]
"""The numbers of a run's entries that a connection has, from the first to before the second."""
NOTHING: EntryRange = (0, 0)
log = logging.getLogger(__name__)


class Liveness(Protocol):
    """Who may still listen (`shared.people.access.liveness`). Given by the caller: what people may enter stands above the sockets."""

    def refresh(self, user_ids: Iterable[str]) -> None: ...

    def session_lives(self, user_id: str, session_id: str) -> bool: ...

    def belongs(self, user_id: str, ws_id: str) -> bool: ...


@dataclass
class Lines:
    """New entries of one run: numbers and texts, in order."""

    run: str
    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def fan_out(topic: str, pushes: Sequence[dict[str, Any]], liveness: Liveness, contracts: Mapping[str, SocketContract]) -> None:
    """Deliver what was published to one topic, to those who may still listen. `contracts` render what was not rendered before."""
    subscriptions = list(iterate(Subscription, f"SUB#{topic}", prefix="CONN#", consistent=True))
    if not subscriptions:
        return
    liveness.refresh(one.user_id for one in subscriptions)
    ended = [one for one in subscriptions if not liveness.session_lives(one.user_id, one.session_id)]
    gone = {one.connection for one in ended}
    batch = _Batch(pushes, contracts)
    outgoing = {
        one.connection: frames
        for one in subscriptions
        if one.connection not in gone and (frames := _frames(one, batch, liveness))
    }
    _settle(subscriptions, outgoing, socket_client().post_all(outgoing.items()))
    for one in ended:
        disconnect(one.connection)


def retry_delivery(connection_id: str, frames: list[str], attempt: int) -> None:
    """Another try for one connection."""
    outcome = socket_client().post(connection_id, *frames)
    if outcome == GONE:
        forget(connection_id)
    elif outcome == FAILED and attempt < TRIES:
        send_job("again", connection_id, delay=2**attempt, frames=frames, attempt=attempt + 1)


def disconnect(connection_id: str) -> None:
    """End a connection whose owner may not listen any more."""
    socket_client().disconnect(connection_id)
    connection = find(connection_id)
    if connection is not None:
        close_connection(connection)


class _Batch:
    """What came in for one topic at once. What the subscribers of a contract get of it is rendered once."""

    def __init__(self, pushes: Sequence[dict[str, Any]], contracts: Mapping[str, SocketContract]) -> None:
        self.pushes, self.contracts = pushes, contracts
        self.ws_ids = {push["ws"] for push in pushes if push.get("ws")}
        self.lines = _lines(pushes)
        self._joined: dict[tuple[str, tuple[EntryRange | None, ...]], list[str]] = {}
        self._news: dict[tuple[str, int], list[dict[str, Any]]] = {}

    def entries(self, name: str, sent: tuple[EntryRange | None, ...]) -> list[str]:
        """Messages with the new entries but for those that were `sent` of each run; None leaves the run out."""
        if (name, sent) not in self._joined:
            texts = [
                text
                for each, window in zip(self.lines, sent, strict=True)
                if window is not None
                for number, text in zip(each.numbers, each.texts, strict=True)
                if not window[0] <= number < window[1]
            ]
            self._joined[name, sent] = list(self.contracts[name].lines(texts)) if texts else []
        return self._joined[name, sent]

    def news(self, name: str, index: int) -> list[dict[str, Any]]:
        """The frames of one push (`Frame.as_json`)."""
        if (name, index) not in self._news:
            push = self.pushes[index]
            frames = list(push.get("frames", {}).get(name, ()))
            if "notice" in push and name in self.contracts:
                frames += [{"text": text} for text in self.contracts[name].notice(push["notice"], push["about"])]
            self._news[name, index] = frames
        return self._news[name, index]


def _lines(pushes: Sequence[dict[str, Any]]) -> list[Lines]:
    """The new entries by run, in the order of their numbers, each once."""
    runs: dict[str, dict[int, str]] = defaultdict(dict)
    for push in pushes:
        for entry in push.get("entries", ()):
            runs[push["run"]][entry["seq"]] = compact(entry)
    return [Lines(run, sorted(texts), [texts[number] for number in sorted(texts)]) for run, texts in runs.items()]


def _frames(one: Subscription, batch: _Batch, liveness: Liveness) -> list[str]:
    barred = {ws_id for ws_id in batch.ws_ids if not liveness.belongs(one.user_id, ws_id)}
    if barred and barred == batch.ws_ids:
        return []
    frames: list[str] = []
    if batch.lines and one.contract in batch.contracts:
        frames += batch.entries(one.contract, tuple(_sent(one, each) for each in batch.lines))
    if one.greeted and one.state != PAUSED:
        for index, push in enumerate(batch.pushes):
            if push.get("ws") not in barred and one.run in (None, push.get("run")):
                frames += [frame["text"] for frame in batch.news(one.contract, index) if _wanted(one, frame)]
    return frames


def _wanted(one: Subscription, frame: dict[str, Any]) -> bool:
    """Whether each filter that the listener has set names the frame's facet."""
    facets = frame.get("facets", {})
    return all(facets.get(name) in values for name, values in (one.filters or {}).items() if values)


def _sent(one: Subscription, lines: Lines) -> EntryRange | None:
    """Which of the run's entries this connection has already; None: it gets none of the new ones now, and that is noted."""
    if one.run not in (None, lines.run):
        return None
    for _ in range(5):
        first, end = int(one.since.get(lines.run, 0)), int(one.next.get(lines.run, 0))
        unsent = [number for number in lines.numbers if not first <= number < end]
        if one.state == LIVE:
            return (first, end) if len(unsent) < len(lines.numbers) else NOTHING
        if not unsent or (one.state == PAUSED and one.missed.get(lines.run, unsent[0] + 1) <= unsent[0]):
            return None
        moved = _note(one, lines.run, unsent[0])
        if moved is None:
            return None
        one = moved
    return None


class _Moved(ConditionFailed):
    def __init__(self, raw: dict[str, Any] | None) -> None:
        super().__init__("The subscription has changed")
        self.raw = raw


def _moved(raw: dict[str, Any] | None) -> ConditionFailed:
    return _Moved(raw)


def _note(one: Subscription, run: str, first: int) -> Subscription | None:
    """Note on a subscription that is not live what it is not sent. Answers the subscription if it is in another state by now."""
    key = Subscription(pk=one.pk, sk=one.sk)
    same = Subscription.state == one.state
    try:
        raw = update_now(
            key,
            [Subscription.skips.add(1), Subscription.missed[run].set(Subscription.missed[run] | first)],
            same,
            _moved,
        )
        if Subscription.decode(raw).missed[run] > first:  # pushes may overtake each other
            update_now(key, [Subscription.missed[run].set(first)], same & (Subscription.missed[run] > first), _moved)
    except _Moved as changed:
        if not changed.raw:
            return None
        now = Subscription.decode(changed.raw)
        return None if now.state == one.state else now
    return None


def _settle(subscriptions: Sequence[Subscription], outgoing: dict[str, list[str]], outcomes: dict[str, str]) -> None:
    """What did not arrive: try again, or forget who is gone."""
    opened = {one.connection: int(one.opened) for one in subscriptions}
    for connection, outcome in outcomes.items():
        young = clock.epoch() - opened[connection] < YOUNG
        if outcome == GONE and not young:
            forget(connection)
        elif outcome != "sent":
            log.info("a delivery will be tried again", extra={"connection": connection, "outcome": outcome})
            send_job("again", connection, delay=1, frames=outgoing[connection], attempt=1)
