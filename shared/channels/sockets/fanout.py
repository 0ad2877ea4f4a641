"""Deliver published messages to the connections subscribed to a topic: one delivery per connection and batch.

Messages of one topic in one batch are sent together, and log entries are joined. If the queue falls behind, viewers of a busy run get
fewer, larger messages instead of ever later ones.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.channels.sockets.client import FAILED, GONE, SENT, Delivery, socket_client
from shared.channels.sockets.connections import close_connection, delete_connection_by_id, get_connection
from shared.channels.sockets.frames import SocketContract, compact
from shared.channels.sockets.holding import MAX_HELD, hold, hold_back
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import LIVE, PAUSED, REPLAYING, Subscription
from shared.channels.sockets.topics import SYSTEM_TOPIC
from shared.core import clock
from shared.core.errors import ConditionFailed, Conflict
from shared.store import iterate, update_now

HANDSHAKE_GRACE = (
    10  # seconds after opening in which GONE may mean that the handshake, which ends after $connect, is not finished
)
TRIES = 3  # deliveries that are retried for a failing connection; after that, the viewer detects the gap by the sequence numbers
EntryRange = tuple[int, int]
"""Half-open range [start, end) of sequence numbers already sent."""
EMPTY_RANGE: EntryRange = (0, 0)
log = logging.getLogger(__name__)


class Liveness(Protocol):
    """Whether a user may still receive messages. Passed by the caller (`shared.people.access.liveness`), because `people` is a layer above
    the sockets."""

    def refresh(self, user_ids: Iterable[str]) -> None: ...

    def is_session_active(self, user_id: str, session_id: str) -> bool: ...

    def is_member(self, user_id: str, ws_id: str) -> bool: ...

    def sees_costs(self, user_id: str, ws_id: str) -> bool: ...

    def is_administrator(self, user_id: str) -> bool: ...


@dataclass
class RunEntries:
    """New entries of one run, as sequence numbers and JSON texts, in order."""

    run: str
    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def fan_out(topic: str, pushes: Sequence[dict[str, Any]], liveness: Liveness, contracts: Mapping[str, SocketContract]) -> None:
    """Deliver the messages of one topic to its subscribers, and disconnect those whose session has ended. `contracts` render the messages
    that are not rendered yet."""
    subscriptions = list(iterate(Subscription, f"SUB#{topic}", prefix="CONN#", consistent=True))
    if not subscriptions:
        return
    liveness.refresh(one.user_id for one in subscriptions)
    ended = [one for one in subscriptions if not _may_listen(one, topic, liveness)]
    gone = {one.connection for one in ended}
    batch = _Batch(pushes, contracts)
    outgoing = {
        one.connection: frames
        for one in subscriptions
        if one.connection not in gone and (frames := _frames(one, batch, liveness))
    }
    _handle_failures(subscriptions, socket_client().post_all(outgoing.items()), min((push["at"] for push in pushes), default=0))
    for one in ended:
        disconnect(one.connection)


def _may_listen(one: Subscription, topic: str, liveness: Liveness) -> bool:
    if topic == SYSTEM_TOPIC and not liveness.is_administrator(one.user_id):
        return False
    return liveness.is_session_active(one.user_id, one.session_id)


def deliver(connection_id: str, *frames: str) -> None:
    """Send messages to one connection; what fails is tried again by a job."""
    delivery = socket_client().post(connection_id, *frames)
    if delivery.outcome == FAILED:
        _try_again(connection_id, delivery.unsent, 1)


def retry_delivery(connection_id: str, frames: list[str], attempt: int) -> None:
    """Retry a failed delivery to one connection."""
    delivery = socket_client().post(connection_id, *frames)
    if delivery.outcome == GONE:
        delete_connection_by_id(connection_id)
    elif delivery.outcome == FAILED and attempt < TRIES:
        _try_again(connection_id, delivery.unsent, attempt + 1)


def _try_again(connection_id: str, frames: Sequence[str], attempt: int) -> None:
    """Queue what was not sent; each attempt waits twice as long as the one before."""
    send_job("again", connection_id, delay=2 ** (attempt - 1), frames=frames, attempt=attempt)


def disconnect(connection_id: str) -> None:
    """Close a connection and delete its rows."""
    socket_client().disconnect(connection_id)
    connection = get_connection(connection_id)
    if connection is not None:
        close_connection(connection)


class _Batch:
    """The messages of one topic in one queue batch; rendered once per contract."""

    def __init__(self, pushes: Sequence[dict[str, Any]], contracts: Mapping[str, SocketContract]) -> None:
        self.pushes, self.contracts = pushes, contracts
        self.ws_ids = {push["ws"] for push in pushes if push.get("ws")}
        self.runs = _entries_by_run(pushes)
        self._joined: dict[tuple[str, tuple[EntryRange | None, ...]], list[str]] = {}
        self._push_frames: dict[tuple[str, int], list[dict[str, Any]]] = {}

    def entries(self, name: str, sent: tuple[EntryRange | None, ...]) -> list[str]:
        """Return messages with the new entries of each run, without those in the range `sent`; None omits the run."""
        if (name, sent) not in self._joined:
            texts = [
                text
                for each, window in zip(self.runs, sent, strict=True)
                if window is not None
                for number, text in zip(each.numbers, each.texts, strict=True)
                if not window[0] <= number < window[1]
            ]
            self._joined[name, sent] = list(self.contracts[name].lines(texts)) if texts else []
        return self._joined[name, sent]

    def frames_of_push(self, name: str, index: int) -> list[dict[str, Any]]:
        """Return the frames of one push (`Frame.as_json`)."""
        if (name, index) not in self._push_frames:
            push = self.pushes[index]
            frames = list(push.get("frames", {}).get(name, ()))
            if "notice" in push and name in self.contracts:
                frames += [{"text": text} for text in self.contracts[name].notice(push["notice"], push["about"])]
            self._push_frames[name, index] = frames
        return self._push_frames[name, index]


def _entries_by_run(pushes: Sequence[dict[str, Any]]) -> list[RunEntries]:
    """Group new entries by run, sorted by sequence number, without duplicates."""
    runs: dict[str, dict[int, str]] = defaultdict(dict)
    for push in pushes:
        for entry in push.get("entries", ()):
            runs[push["run"]][entry["seq"]] = compact(entry)
    return [RunEntries(run, sorted(texts), [texts[number] for number in sorted(texts)]) for run, texts in runs.items()]


def _frames(one: Subscription, batch: _Batch, liveness: Liveness) -> list[str]:
    forbidden_workspaces = {ws_id for ws_id in batch.ws_ids if not liveness.is_member(one.user_id, ws_id)}
    if forbidden_workspaces and forbidden_workspaces == batch.ws_ids:
        return []
    frames: list[str] = []
    if batch.runs and one.contract in batch.contracts:
        frames += batch.entries(one.contract, tuple(_range_already_sent(one, each) for each in batch.runs))
    if one.greeted and one.state != PAUSED:
        for index, push in enumerate(batch.pushes):
            if push.get("ws") not in forbidden_workspaces and one.run in (None, push.get("run")):
                shown = [
                    frame
                    for frame in batch.frames_of_push(one.contract, index)
                    if matches_filters(one, frame.get("facets", {}))
                    and (not frame.get("costs") or _sees_costs(one, push.get("ws"), liveness))
                ]
                one, texts = _hold_or_send(one, push, shown)
                frames += texts
    return frames


def _sees_costs(one: Subscription, ws_id: str | None, liveness: Liveness) -> bool:
    return bool(one.sees_costs and ws_id and liveness.sees_costs(one.user_id, ws_id))


def matches_filters(one: Subscription, facets: Mapping[str, str] | None) -> bool:
    """Return whether the facets of a frame match every filter of the subscription. None: they have matched before."""
    return facets is None or all(facets.get(name) in values for name, values in (one.filters or {}).items() if values)


def _hold_or_send(one: Subscription, push: Mapping[str, Any], frames: list[dict[str, Any]]) -> tuple[Subscription, list[str]]:
    """Return the subscription as it is now and the messages of a push that it is sent: none of what a replay has sent or
    what its client had before, and none while one goes on, which sends them itself when it ends."""
    if str(push.get("position") or "~") <= str(one.since or ""):
        return one, []
    while one.state == REPLAYING and frames:
        now = hold(one, push, frames)
        if now is None or (now.state == REPLAYING and now.generation == one.generation):
            if now is not None and now.skips > MAX_HELD:
                disconnect(one.connection)
            return one, []
        one = now
    return one, [] if push.get("event") in (one.sent_ids or ()) else [frame["text"] for frame in frames]


def _range_already_sent(one: Subscription, new: RunEntries) -> EntryRange | None:
    """Return the range of the run's entries that the connection was already sent. None: it is sent no new entries now, and
    they are recorded as skipped."""
    if one.run not in (None, new.run):
        return None
    for _ in range(5):
        first, end = int(one.sent_from.get(new.run, 0)), int(one.sent_until.get(new.run, 0))
        unsent = [number for number in new.numbers if not first <= number < end]
        if one.state == LIVE:
            return (first, end) if len(unsent) < len(new.numbers) else EMPTY_RANGE
        if not unsent or (one.state == PAUSED and one.missed.get(new.run, unsent[0] + 1) <= unsent[0]):
            return None
        changed = _record_skipped(one, new.run, unsent[0])
        if changed is None:
            return None
        one = changed
    return None


class _SubscriptionChanged(ConditionFailed):
    def __init__(self, raw: dict[str, Any] | None) -> None:
        super().__init__("The subscription has changed")
        self.raw = raw


def _subscription_changed(raw: dict[str, Any] | None) -> ConditionFailed:
    return _SubscriptionChanged(raw)


def _record_skipped(one: Subscription, run: str, first: int) -> Subscription | None:
    """Record on a subscription that is not live that entries from `first` on were skipped. Return the subscription if its state has
    changed meanwhile."""
    key = Subscription(pk=one.pk, sk=one.sk)
    same = Subscription.state == one.state
    try:
        raw = update_now(
            key,
            [Subscription.skips.add(1), Subscription.missed[run].set(Subscription.missed[run] | first)],
            same,
            _subscription_changed,
        )
        if Subscription.decode(raw).missed[run] > first:  # pushes may arrive out of order
            update_now(
                key, [Subscription.missed[run].set(first)], same & (Subscription.missed[run] > first), _subscription_changed
            )
    except _SubscriptionChanged as changed:
        if not changed.raw:
            return None
        now = Subscription.decode(changed.raw)
        return None if now.state == one.state else now
    return None


def _handle_failures(subscriptions: Sequence[Subscription], deliveries: Mapping[str, Delivery], at: int) -> None:
    """Retry failed deliveries, and delete the connections that are gone. `at`: when the first of the messages was published."""
    by_connection = {one.connection: one for one in subscriptions}
    for connection, (outcome, unsent) in deliveries.items():
        one = by_connection[connection]
        in_handshake = clock.epoch() - int(one.opened) < HANDSHAKE_GRACE
        if outcome == GONE and not in_handshake:
            delete_connection_by_id(connection)
        elif outcome != SENT:
            log.info("a delivery will be tried again", extra={"connection": connection, "outcome": outcome})
            _keep(one, unsent, at) if one.resumes else _try_again(connection, unsent, 1)


def _keep(one: Subscription, unsent: Sequence[str], at: int) -> None:
    """Keep what a socket did not take, in order. One that cannot be kept up with is closed: its client asks for what it has missed."""
    try:
        kept = hold_back(one, unsent, at=at)
    except Conflict:
        kept = False
    if not kept:
        disconnect(one.connection)
