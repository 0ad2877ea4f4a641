"""From what was published to what each connection gets: one delivery for each connection and batch.

Several messages of one topic that come in one batch are sent together; log entries are joined into one `logs_batch` of at most 28 KB.
So a viewer of a busy run gets fewer, larger messages when the queue falls behind, instead of later and later ones.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.channels.sockets.client import FAILED, GONE, socket_client
from shared.channels.sockets.connections import close_connection, find, forget
from shared.channels.sockets.publish import send_job
from shared.channels.sockets.rows import LIVE, PAUSED, Subscription
from shared.core import clock
from shared.core.errors import CadreError, Conflict
from shared.store import iterate, update_now

FRAME_BYTES = 28_000  # API Gateway counts 32 KB as one message
YOUNG = 10  # seconds in which "gone" may mean "not there yet": the handshake ends after $connect has answered
TRIES = 3  # deliveries to a connection that does not take a message; then the viewer finds the gap by its number
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


def fan_out(topic: str, pushes: Sequence[dict[str, Any]], liveness: Liveness) -> None:
    """Deliver what was published to one topic, to those who may still listen."""
    subscriptions = list(iterate(Subscription, f"SUB#{topic}", prefix="CONN#", consistent=True))
    if not subscriptions:
        return
    liveness.refresh(one.user_id for one in subscriptions)
    ended = [one for one in subscriptions if not liveness.session_lives(one.user_id, one.session_id)]
    gone = {one.connection for one in ended}
    lines = _lines(pushes)
    joined: dict[Any, list[str]] = {}
    outgoing = {
        one.connection: frames
        for one in subscriptions
        if one.connection not in gone and (frames := _frames(one, pushes, lines, joined, liveness))
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


def frames_of(texts: Sequence[str]) -> Iterator[str]:
    """Log entries as the terminal's messages: alone a `log_entry`, together `logs_batch`es of at most 28 KB."""
    if len(texts) == 1:
        yield '{"type":"log_entry","data":' + texts[0] + "}"
        return
    batch: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode()) + 1
        if batch and size + length > FRAME_BYTES:
            yield _batch(batch)
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield _batch(batch)


def frame(message: Any) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _batch(texts: list[str]) -> str:
    return '{"type":"logs_batch","data":[' + ",".join(texts) + "]}"


def _lines(pushes: Sequence[dict[str, Any]]) -> list[Lines]:
    """The new entries by run, in the order of their numbers, each once."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for push in pushes:
        for entry in push.get("entries", ()):
            found[push["run"]][entry["seq"]] = frame(entry)
    return [Lines(run, sorted(texts), [texts[number] for number in sorted(texts)]) for run, texts in found.items()]


def _frames(
    one: Subscription, pushes: Sequence[dict[str, Any]], lines: list[Lines], joined: dict[Any, list[str]], liveness: Liveness
) -> list[str]:
    ws_ids = {push["ws"] for push in pushes if push.get("ws")}
    barred = {ws_id for ws_id in ws_ids if not liveness.belongs(one.user_id, ws_id)}
    if barred and barred == ws_ids:
        return []
    starts = tuple(_start(one, each) for each in lines)
    if starts not in joined:
        texts = [
            text
            for each, start in zip(lines, starts, strict=True)
            if start is not None
            for number, text in zip(each.numbers, each.texts, strict=True)
            if number >= start
        ]
        joined[starts] = list(frames_of(texts)) if texts else []
    frames = list(joined[starts])
    if one.greeted and one.state != PAUSED:
        for push in pushes:
            if push.get("ws") not in barred and one.run in (None, push.get("run")):
                frames += [frame(message) for message in push.get("messages", {}).get(one.contract, ()) if wanted(one, message)]
    return frames


def wanted(one: Subscription, message: dict[str, Any]) -> bool:
    """omoios' filters: each that is given must name the event."""
    filters = one.filters or {}
    return all(
        not filters.get(name) or message.get(field) in filters[name]
        for name, field in (("event_types", "event_type"), ("entity_types", "entity_type"), ("entity_ids", "entity_id"))
    )


def _start(one: Subscription, lines: Lines) -> int | None:
    """From which number on this connection gets the run's new entries live; None: not at all, or not now."""
    if one.contract != "agentworks" or one.run not in (None, lines.run):
        return None
    first = lines.numbers[0]
    for _ in range(5):
        if one.state == LIVE:
            number = int(dict(one.next).get(lines.run, 0))
            return number if number > first else 0
        if one.state == PAUSED and dict(one.missed).get(lines.run, first + 1) <= first:
            return None
        moved = _note(one, lines.run, first)
        if moved is None:
            return None
        one = moved
    return None


class _Moved(Conflict):
    def __init__(self, raw: dict[str, Any] | None) -> None:
        super().__init__("moved", "The subscription has changed")
        self.raw = raw


def _moved(raw: dict[str, Any] | None) -> CadreError:
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
