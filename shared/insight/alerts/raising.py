"""Triggering alerts, and resolving them when their cause has ended.

    raise_alert("ticket_blocked", 1, Cause(ws_id, "ticket", item.id, "Ticket ... is blocked", occasion=event.id))
    settle_alerts(("ticket_blocked",), ws_id, "ticket", item.id, "The ticket is no longer blocked")

Whoever measures something calls these; whether a rule is on, whether its condition holds, and whether another alert stands for this one, is
decided here. Both may be repeated.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.core import clock
from shared.core.actor import SYSTEM, Actor
from shared.core.errors import ConditionFailed
from shared.core.ids import derived_id
from shared.events import EventType, record
from shared.insight.alerts.answering import resolve
from shared.insight.alerts.rows import RESOLVED, Alert, AlertWindow, open_about
from shared.insight.alerts.rules import Rule, rule_of
from shared.store import create, fetch, get_many, index_rows, put, update_with_retry, write

MAX_MESSAGE = 1_000  # characters


@dataclass(frozen=True)
class Cause:
    """What an alert is about, and in which words. `occasion` is the id of the event that triggers it: the same one triggers one alert."""

    ws_id: str
    entity_type: str
    entity_id: str
    message: str
    occasion: str
    org_id: str | None = None
    proj_id: str | None = None
    item_id: str | None = None
    labels: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return f"{self.entity_type}/{self.entity_id}"


class _StandsFor(ConditionFailed):
    """Another alert stands for this one, or it was triggered before."""


def raise_alert(rule_id: str, value: float, cause: Cause) -> Alert | None:
    """Trigger an alert of a rule. One read and one transaction.

    Returns None if the rule is off, its condition does not hold, or an alert about the same thing stands for it (`dedup_seconds`).
    """
    rule = rule_of(cause.ws_id, rule_id)
    if not rule.enabled or not rule.holds(value):
        return None
    alert = _alert(rule, value, cause)
    now = clock.iso()
    window = AlertWindow.of(rule, cause.ws_id, cause.subject, alert.id)
    is_over = AlertWindow.pk.does_not_exist() | (AlertWindow.until <= now)
    with suppress(_StandsFor):
        write(create(alert, _StandsFor), put(window, is_over, _StandsFor))
        return alert
    return None


def _alert(rule: Rule, value: float, cause: Cause) -> Alert:
    alert = Alert.new(
        derived_id("alert", cause.occasion, rule.id),
        org_id=cause.org_id,
        ws_id=cause.ws_id,
        proj_id=cause.proj_id,
        rule_id=rule.id,
        metric=rule.metric,
        severity=rule.severity,
        routing=list(rule.routing),
        value=value,
        threshold=rule.threshold,
        message=cause.message[:MAX_MESSAGE],
        labels=cause.labels,
        entity_type=cause.entity_type,
        subject_id=cause.entity_id,
        item_id=cause.item_id,
    )
    record(alert, EventType.ALERT_TRIGGERED, SYSTEM, rule_id=rule.id, severity=rule.severity, message=alert.message)
    return alert


def settle_alerts(
    rule_ids: Collection[str], ws_id: str, entity_type: str, entity_id: str, note: str, actor: Actor = SYSTEM
) -> None:
    """Resolve the alerts of these rules about a thing, because their cause has ended.

    The last alert of each rule is found by its window, which is read consistently; earlier ones by an index.
    """
    subject = f"{entity_type}/{entity_id}"
    windows = get_many([(AlertWindow, *AlertWindow.key_of(ws_id, one, subject)) for one in rule_ids])
    ids = [window.alert_id for window in windows if isinstance(window, AlertWindow)]
    for rule_id in rule_ids:
        ids += [row.id for row in index_rows(2, open_about(ws_id, subject), f"{rule_id}#")]
    for alert_id in dict.fromkeys(ids):
        alert = fetch(Alert, alert_id)
        if alert is not None and alert.status != RESOLVED:
            update_with_retry(partial(_again, alert), partial(_settle, actor, note), first=alert)


def _again(alert: Alert) -> Alert:
    return fetch(Alert, alert.id) or alert


def _settle(actor: Actor, note: str, alert: Alert) -> None:
    if alert.status != RESOLVED:
        resolve(alert, actor, note)
