"""Deliver what waits at a webhook: its resources side by side, each in its order.

While the first delivery of a resource waits for its next attempt, those behind it wait too. If attempts fail and none succeeds, the webhook
rests for two minutes at most: the receiver is asked again with a few events and not with all that wait. One call at a time works for a
webhook (`wakes`).
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from shared.channels.webhooks.attempts import LONGEST_WISH, Attempt, attempt, delay_after, keys_of
from shared.channels.webhooks.rows import DELIVERED, FAILED, Content, Delivery, Payload, State, Webhook, partition_of
from shared.channels.webhooks.subscribing import disable
from shared.channels.webhooks.wakes import wake_later
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.store import Operation, delete, get, get_many, put, query, update, write

GIVEN_UP_AFTER: Final = timedelta(days=3)
SWITCHED_OFF_AFTER: Final = (10, 86_400)
"""Calls in a row whose attempts all failed, and the seconds that this lasts at least."""
_LONGEST_REST = 120  # seconds: one event that is refused for three days must not hold up the others for long
_THREADS = 8  # resources that one call delivers side by side
_ROWS = 200  # deliveries that one call takes up: 200 KB or so
_PAGE = 100


class _Overtaken(ConditionFailed):
    """Another call has changed the delivery since it was read."""


@dataclass
class _Line:
    """What waits at a webhook, as far as it was read: the resources that are due, and when the first of the others is."""

    lanes: list[list[Content]]
    later: str | None
    has_more: bool


def drain(org_id: str, webhook_id: str, until: float, *, at_once: bool = False) -> None:
    """Deliver what is due, until `until` (`time.monotonic`), and see to it that the rest has its turn. `at_once`: everything is due."""
    state_key = partition_of(webhook_id), "STATE"
    rows: list[Any] = get_many([(Webhook, *Webhook.key_in(org_id, webhook_id)), (State, *state_key)])
    webhook, state = rows
    if webhook is None or not webhook.active:
        _forget(state)  # who resumes it wakes the worker
        return
    if state is not None and state.rests_until > clock.epoch() and not at_once:
        return
    line = _read(webhook_id, at_once=at_once)
    visit = _Visit(webhook, until)
    visit.deliver(line.lanes)
    _conclude(webhook, state, line, visit)


def _read(webhook_id: str, *, at_once: bool) -> _Line:
    """Read the deliveries that are due, a part of them if they are many. A resource that waits is passed over, however long its line is."""
    lanes: dict[str, list[Content]] = {}
    waiting: dict[str, str] = {}
    start, number = "WAIT#", 0
    while number < _ROWS:
        between = (start, "WAIT#~")
        page = query(Content, partition_of(webhook_id), between=between, limit=_PAGE, consistent=True)
        for content in page.rows:
            if content.resource in waiting or int(content.ttl) <= clock.epoch():  # DynamoDB removes an expired row days later
                continue
            if content.resource not in lanes and not content.is_due and not at_once:
                waiting[content.resource] = content.next_attempt_at
                continue
            lanes.setdefault(content.resource, []).append(content)
            number += 1
        if page.next_key is None:
            return _Line(list(lanes.values()), min(waiting.values(), default=None), has_more=False)
        last = page.rows[-1]
        start = f"WAIT#{last.resource}#~" if last.resource in waiting else f"{last.sk} "
    return _Line(list(lanes.values()), min(waiting.values(), default=None), has_more=True)


class _Visit:
    """One call's work for a webhook; after a failed attempt it begins no other."""

    def __init__(self, webhook: Webhook, until: float) -> None:
        self.webhook, self._until = webhook, until
        self.succeeded = self.failed = 0
        self.wish = 0.0
        self.gone = False
        self.ended: set[str] = set()
        """The ids of the deliveries that wait no longer."""
        self._lock = threading.Lock()

    def deliver(self, lanes: list[list[Content]]) -> None:
        """Deliver the lanes side by side. Raises what one of them raises, after all have ended."""
        if not lanes:
            return
        self._keys = keys_of(self.webhook)
        with ThreadPoolExecutor(min(_THREADS, len(lanes)), "webhooks") as pool:
            running = [pool.submit(self._deliver_lane, lane) for lane in lanes]
        for one in running:
            one.result()

    def _deliver_lane(self, lane: list[Content]) -> None:
        for content in lane:
            if self.failed or time.monotonic() > self._until or not self._deliver(content):
                return
            self.ended.add(content.id)

    def _deliver(self, content: Content) -> bool:
        """Send a delivery once and write what came of it. Return whether it waits no longer, so that the next one may follow."""
        given_up_at = clock.parse(content.created_at) + GIVEN_UP_AFTER
        if content.attempts and clock.now() >= given_up_at:  # what waited behind another one is tried once, however old it is
            return _write_end(content, FAILED, int(content.attempts))
        said = get(Payload, *Payload.key_in(content.source))
        made, before = attempt(self.webhook.url, self._keys, content, said.data if said else {}), int(content.attempts)
        content.attempts = before + 1
        content.tries = [*content.tries, made.as_json()]
        self._count(made)
        if made.succeeded:
            return _write_end(content, DELIVERED, before, made)
        seconds = delay_after(before + 1, made.wish)
        if made.gone or clock.now() + timedelta(seconds=seconds) > given_up_at:
            return _write_end(content, FAILED, before, made)
        content.next_attempt_at = clock.in_seconds(seconds)
        return _write(
            put(content, Content.attempts == before, _Overtaken),
            update(_entry(content), [*_shown(content, made), Delivery.next_attempt_at.set(content.next_attempt_at)]),
            ended=False,
        )

    def _count(self, made: Attempt) -> None:
        with self._lock:
            self.succeeded += made.succeeded
            self.failed += not made.succeeded
            self.gone = self.gone or made.gone
            self.wish = max(self.wish, made.wish)


