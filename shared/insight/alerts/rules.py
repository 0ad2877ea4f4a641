"""The rules of alerts, and how a workspace changes them: whether they are on, where their alerts go, how long one stands for all.

Numbers and routing are those of the original service.
"""

import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.events import EventType, record
from shared.people.tenancy.workspaces import authorize_workspace
from shared.store import Entity, JSONAttribute, Operation, create, get, read_ahead, retrying, save, write

SLACK, EMAIL, WEBHOOK = "slack", "email", "webhook"
CHANNELS: Final = (SLACK, EMAIL, WEBHOOK)
"""Where alerts go beside the inbox, which has all of them."""
SEVERITIES: Final = ("info", "warning", "error", "critical")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Rule:
    """A rule: an alert is triggered when `metric comparison threshold` holds, once for each thing that it is about in `dedup_seconds`."""

    id: str
    name: str
    metric: str
    comparison: str
    threshold: float
    severity: str
    routing: tuple[str, ...]
    dedup_seconds: int
    only_for: str | None = None
    """The priority of the tickets that it is for."""
    enabled: bool = True

    @property
    def condition(self) -> str:
        only = f" and priority = {self.only_for}" if self.only_for else ""
        return f"{self.metric} {self.comparison} {self.threshold:g}{only}"

    def holds(self, value: float) -> bool:
        return _COMPARE[self.comparison](value, self.threshold)


_RULES: Final = (
    Rule("agent_heartbeat_missed", "Agent heartbeat missed", "agent.heartbeat.missed", ">", 2, "warning", (SLACK, EMAIL), 300),
    Rule("agent_anomaly_high", "Agent anomaly high", "agent.anomaly_score", ">=", 0.8, "critical", (SLACK, WEBHOOK), 60),
    Rule("agent_unresponsive", "Agent unresponsive", "agent.status.unresponsive", ">", 0, "error", CHANNELS, 120),
    Rule("ticket_blocked", "Ticket blocked", "ticket.blocked", ">", 0, "warning", (SLACK,), 600),
    Rule("ticket_blocked_critical", "Critical ticket blocked", "ticket.blocked", ">", 0, "critical", CHANNELS, 60, "CRITICAL"),
    Rule(
        "watchdog_remediation_failed",
        "Watchdog remediation failed",
        "watchdog.remediation.failed",
        ">",
        0,
        "critical",
        CHANNELS,
        30,
    ),
    Rule("watchdog_escalation", "Watchdog escalation", "watchdog.escalation", ">", 0, "critical", CHANNELS, 30),
)
RULES: Final[dict[str, Rule]] = {rule.id: rule for rule in _RULES}
RULE: Final = "alert rule"


class AlertRules(Entity):
    """What a workspace has changed of the rules, at `WS#<id>, ALERTRULES`; its id is the workspace's."""

    KIND = "ALERTRULES"
    NAME = RULE

    changed = JSONAttribute(default=dict)
    """By the id of a rule: `enabled`, `routing`, `dedup_seconds`."""

    @classmethod
    def key_in(cls, ws_id: str) -> tuple[str, str]:
        return f"WS#{ws_id}", "ALERTRULES"

    def trash(self) -> None:
        """Return None: the row is in the partition of its workspace and is purged with it."""


def _with_changes(rule: Rule, row: AlertRules | None) -> Rule:
    changed: dict[str, Any] = (row.changed if row else {}).get(rule.id, {})
    if "routing" in changed:
        changed = changed | {"routing": tuple(changed["routing"])}
    return replace(rule, **changed)


def rule_of(ws_id: str, rule_id: str) -> Rule:
    """Return a rule as it is in a workspace. One read."""
    return _with_changes(RULES[rule_id], get(AlertRules, *AlertRules.key_in(ws_id)))


def list_rules(actor: Actor, ws_id: str) -> list[Rule]:
    """Return the rules as they are in a workspace. One round trip. Raises NotFound, Forbidden."""
    found = read_ahead(lambda: get(AlertRules, *AlertRules.key_in(ws_id)))
    authorize_workspace(actor, ws_id, Permission.PROJECT_READ)
    row = found.result()
    return [_with_changes(rule, row) for rule in RULES.values()]


def change_rule(
    actor: Actor,
    ws_id: str,
    rule_id: str,
    *,
    enabled: bool | None = None,
    routing: Collection[str] | None = None,
    dedup_seconds: int | None = None,
) -> Rule:
    """Change a rule in a workspace; what is None stays. One read and one write. Raises NotFound, Forbidden."""
    rule = RULES.get(rule_id)
    if rule is None:
        raise NotFound(RULE)
    values = {
        "enabled": enabled,
        "routing": None if routing is None else [one for one in CHANNELS if one in routing],
        "dedup_seconds": dedup_seconds,
    }
    given = {name: value for name, value in values.items() if value is not None}

    def attempt(_: int) -> Rule:
        found = read_ahead(lambda: get(AlertRules, *AlertRules.key_in(ws_id)))
        authorize_workspace(actor, ws_id, Permission.WORKSPACE_WRITE)
        row = found.result()
        if not given:
            return _with_changes(rule, row)
        write(_changed(actor, ws_id, row, rule_id, given))
        return _with_changes(rule, AlertRules(changed={rule_id: _changes_of(row, rule_id) | given}))

    return retrying(attempt)


def _changes_of(row: AlertRules | None, rule_id: str) -> dict[str, Any]:
    changes: dict[str, Any] = (row.changed if row else {}).get(rule_id, {})
    return changes


def _changed(actor: Actor, ws_id: str, row: AlertRules | None, rule_id: str, given: dict[str, Any]) -> Operation:
    before = _changes_of(row, rule_id)
    changes = {name: [before.get(name), value] for name, value in given.items()}
    is_new = row is None
    entity = row or AlertRules.new(ws_id, ws_id=ws_id, org_id=actor.org_id)
    entity.pk, entity.sk = AlertRules.key_in(ws_id)
    entity.changed = entity.changed | {rule_id: before | given}
    record(entity, EventType.ALERT_RULE_UPDATED, actor, changes=changes, rule_id=rule_id)
    return create(entity) if is_new else save(entity)
