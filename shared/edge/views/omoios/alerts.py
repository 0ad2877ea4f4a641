"""omoios: the events of alerts, under the names of the original service."""

from collections.abc import Iterator
from typing import Any

from shared.events.change import Change
from shared.insight.alerts.rows import Alert

Fields = tuple[str, str, str, dict[str, Any]]


def alert_triggered(change: Change) -> Iterator[Fields]:
    alert = change.after(Alert)
    payload = {
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
    }
    yield "alert.triggered", "alert", alert.id, payload


def alert_updated(change: Change) -> Iterator[Fields]:
    alert = change.after(Alert)
    who = (alert.resolved_by if alert.status == "resolved" else alert.acknowledged_by) or {}
    payload = {"alert_id": alert.id, "rule_id": alert.rule_id, f"{alert.status}_by": who.get("id")}
    yield f"alert.{alert.status}", "alert", alert.id, payload
