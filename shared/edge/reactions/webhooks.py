"""Queue what webhooks are told of an event, and tell the owner of a webhook that it was switched off."""

from shared.channels.mail import outbox
from shared.channels.webhooks.deliveries import queue_event
from shared.channels.webhooks.rows import Webhook
from shared.edge.views.enterprise.events import webhook_event
from shared.events import EventType
from shared.events.change import Change
from shared.people.identity.users import User
from shared.store import fetch


def react(change: Change) -> None:
    if change.event.type is EventType.WEBHOOK_DISABLED:
        _tell_owner(change)
    elif change.org_id is not None and (event := webhook_event(change)) is not None:
        queue_event(change.org_id, event)


def _tell_owner(change: Change) -> None:
    """Mail whoever made the webhook, if the address is confirmed."""
    webhook = change.after(Webhook)
    owner = fetch(User, webhook.created_by["id"])
    if owner is not None and not owner.deleted_at and owner.email_verified:
        outbox.send(
            "webhook_disabled",
            owner.email,
            once=change.event.id,
            name=owner.name,
            host=webhook.host,
            gone=change.event.data["reason"] == "gone",
            at=change.event.at,
            url=outbox.link("/settings/webhooks"),
        )