def _write_end(content: Content, status: str, before: int, made: Attempt | None = None) -> bool:
    """Move the content of a delivery that has ended from the line into the log.

    The log is written first, at half the price of a transaction: who dies then tries again, and the log has what was tried.
    """
    waits = Content(pk=content.pk, sk=content.sk)
    kept = Content.decode(content.serialize())
    kept.pk, kept.sk = Content.log_key(str(content.pk).partition("#")[2], content.id)
    kept.next_attempt_at = None
    with suppress(_Overtaken):
        write(put(kept, Content.pk.does_not_exist() | (Content.attempts < kept.attempts), _Overtaken))
    ends = [Delivery.status.set(status), Delivery.next_attempt_at.remove(), Delivery.waits_at.remove()]
    return _write(
        delete(waits, Content.attempts == before, _Overtaken),
        update(_entry(content), [*ends, *(_shown(content, made) if made else [])]),
        ended=True,
    )


def _write(*operations: Operation, ended: bool) -> bool:
    try:
        write(*operations)
    except _Overtaken:
        return False
    return ended


def _entry(content: Content) -> Delivery:
    pk, sk = Delivery.key_in(str(content.pk).partition("#")[2], content.id)
    return Delivery(pk=pk, sk=sk)


def _shown(content: Content, made: Attempt) -> list[Any]:
    """Return the changes of the log's entry after an attempt."""
    answered = Delivery.response_status.remove() if made.status is None else Delivery.response_status.set(made.status)
    return [Delivery.attempts.set(content.attempts), Delivery.duration_ms.set(made.duration_ms), answered]


def _conclude(webhook: Webhook, state: State | None, line: _Line, visit: _Visit) -> None:
    """Write how the webhook stands, and wake the worker for what still waits. A webhook whose deliveries arrive has no row of its own."""
    org_id, now = str(webhook.org_id), clock.epoch()
    after = _state_after(webhook, state, visit, now)
    least, seconds = SWITCHED_OFF_AFTER
    if visit.gone or (after.failures >= least and now - after.failing_since >= seconds):
        disable(org_id, webhook.id, "gone" if visit.gone else "failing")
        _forget(state)
        return
    left = [first for lane in line.lanes for first in [_first_left(lane, visit)] if first is not None]
    times = [clock.parse(one.next_attempt_at).timestamp() if one.next_attempt_at else now for one in left]
    times += [clock.parse(line.later).timestamp()] if line.later else []
    times += [now] if line.has_more else []
    if not times:
        _forget(state)
        return
    # at the end of a rest in any case: what has come meanwhile found the webhook resting
    due = int(after.rests_until) or (int(min(times)) + 1 if min(times) > now else now)
    if due > now or state is not None:
        after.set_due(due)
        write(put(after))
    wake_later(org_id, webhook.id, due - now)


def _state_after(webhook: Webhook, state: State | None, visit: _Visit, now: int) -> State:
    failures, since = (int(state.failures), int(state.failing_since)) if state else (0, 0)
    rests_until = 0
    if visit.succeeded:
        failures = since = 0
    elif visit.failed:
        failures, since = failures + 1, since or now
        rests_until = now + round(max(min(delay_after(failures), _LONGEST_REST), min(visit.wish, LONGEST_WISH)))
    return State.of(str(webhook.org_id), webhook.id, failures=failures, failing_since=since, rests_until=rests_until)


def _first_left(lane: list[Content], visit: _Visit) -> Content | None:
    return next((content for content in lane if content.id not in visit.ended), None)


def _forget(state: State | None) -> None:
    if state is not None:
        write(delete(state))
