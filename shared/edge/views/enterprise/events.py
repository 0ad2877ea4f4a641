"""enterprise, "Webhook Events": which of the platform's events are events of webhooks, with the document's payloads.

An event that is in no table is none.
"""

from typing import Final, Literal

from shared.channels.webhooks.deliveries import WebhookEvent
from shared.edge.views.enterprise.alerts import ALERT_EVENTS, receivers
from shared.edge.views.enterprise.delivery import DELIVERY_EVENTS
from shared.edge.views.enterprise.deployments import DEPLOYMENT_EVENTS
from shared.edge.views.enterprise.planning import PLANNING_EVENTS
from shared.events.change import Change

EventName = Literal[
    "feature.created",
    "feature.status_changed",
    "test.completed",
    "build.completed",
    "deployment.started",
    "deployment.completed",
    "vulnerability.detected",
    "alert.triggered",
    "budget.alert",
]
WEBHOOK_EVENTS: Final = PLANNING_EVENTS | DELIVERY_EVENTS | DEPLOYMENT_EVENTS | ALERT_EVENTS


def webhook_event(change: Change) -> WebhookEvent | None:
    """Return what webhooks are told of a change; None: nothing."""
    show = WEBHOOK_EVENTS.get(change.event.type)
    named = show(change) if show else None
    if named is None:
        return None
    name, data = named
    resource = f"{change.kind}-{change.id}"
    return WebhookEvent(
        name, change.event.id, change.event.at, resource, change.sequence, change.proj_id, data, receivers(change)
    )
