"""Deliver what is due at a webhook: its resources side by side, each in its order. Their entries (`Line`) tell what is due, so a call costs
nothing for what waits.

While the first delivery of a resource waits for its next attempt, those behind it wait too. If attempts fail and none succeeds, the webhook
rests for two minutes at most: the receiver is asked again with a few events and not with all that wait. One call at a time works for a
webhook (`wakes`).
"""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from shared.channels.webhooks.attempts import LONGEST_WISH, Attempt, attempt, delay_after, keys_of
from shared.channels.webhooks.rows import DELIVERED, FAILED, Content, Delivery, Line, Payload, State, Webhook, partition_of
from shared.channels.webhooks.subscribing import disable
from shared.channels.webhooks.wakes import wake_later
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.store import delete, delete_many, get, get_many, pages, put, query, update, write

GIVEN_UP_AFTER: Final = timedelta(days=3)
SWITCHED_OFF_AFTER: Final = (10, 86_400)
"""Calls in a row whose attempts all failed, and the seconds that this lasts at least."""
_LONGEST_REST = 120  # seconds: one event that is refused for three days must not hold up the others for long
_THREADS = 8  # resources that one call delivers side by side
_LINES = 100  # entries that one call takes up: 20 KB or so
_LANE = 50  # deliveries of a resource that one call takes up: 50 KB or so


class _Overtaken(ConditionFailed):
    """Another call has changed the delivery since it was read."""


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
    visit = _Visit(webhook, until, at_once=at_once)
    failures = int(state.failures) if state is not None else 0
    visit.work(_due_lines(webhook_id, tried_first=failures > 0 and failures % 2 == 0, at_once=at_once))
    _conclude(webhook, state, visit)


def _due_lines(webhook_id: str, *, tried_first: bool, at_once: bool) -> dict[str, list[Line]]:
    """Read what is due, a part of it if it is much: the entries of each resource, what was never tried first. `tried_first`: what was
    tried before, if any of it is due; new events that are all refused would leave it no turn."""
    last = "~" if at_once else f"{clock.iso()}~"
    lines: dict[str, list[Line]] = {}
    for first in (Line.TRIED, Line.NEW) if tried_first else (Line.NEW,):
        page = query(Line, partition_of(webhook_id), between=(first, f"LINE#{last}"), limit=_LINES, consistent=True)
        for row in page.rows:
            lines.setdefault(row.resource, []).append(row)
        if lines:
            break
    return lines


def _read_lane(webhook_id: str, resource: str) -> tuple[list[Content], bool]:
    """Read the first deliveries that wait of a resource, in order, and whether there are more. DynamoDB removes expired rows days later."""
    start, waiting = f"WAIT#{resource}#", list[Content]()
    for page in pages(Content, partition_of(webhook_id), between=(start, f"{start}~"), limit=_LANE, consistent=True):
        waiting = [one for one in page.rows if int(one.ttl) > clock.epoch()]
        if waiting:
            return waiting, page.next_key is not None
    return waiting, False


