"""The rows of alerts.

ALERT#<id>                 META   an alert
ALERTWINDOW#<workspace>    <rule>#<thing>   ephemeral: the last alert of a rule about a thing, and until when it stands for all

Index 1 lists the alerts of a workspace, newest first; index 2 those about a thing that are not resolved; index 3 those of a workspace that
are not.
"""

from typing import Any, Final

from shared.core import clock
from shared.insight.alerts.rules import Rule
from shared.store import Entity, Ephemeral, JSONAttribute, NumberAttribute, UnicodeAttribute

KEPT: Final = 90 * 86_400
"""Seconds for which an alert can be read after it was resolved."""
WINDOW_KEPT: Final = 7 * 86_400  # seconds for which the window of an alert is known after its end
ACTIVE, ACKNOWLEDGED, RESOLVED = "active", "acknowledged", "resolved"
STATUSES: Final = (ACTIVE, ACKNOWLEDGED, RESOLVED)


def alerts_of(ws_id: str) -> str:
    """Return the partition of index 1 that holds the alerts of a workspace, oldest first."""
    return f"WS#{ws_id}#ALERT"


def open_about(ws_id: str, subject: str) -> str:
    """Return the partition of index 2 that holds the alerts about a thing (`<type>/<id>`) that are not resolved."""
    return f"WS#{ws_id}#ALERT#{subject}"


def open_alerts_of(ws_id: str) -> str:
    """Return the partition of index 3 that holds the alerts of a workspace that are not resolved, oldest first."""
    return f"WS#{ws_id}#ALERT#OPEN"


class Alert(Entity):
    KIND = "ALERT"
    NAME = "alert"

    rule_id = UnicodeAttribute()
    metric = UnicodeAttribute()
    severity = UnicodeAttribute()
    routing = JSONAttribute(default=list)
    """Where it goes beside the inbox, as the rule was when it was triggered."""
    value = NumberAttribute()
    threshold = NumberAttribute()
    message = UnicodeAttribute()
    labels = JSONAttribute(default=dict)
    entity_type = UnicodeAttribute()
    subject_id = UnicodeAttribute()
    """The id of what it is about."""
    item_id = UnicodeAttribute(null=True)
    """The card, if it is about one."""
    status = UnicodeAttribute(default=ACTIVE)  # STATUSES
    acknowledged_at = UnicodeAttribute(null=True)
    acknowledged_by = JSONAttribute(null=True)
    resolved_at = UnicodeAttribute(null=True)
    resolved_by = JSONAttribute(null=True)
    resolution_note = UnicodeAttribute(null=True)

    def indexes(self) -> dict[int, tuple[str, str]]:
        place, ws_id = f"{self.created_at}#{self.id}", str(self.ws_id)
        keys = {1: (alerts_of(ws_id), place)}
        if self.status != RESOLVED:
            keys[2] = (open_about(ws_id, f"{self.entity_type}/{self.subject_id}"), f"{self.rule_id}#{place}")
            keys[3] = (open_alerts_of(ws_id), place)
        return keys

    def filters(self) -> dict[str, Any]:
        return {"severity": self.severity, "about": self.subject_id}


class AlertWindow(Ephemeral):
    alert_id = UnicodeAttribute()
    until = UnicodeAttribute()

    @classmethod
    def key_of(cls, ws_id: str, rule_id: str, subject: str) -> tuple[str, str]:
        return f"ALERTWINDOW#{ws_id}", f"{rule_id}#{subject}"

    @classmethod
    def of(cls, rule: Rule, ws_id: str, subject: str, alert_id: str) -> "AlertWindow":
        pk, sk = cls.key_of(ws_id, rule.id, subject)
        return cls(
            pk=pk,
            sk=sk,
            alert_id=alert_id,
            until=clock.in_seconds(rule.dedup_seconds),
            ttl=clock.epoch() + rule.dedup_seconds + WINDOW_KEPT,
        )
