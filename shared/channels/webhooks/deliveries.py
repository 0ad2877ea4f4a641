"""Deliveries: put what happened into the log and in line, list the log, repeat one by hand, send a test."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shared.channels.webhooks import wakes
from shared.channels.webhooks.rows import LOG_SECONDS, PENDING, Content, Delivery, Webhook, partition_of
from shared.channels.webhooks.subscribing import authorized, get_webhook, key_of, webhooks_of
from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id, new_id
from shared.store import count, create, get, get_many, put, query, read_ahead, write

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


_read: dict[str, tuple[str, list[Webhook]]] = {}
_MOST_KEPT = 1_000  # organizations


def queue_event(org_id: str, event: WebhookEvent) -> None:
    """Queue an event for every webhook that wants it; the same event again changes nothing. Without one it costs a query at most."""
    wanted = [one for one in _webhooks_at(org_id, event.at) if one.wants(event.name, event.project_id, event.at)]
    data = event.data() if wanted else {}
    for webhook in wanted:
        _enqueue(webhook, _content(webhook.id, event.id, event.name, event.id, data, event.at), event.resource, event.sequence)


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


def _content(webhook_id: str, delivery_id: str, event: str, source: str, data: Any, at: str, earlier: int = 0) -> Content:
    return Content(
        pk=partition_of(webhook_id),
        id=delivery_id,
        event=event,
        source=source,
        data=data,
        at=at,
        earlier=earlier,
        created_at=clock.iso(),
        ttl=clock.epoch() + LOG_SECONDS,
    )


def _enqueue(webhook: Webhook, content: Content, resource: str, sequence: str = "") -> Delivery:
    """Write a delivery and its content in line, both or neither, and wake the worker."""
    content.resource, content.sk = resource, f"WAIT#{resource}#{sequence:0>40}#{content.id}"
    pk, sk = Delivery.key_in(webhook.id, content.id)
    delivery = Delivery(
        pk=pk,
        sk=sk,
        id=content.id,
        event=content.event,
        source=content.source,
        status=PENDING,
        created_at=content.created_at,
        waits_at=content.sk,
        ttl=content.ttl,
    )
    with suppress(_AlreadyThere):
        write(create(delivery, _AlreadyThere), put(content))
    wakes.wake(str(webhook.org_id), webhook.id)
    return delivery


# -- for the webhook's owner


def send_test(actor: Actor, webhook_id: str) -> Delivery:
    """Queue an event that says nothing but that it is a test. Raises NotFound, Forbidden, and Invalid if the webhook is paused."""
    webhook = get_webhook(actor, webhook_id, Permission.WORKSPACE_WRITE)
    _check_active(webhook)
    delivery_id = new_id()
    data = {"webhook": {"id": webhook.id, "url": webhook.url}}
    return _enqueue(webhook, _content(webhook.id, delivery_id, TEST_EVENT, delivery_id, data, clock.iso()), delivery_id)


def redeliver(actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """Queue what was delivered, or could not be, once more: a new delivery of the same event, which waits behind no other. Raises NotFound,
    Forbidden, and Invalid if it is still pending or the webhook is paused."""
    webhook, delivery, content = _read_delivery(actor, webhook_id, delivery_id, Permission.WORKSPACE_WRITE)
    _check_active(webhook)
    if delivery.status == PENDING or content is None:
        raise Invalid(FieldError("delivery_id", "This delivery is still pending"))
    again = new_id()
    copy = _content(webhook.id, again, content.event, content.source, content.data, content.at, content.retry_count)
    return _enqueue(webhook, copy, again)


def _check_active(webhook: Webhook) -> None:
    if not webhook.active:
        raise Invalid(FieldError("active", "This webhook is paused; resume it first"))


def get_delivery(actor: Actor, webhook_id: str, delivery_id: str) -> tuple[Webhook, Delivery, Content | None]:
    """Return a delivery with its content, and its webhook. One round trip, two while it is pending. Raises NotFound and Forbidden."""
    webhook, delivery, content = _read_delivery(actor, webhook_id, delivery_id, Permission.WORKSPACE_READ)
    if content is None and delivery.waits_at:
        content = get(Content, str(delivery.pk), delivery.waits_at)
    return webhook, delivery, content


def _read_delivery(
    actor: Actor, webhook_id: str, delivery_id: str, permission: Permission
) -> tuple[Webhook, Delivery, Content | None]:
    pk, sk = key_of(actor, webhook_id)
    bare, entry = bare_id(webhook_id), bare_id(delivery_id)
    if not is_id(entry):
        raise NotFound("delivery")
    rows: list[Any] = get_many(
        [(Webhook, pk, sk), (Delivery, *Delivery.key_in(bare, entry)), (Content, *Content.log_key(bare, entry))]
    )
    webhook = authorized(rows[0], actor, permission)
    if rows[1] is None:
        raise NotFound("delivery")
    return webhook, rows[1], rows[2]


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
