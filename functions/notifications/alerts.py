"""omoios: alerts, and the rules that trigger them."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from shared.core.actor import Actor, Permission
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, Offset, OneLine, Seen
from shared.edge.contracts.omoios import Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.insight.alerts import answering
from shared.insight.alerts.rows import STATUSES
from shared.insight.alerts.rows import Alert as AlertRow
from shared.insight.alerts.rules import CHANNELS, SEVERITIES, Rule, change_rule, list_rules
from shared.store import load
from shared.work.projects.creating import default_workspace_id
from shared.work.projects.rows import Project

Severity = Annotated[str, Form(rf"^({'|'.join(SEVERITIES)})$", f"Should be one of {', '.join(SEVERITIES)}")]
Status = Annotated[str, Form(rf"^({'|'.join(STATUSES)})$", f"Should be one of {', '.join(STATUSES)}")]
Channel = Annotated[str, Form(rf"^({'|'.join(CHANNELS)})$", f"Should be one of {', '.join(CHANNELS)}")]
Name = Annotated[str, Field(min_length=1, max_length=200), OneLine]
Note = Annotated[str, Field(max_length=2_000), Seen]


class Acknowledge(Request):
    """Whoever calls has acknowledged it. `acknowledged_by` is one of the caller's own names, by which they are then shown; another name is
    kept in the audit trail only."""

    acknowledged_by: Name | None = None


class Resolve(Request):
    """`resolved_by` as `acknowledged_by`."""

    resolved_by: Name | None = None
    note: Note | None = None


class UpdateRule(Request):
    """A missing field stays as it is."""

    enabled: bool | None = None
    routing: Annotated[list[Channel], Field(max_length=len(CHANNELS))] | None = None
    dedup_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None


class Alert(Shape):
    """`alert_id` is `id`, and `rule` is `rule_id`."""

    id: str
    alert_id: str
    rule_id: str
    rule: str
    metric_name: str
    severity: str
    status: Literal["active", "acknowledged", "resolved"]
    current_value: float
    threshold: float
    message: str
    labels: dict[str, Any]
    entity_type: str
    entity_id: str
    project_id: str | None
    triggered_at: str
    acknowledged_at: str | None
    acknowledged_by: str | None
    resolved_at: str | None
    resolved_by: str | None
    resolution_note: str | None


class AlertRule(Shape):
    """`metric` is `metric_name`. `dedup_seconds`: for how long an alert stands for all others of its rule about the same thing."""

    rule_id: str
    name: str
    metric: str
    metric_name: str
    condition: str
    severity: str
    routing: list[str]
    dedup_seconds: int
    deduplication_window: str
    enabled: bool


def _alert(row: AlertRow) -> Alert:
    return Alert(
        id=row.id,
        alert_id=row.id,
        rule_id=row.rule_id,
        rule=row.rule_id,
        metric_name=row.metric,
        severity=row.severity,
        status=row.status,
        current_value=float(row.value),
        threshold=float(row.threshold),
        message=row.message,
        labels=row.labels or {},
        entity_type=row.entity_type,
        entity_id=row.subject_id,
        project_id=row.proj_id,
        triggered_at=row.created_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by["shown"] if row.acknowledged_by else None,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by["shown"] if row.resolved_by else None,
        resolution_note=row.resolution_note,
    )


def _rule(rule: Rule) -> AlertRule:
    return AlertRule(
        rule_id=rule.id,
        name=rule.name,
        metric=rule.metric,
        metric_name=rule.metric,
        condition=rule.condition,
        severity=rule.severity,
        routing=list(rule.routing),
        dedup_seconds=rule.dedup_seconds,
        deduplication_window=f"{rule.dedup_seconds}s",
        enabled=rule.enabled,
    )


def _workspace(caller: Actor, project_id: str | None, permission: Permission) -> str:
    """Return the workspace of a project; without one the default workspace of the caller's organization. Raises NotFound, Forbidden."""
    if project_id is None:
        return default_workspace_id(caller, caller.org_id, permission)
    return str(load(Project, project_id, caller, permission).ws_id)


async def list_alerts(
    caller: Caller,
    call: ThisCall,
    severity: Severity | None = None,
    status: Status | None = None,
    entity_id: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Offset = 0,
) -> list[Alert]:
    """List the alerts in all the caller's workspaces, newest first: those that are not resolved, or those with a status.
    `X-Total-Count` has their number."""
    found, total = answering.list_alerts(
        caller, severity=severity, status=status, entity_id=entity_id, limit=limit, offset=offset
    )
    call.headers.append(("X-Total-Count", str(total)))
    return [_alert(one) for one in found]


async def rules(caller: Caller, project_id: Id | None = None) -> list[AlertRule]:
    """List the rules of alerts as they are in the workspace of a project, by default in the caller's own."""
    return [_rule(one) for one in list_rules(caller, _workspace(caller, project_id, Permission.PROJECT_READ))]


async def update_rule(rule_id: Id, body: UpdateRule, caller: Caller, project_id: Id | None = None) -> AlertRule:
    """Switch a rule on or off, or set where its alerts go and for how long one stands for all."""
    ws_id = _workspace(caller, project_id, Permission.WORKSPACE_WRITE)
    rule = change_rule(caller, ws_id, rule_id, enabled=body.enabled, routing=body.routing, dedup_seconds=body.dedup_seconds)
    return _rule(rule)


async def get(alert_id: Id, caller: Caller) -> Alert:
    """Get an alert. A resolved one can be read for ninety days."""
    return _alert(answering.get_alert(caller, alert_id))


async def acknowledge(alert_id: Id, caller: Caller, body: Acknowledge | None = None) -> Alert:
    """Acknowledge an alert: somebody looks after it."""
    return _alert(answering.acknowledge_alert(caller, alert_id, body.acknowledged_by if body else None))


async def resolve(alert_id: Id, caller: Caller, body: Resolve | None = None) -> Alert:
    """Resolve an alert: what it is about has ended."""
    said = body or Resolve()
    return _alert(answering.resolve_alert(caller, alert_id, said.note, said.resolved_by))


def publish(routes: Routes) -> None:
    """Declare the operations of alerts."""
    reads, edits, changed = Permission.PROJECT_READ, Permission.CARD_EDIT, (Situation.ALERT_STATUS,)
    routes.get("/alerts", "alerts.list", permission=reads)(list_alerts)
    routes.get("/alerts/rules", "alerts.rules", permission=reads)(rules)
    routes.put("/alerts/rules/{rule_id}", "alerts.updateRule", permission=Permission.WORKSPACE_WRITE, addition=True)(update_rule)
    routes.get("/alerts/{alert_id}", "alerts.get", permission=reads)(get)
    routes.post("/alerts/{alert_id}/acknowledge", "alerts.acknowledge", permission=edits, errors=changed)(acknowledge)
    routes.post("/alerts/{alert_id}/resolve", "alerts.resolve", permission=edits, errors=changed)(resolve)