class _Visit:
    """One call's work for a webhook; after a failed attempt it begins no other."""

    def __init__(self, webhook: Webhook, until: float, *, at_once: bool) -> None:
        self.webhook, self.at_once, self._until = webhook, at_once, until
        self.succeeded = self.failed = 0
        self.wish = 0.0
        self.gone = False
        self._keys: list[str] = []
        self._lock = threading.Lock()

    def work(self, lines: Mapping[str, list[Line]]) -> None:
        """Work for the resources side by side. Raises what one of them raises, after all have ended."""
        if not lines:
            return
        with ThreadPoolExecutor(min(_THREADS, len(lines)), "webhooks") as pool:
            running = [pool.submit(self._work_lane, resource, entries) for resource, entries in lines.items()]
        for one in running:
            one.result()

    @property
    def _is_over(self) -> bool:
        return bool(self.failed) or time.monotonic() > self._until

    def _work_lane(self, resource: str, entries: list[Line]) -> None:
        """Deliver what waits of a resource. Then it has the entry of the first delivery that waits on, and no other that was read."""
        if self._is_over:
            return
        waiting, has_more = _read_lane(self.webhook.id, resource)
        try:
            left = self._deliver_lane(waiting)
        except _Overtaken:
            return
        if left is None and has_more:
            return
        place = None if left is None else Line.place(left)
        if left is not None and all(one.sk != place for one in entries):
            write(put(Line.of(left)))
        delete_many([one for one in entries if one.sk != place])

    def _deliver_lane(self, waiting: list[Content]) -> Content | None:
        """Deliver what is due of a resource in its order. Return the first delivery that waits on."""
        for content in waiting:
            if self._is_over or not (content.is_due or self.at_once) or not self._deliver(content):
                return content
        return None

    def _signing_keys(self) -> list[str]:
        with self._lock:
            self._keys = self._keys or keys_of(self.webhook)
            return self._keys

    def _deliver(self, content: Content) -> bool:
        """Send a delivery once and write what came of it. Return whether it waits no longer, so that the next one may follow. Raises
        _Overtaken."""
        given_up_at = clock.parse(content.created_at) + GIVEN_UP_AFTER
        if content.attempts and clock.now() >= given_up_at:  # what waited behind another one is tried once, however old it is
            return _write_end(content, FAILED, int(content.attempts))
        said = get(Payload, *Payload.key_in(content.source))
        made, before = attempt(self.webhook.url, self._signing_keys(), content, said.data if said else {}), int(content.attempts)
        content.attempts = before + 1
        content.tries = [*content.tries, made.as_json()]
        self._count(made)
        if made.succeeded:
            return _write_end(content, DELIVERED, before, made)
        seconds = delay_after(before + 1, made.wish)
        if made.gone or clock.now() + timedelta(seconds=seconds) > given_up_at:
            return _write_end(content, FAILED, before, made)
        content.next_attempt_at = clock.in_seconds(seconds)
        write(
            put(content, Content.attempts == before, _Overtaken),
            update(_entry(content), [*_shown(content, made), Delivery.next_attempt_at.set(content.next_attempt_at)]),
        )
        return False

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
    write(
        delete(waits, Content.attempts == before, _Overtaken),
        update(_entry(content), [*ends, *(_shown(content, made) if made else [])]),
    )
    return True


def _entry(content: Content) -> Delivery:
    pk, sk = Delivery.key_in(str(content.pk).partition("#")[2], content.id)
    return Delivery(pk=pk, sk=sk)


def _shown(content: Content, made: Attempt) -> list[Any]:
    """Return the changes of the log's entry after an attempt."""
    answered = Delivery.response_status.remove() if made.status is None else Delivery.response_status.set(made.status)
    return [Delivery.attempts.set(content.attempts), Delivery.duration_ms.set(made.duration_ms), answered]


def _conclude(webhook: Webhook, state: State | None, visit: _Visit) -> None:
    """Write how the webhook stands, and wake the worker for what still waits. A webhook whose deliveries arrive has no row of its own."""
    org_id, now = str(webhook.org_id), clock.epoch()
    after = _state_after(webhook, state, visit, now)
    least, seconds = SWITCHED_OFF_AFTER
    if visit.gone or (after.failures >= least and now - after.failing_since >= seconds):
        disable(org_id, webhook.id, "gone" if visit.gone else "failing")
        _forget(state)
        return
    first = next(iter(query(Line, partition_of(webhook.id), prefix="LINE#", limit=1, consistent=True).rows), None)
    if first is None:
        _forget(state)
        return
    # at the end of a rest in any case: what has come meanwhile found the webhook resting
    due = int(after.rests_until) or (max(now, int(clock.parse(first.due).timestamp()) + 1) if first.due else now)
    if visit.at_once and not visit.failed:
        due = now  # the rest of what is to be tried at once
    if due > now or state is not None:
        after.set_due(due)
        write(put(after))
    wake_later(org_id, webhook.id, due - now, at_once=visit.at_once)


def _state_after(webhook: Webhook, state: State | None, visit: _Visit, now: int) -> State:
    failures, since = (int(state.failures), int(state.failing_since)) if state else (0, 0)
    rests_until = 0
    if visit.succeeded:
        failures = since = 0
    elif visit.failed:
        failures, since = failures + 1, since or now
        rests_until = now + round(max(min(delay_after(failures), _LONGEST_REST), min(visit.wish, LONGEST_WISH)))
    return State.of(str(webhook.org_id), webhook.id, failures=failures, failing_since=since, rests_until=rests_until)


def _forget(state: State | None) -> None:
    if state is not None:
        write(delete(state))
