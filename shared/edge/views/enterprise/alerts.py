"""enterprise: alerts, and budgets that come to their end, as webhooks are told of them: an addition to the document's events."""

from typing import Any

from shared.channels.webhooks.rows import RECEIVERS
from shared.core.money import usd
from shared.edge.views.enterprise.planning import Named
from shared.events import EventType
from shared.events.change import Change
from shared.insight.alerts.rows import Alert

ALERT = "alert.triggered"
BUDGET = "budget.alert"


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


def _budget(change: Change) -> Named | None:
    return BUDGET, lambda: budget_data(change)


def budget_data(change: Change) -> dict[str, Any]:
    """Amounts are in USD; `alert` is warning or exceeded."""
    data = change.event.data
    return {
        "scope": data["scope"],
        "scope_id": data["scope_id"].rpartition("/")[2],
        "alert": "exceeded" if change.event.type is EventType.BUDGET_EXCEEDED else "warning",
        "limit": usd(int(data["limit_micros"])),
        "spent": usd(int(data["spent_micros"])),
        "alert_threshold": data.get("alert_threshold"),
    }


ALERT_EVENTS = {
    EventType.ALERT_TRIGGERED: _triggered,
    EventType.BUDGET_WARNING: _budget,
    EventType.BUDGET_EXCEEDED: _budget,
}
