"""Create, list, change and delete webhooks. A webhook belongs to the organization for which its caller acts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.channels.webhooks import signing, wakes
from shared.channels.webhooks.rows import LIMIT, LOG_SECONDS, State, Webhook, WebhookCount
from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import new_id
from shared.core.outbound import refusal_of
from shared.core.sealing import seal
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.store import (
    Operation,
    authorize,
    authorize_own_organization,
    create,
    delete,
    get,
    id_of,
    put,
    query,
    stale,
    update,
    update_with_retry,
    write,
)

OVERLAP_SECONDS = 86_400  # in which deliveries are signed with the secret before too
_CHANGEABLE = ("url", "events", "description", "active")


@dataclass(frozen=True)
class NewWebhook:
    url: str
    events: list[str]
    secret: str | None = None
    description: str | None = None
    project_id: str | None = None
    active: bool = True


def create_webhook(actor: Actor, new: NewWebhook) -> tuple[Webhook, str]:
    """Create a webhook; return it and its secret, which is never shown again. Raises Forbidden, Invalid and LimitExceeded."""
    org_id = authorize_own_organization(actor, Permission.WORKSPACE_WRITE)
    _check_url(new.url)
    secret, webhook_id = _chosen(new.secret), new_id()
    webhook = Webhook.new(
        webhook_id,
        org_id=org_id,
        url=new.url,
        events=new.events,
        project_id=new.project_id,
        description=new.description,
        active=new.active,
        secret=seal(secret, webhook_id),
        created_by=actor.summary,
    )
    webhook.pk, webhook.sk = Webhook.key_in(org_id, webhook_id)
    record(webhook, EventType.WEBHOOK_CREATED, actor, url=new.url)
    is_room = WebhookCount.number.does_not_exist() | (WebhookCount.number < LIMIT)
    write(update(WebhookCount.of(org_id), [WebhookCount.number.add(1)], is_room, _too_many), create(webhook))
    return webhook, secret


def list_webhooks(actor: Actor) -> list[Webhook]:
    """Return all webhooks of the organization, oldest first; one query. Raises Forbidden."""
    return webhooks_of(authorize_own_organization(actor, Permission.WORKSPACE_READ))


def webhooks_of(org_id: str) -> list[Webhook]:
    return query(Webhook, f"ORG#{org_id}", prefix="WHK#", consistent=True).rows


def get_webhook(actor: Actor, webhook_id: str, permission: Permission = Permission.WORKSPACE_READ) -> Webhook:
    """Return a webhook; one round trip. Raises NotFound and Forbidden."""
    return authorized(get(Webhook, *key_of(actor, webhook_id)), actor, permission)


def key_of(actor: Actor, webhook_id: str) -> tuple[str, str]:
    """Return the key of a webhook in the actor's own organization. Raises NotFound for a text that is no id."""
    return Webhook.key_in(actor.org_id or "", id_of(Webhook, webhook_id))


def authorized(webhook: Any, actor: Actor, permission: Permission) -> Webhook:
    """Return a webhook that was read by `key_of`, if the actor may. Raises NotFound and Forbidden."""
    if not isinstance(webhook, Webhook):
        raise NotFound(Webhook.NAME)
    return authorize(webhook, actor, permission)


def update_webhook(actor: Actor, webhook_id: str, changes: Mapping[str, Any]) -> Webhook:
    """Change the fields that are given; a new `secret` is used as `rotate_secret` does. Raises NotFound, Forbidden and Invalid."""
    if "url" in changes:
        _check_url(changes["url"])
    secret = _chosen(changes["secret"]) if changes.get("secret") else None

    def change(webhook: Webhook) -> list[Operation]:
        was = {name: getattr(webhook, name) for name in _CHANGEABLE}
        changed = {name: changes[name] for name in _CHANGEABLE if name in changes and changes[name] != was[name]}
        for name, value in changed.items():
            setattr(webhook, name, value)
        if "active" in changed:
            webhook.switch(active=changed["active"])
        if changed.get("active"):
            webhook.disabled_reason = None
        if secret is not None:
            _replace_secret(webhook, secret)
        if changed or secret is not None:
            record(webhook, EventType.WEBHOOK_UPDATED, actor, changes={name: [was[name], new] for name, new in changed.items()})
        return [put(State.due_now(webhook))] if changed.get("active") else []  # if the wake is lost, the job sends another

    webhook = _change(actor, webhook_id, change)
    if webhook.active and {"active", "url"} & changes.keys():
        wakes.wake(str(webhook.org_id), webhook.id, at_once=True)
    return webhook


def rotate_secret(actor: Actor, webhook_id: str) -> tuple[Webhook, str]:
    """Give a webhook a new secret, and return both. For a day deliveries are signed with the one before too. Raises NotFound and
    Forbidden."""
    secret = signing.new_secret()

    def change(webhook: Webhook) -> None:
        _replace_secret(webhook, secret)
        record(webhook, EventType.WEBHOOK_UPDATED, actor)

    return _change(actor, webhook_id, change), secret


def delete_webhook(actor: Actor, webhook_id: str) -> None:
    """Delete a webhook: nothing more is sent, and what waits is dropped. Raises NotFound and Forbidden."""
    webhook = get_webhook(actor, webhook_id, Permission.WORKSPACE_WRITE)
    pk, sk = Webhook.key(webhook.id)
    remains = Webhook.decode(webhook.serialize())
    remains.pk, remains.sk, remains.deleted_at, remains.ttl = pk, sk, clock.iso(), clock.epoch() + LOG_SECONDS
    remains.secret, remains.previous_secret = "", None
    record(remains, EventType.WEBHOOK_DELETED, actor)
    write(
        delete(webhook, Webhook.version == webhook.version, stale),
        put(remains),
        update(WebhookCount.of(str(webhook.org_id)), [WebhookCount.number.add(-1)]),
    )


def disable(org_id: str, webhook_id: str, reason: str) -> None:
    """Switch a webhook off, once; its owner is told by the event. What waits is kept until it is switched on again."""

    def load() -> Webhook:
        webhook = get(Webhook, *Webhook.key_in(org_id, webhook_id))
        if webhook is None:
            raise NotFound(Webhook.NAME)
        return webhook

    def change(webhook: Webhook) -> None:
        if webhook.active:
            webhook.switch(active=False)
            webhook.disabled_reason = reason
            record(webhook, EventType.WEBHOOK_DISABLED, SYSTEM, reason=reason)

    update_with_retry(load, change)


def _change(actor: Actor, webhook_id: str, change: Callable[[Webhook], list[Operation] | None]) -> Webhook:
    return update_with_retry(lambda: get_webhook(actor, webhook_id, Permission.WORKSPACE_WRITE), change)


def _replace_secret(webhook: Webhook, secret: str) -> None:
    webhook.previous_secret, webhook.previous_until = webhook.secret, clock.epoch() + OVERLAP_SECONDS
    webhook.secret = seal(secret, webhook.id)


def _check_url(url: str) -> None:
    if reason := refusal_of(url):
        raise Invalid(FieldError("url", reason))


def _chosen(secret: str | None) -> str:
    if secret is None:
        return signing.new_secret()
    if not signing.is_secret(secret):
        raise Invalid(FieldError("secret", "At least 24 visible characters, or whsec_ and 24 to 64 bytes in Base64"))
    return secret


def _too_many(_: Any) -> LimitExceeded:
    return LimitExceeded(Situation.LIMIT_REACHED, f"An organization has at most {LIMIT} webhooks")
