"""enterprise: alerts as webhooks are told of them, an addition to the document's events."""

from typing import Any

from shared.channels.webhooks.rows import RECEIVERS
from shared.edge.views.enterprise.planning import Named
from shared.events import EventType
from shared.events.change import Change
from shared.insight.alerts.rows import Alert

ALERT = "alert.triggered"


def alert_data(alert: Alert) -> dict[str, Any]:
    return {
        "alert_id": alert.id,
        "rule_id": alert.rule_id,
        "metric_name": alert.metric,
        "severity": alert.severity,
        "current_value": float(alert.value),
        "threshold": float(alert.threshold),
        "message": alert.message,
        "labels": alert.labels,
        "entity_type": alert.entity_type,
        "entity_id": alert.subject_id,
        "project_id": alert.proj_id,
        "triggered_at": alert.created_at,
    }


def _triggered(change: Change) -> Named | None:
    alert = change.after(Alert)
    return (ALERT, lambda: alert_data(alert)) if receivers(change) else None


def receivers(change: Change) -> frozenset[str]:
    """Return the kinds of webhooks that are told of a change: of an alert those to which its rule sends it, of anything else all."""
    if change.event.type is not EventType.ALERT_TRIGGERED:
        return RECEIVERS
    return RECEIVERS.intersection(change.after(Alert).routing)


ALERT_EVENTS = {EventType.ALERT_TRIGGERED: _triggered}
