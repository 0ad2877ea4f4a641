"""Deliveries: put what happened into the log and in line, list the log, repeat one by hand, send a test."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.channels.webhooks import wakes
from shared.channels.webhooks.rows import LOG_SECONDS, PENDING, RECEIVERS, Content, Delivery, Line, Payload, Webhook, partition_of
from shared.channels.webhooks.subscribing import authorized, get_webhook, key_of, webhooks_of
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id, new_id
from shared.store import Operation, count, create, get, get_many, put, query, read_ahead, write

TEST_EVENT = "webhook.test"
DEEPEST = 10_000  # deliveries that a list goes back: a page is read by walking to it


class _AlreadyThere(ConditionFailed):
    """The event is in the log of this webhook."""


@dataclass(frozen=True)
class WebhookEvent:
    """What happened, in the contract's words. `sequence` orders the events of a `resource`; `data` is read for who wants it."""

    name: str
    id: str
    at: str
    resource: str
    sequence: str
    project_id: str | None
    data: Callable[[], dict[str, Any]]
    receivers: frozenset[str] = RECEIVERS
    """The kinds of webhooks that are told of it."""


_read: dict[str, tuple[str, list[Webhook]]] = {}
_MOST_KEPT = 1_000  # organizations


def queue_event(org_id: str, event: WebhookEvent) -> None:
    """Queue an event for every webhook that wants it; the same event again changes nothing. Without one it costs a query at most; with
    twenty, two writes more and two requests to the queue."""
    wanted = [
        one
        for one in _webhooks_at(org_id, event.at)
        if one.receiver in event.receivers and one.wants(event.name, event.project_id, event.at)
    ]
    if not wanted:
        return
    with suppress(_AlreadyThere):  # what a repetition would say may be younger
        write(create(Payload.of(event.id, event.data()), _AlreadyThere))
    waiting = [
        _in_line(_content(one.id, event.id, event.name, event.id, event.at), event.resource, event.sequence) for one in wanted
    ]
    try:
        write(*(each for one in waiting for each in _writes(*one)))
    except _AlreadyThere:
        for one in waiting:  # a webhook may want it since
            with suppress(_AlreadyThere):
                write(*_writes(*one))
    wakes.wake_all(org_id, [one.id for one in wanted])


def _webhooks_at(org_id: str, at: str) -> list[Webhook]:
    """Return the webhooks that are there since `at`. What this process has read since is read again for no other event: a burst of events
    costs one query, and a new webhook misses nothing."""
    read_at, webhooks = _read.get(org_id, ("", []))
    if read_at <= at:
        if len(_read) >= _MOST_KEPT:
            _read.clear()
        read_at, webhooks = clock.iso(), webhooks_of(org_id)
        _read[org_id] = read_at, webhooks
    return webhooks


def clear_cache() -> None:
    """Forget which webhooks there are."""
    _read.clear()


def _content(webhook_id: str, delivery_id: str, event: str, source: str, at: str, earlier: int = 0) -> Content:
    return Content(
        pk=partition_of(webhook_id),
        id=delivery_id,
        event=event,
        source=source,
        at=at,
        earlier=earlier,
        created_at=clock.iso(),
        ttl=clock.epoch() + LOG_SECONDS,
    )


def _in_line(content: Content, resource: str, sequence: str = "") -> tuple[Delivery, Content]:
    """Give a content its place in line; return its delivery with it."""
    content.resource, content.sk = resource, f"WAIT#{resource}#{sequence:0>40}#{content.id}"
    delivery = Delivery(
        pk=content.pk,
        sk=f"DLV#{content.id}",
        id=content.id,
        event=content.event,
        source=content.source,
        status=PENDING,
        created_at=content.created_at,
        waits_at=content.sk,
        ttl=content.ttl,
    )
    return delivery, content


def _writes(delivery: Delivery, content: Content) -> list[Operation]:
    return [create(delivery, _AlreadyThere), put(content), put(Line.of(content))]


def _enqueue(webhook: Webhook, content: Content, data: Any) -> Delivery:
    """Write a delivery that waits behind no other, all of it or nothing, and wake the worker."""
    delivery, content = _in_line(content, content.id)
    write(*_writes(delivery, content), put(Payload.of(content.source, data)))
    wakes.wake(str(webhook.org_id), webhook.id)
    return delivery


# -- for the webhook's owner


def send_test(actor: Actor, webhook_id: str) -> Delivery:
    """Queue an event that says nothing but that it is a test. Raises NotFound, Forbidden, and Invalid if the webhook is paused."""
    webhook = get_webhook(actor, webhook_id, Permission.WORKSPACE_WRITE)
    _check_active(webhook)
    delivery_id = new_id()
    data = {"webhook": {"id": webhook.id, "url": webhook.url}}
    return _enqueue(webhook, _content(webhook.id, delivery_id, TEST_EVENT, delivery_id, clock.iso()), data)


def redeliver(actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """Queue what was delivered, or could not be, once more: a new delivery of the same event, which waits behind no other. Raises NotFound,
    Forbidden, and Invalid if it is still pending or the webhook is paused."""
    webhook, delivery, content, data = get_delivery(actor, webhook_id, delivery_id, Permission.WORKSPACE_WRITE)
    _check_active(webhook)
    if delivery.status == PENDING or content is None:
        raise Invalid(FieldError("delivery_id", "This delivery is still pending"))
    copy = _content(webhook.id, new_id(), content.event, content.source, content.at, content.retry_count)
    return _enqueue(webhook, copy, data)


def _check_active(webhook: Webhook) -> None:
    if not webhook.active:
        raise Invalid(FieldError("active", "This webhook is paused; resume it first"))


def get_delivery(
    actor: Actor, webhook_id: str, delivery_id: str, permission: Permission = Permission.WORKSPACE_READ
) -> tuple[Webhook, Delivery, Content | None, Any]:
    """Return a webhook, a delivery of it, its content and what its event says. One round trip; two while it is pending, and for one that
    repeats another. Raises NotFound and Forbidden."""
    key, bare, entry = key_of(actor, webhook_id), bare_id(webhook_id), bare_id(delivery_id)
    if not is_id(entry):
        raise NotFound("delivery")
    logged, named = (Content, *Content.log_key(bare, entry)), Payload.key_in(entry)
    rows: list[Any] = get_many([(Webhook, *key), (Delivery, *Delivery.key_in(bare, entry)), logged, (Payload, *named)])
    webhook, delivery, content, said = authorized(rows[0], actor, permission), *rows[1:]
    if delivery is None:
        raise NotFound("delivery")
    if delivery.waits_at or delivery.source != entry:
        waits = (Content, str(delivery.pk), delivery.waits_at) if delivery.waits_at else logged
        content, said = get_many([waits, (Payload, *Payload.key_in(delivery.source))])
    return webhook, delivery, content, said.data if said is not None else {}


def list_deliveries(actor: Actor, webhook_id: str, *, offset: int, limit: int) -> tuple[list[Delivery], int]:
    """Return a page of a webhook's log, newest first, and the number of all, 10,000 at most: there the list ends. One round trip for the
    webhook; beside it a query for the page, and one for each megabyte (2,500 deliveries) that is counted. Raises NotFound, Forbidden, and
    Invalid behind the 10,000th."""
    if offset + limit > DEEPEST:
        raise Invalid(FieldError("page", f"The list ends at the {DEEPEST:,}th delivery"))
    key = key_of(actor, webhook_id)
    partition = partition_of(bare_id(webhook_id))
    page = read_ahead(lambda: query(Delivery, partition, prefix="DLV#", newest_first=True, limit=offset + limit))
    total = read_ahead(lambda: count(Delivery, partition, prefix="DLV#", at_most=DEEPEST))
    authorized(get(Webhook, *key), actor, Permission.WORKSPACE_READ)
    return page.result().rows[offset:], total.result()
