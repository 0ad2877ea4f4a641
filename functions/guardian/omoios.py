"""omoios: what agents of clients say of their work, the guardian's interventions, and the watchdog's remedies."""

import json
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from shared.core.actor import Permission
from shared.core.errors import Malformed
from shared.core.ids import bare_id
from shared.core.situations import Situation
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Offset, OneLine, Seen
from shared.edge.contracts.omoios import HEARTBEAT, OMOIOS, Id
from shared.edge.http.call import Caller, ThisCall
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tickets import upper
from shared.runs.guardian import acting, listing, reports, reverting, watchdog
from shared.runs.guardian.policies import AUTHORITIES, GUARDIAN, ROLLBACK_SECONDS
from shared.runs.guardian.rows import GuardianAction
from shared.runs.live_agents.reading import Seen as SeenAgent

routes = Routes(OMOIOS, "guardian")
Reason = Annotated[str, Field(min_length=1, max_length=2_000), Seen]
Name = Annotated[str, Field(min_length=1, max_length=200), OneLine]
Authority = Annotated[int, Field(ge=1, le=5, description="WORKER 1, WATCHDOG 2, MONITOR 3, GUARDIAN 4, SYSTEM 5")]
ActionType = Literal["cancel_task", "reallocate", "override_priority"]
Limit = Annotated[int, Query(ge=1, le=500)]
EVENT_BYTES = 16_000  # of JSON
ARCHIVED = (Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)


class AgentEventRequest(Request):
    """`event_data`: `text` is what the agent says; `tool`, `arguments` and `result` are a tool call, `error` is why it failed, `made` is
    the name of what it made or changed. All else counts as words. Of each text 1,000 characters are kept, for a day."""

    task_id: Id
    agent_id: Id
    event_type: Name
    event_data: dict[str, Any] | None = None


class AgentEvent(Shape):
    event_id: str
    task_id: str
    agent_id: str
    event_type: str
    timestamp: str


class CancelTaskRequest(Request):
    """`initiated_by`: who or what has decided it; `approved_by` of the answer is the caller."""

    task_id: Id
    reason: Reason
    initiated_by: Name
    authority: Authority = GUARDIAN


class ReallocateCapacityRequest(Request):
    """`capacity`: the number of tasks that go from what one agent may work on to the other's."""

    from_agent_id: Id
    to_agent_id: Id
    capacity: Annotated[int, Field(ge=1, le=1_000)]
    reason: Reason
    initiated_by: Name
    authority: Authority = GUARDIAN


class OverridePriorityRequest(Request):
    """`new_priority`: CRITICAL, HIGH, MEDIUM or LOW."""

    task_id: Id
    new_priority: Annotated[str, Field(max_length=50)]
    reason: Reason
    initiated_by: Name
    authority: Authority = GUARDIAN


class RevertInterventionRequest(Request):
    reason: Reason
    initiated_by: Name


class GuardianActionDTO(Shape):
    """`audit_log`: what was `before` and `after`, the policy, when it is taken back by itself, and what it has brought (`outcome`)."""

    action_id: str
    action_type: str
    target_entity: str
    authority_level: int
    authority_name: str
    reason: str
    initiated_by: str
    approved_by: str | None
    executed_at: str
    reverted_at: str | None
    audit_log: dict[str, Any]
    created_at: str


class RevertedAction(GuardianActionDTO):
    """`reason` is that of the revert, as in the original service; the intervention's own is `audit_log.reason`."""

    reverted: bool
    reverted_by: str


class MonitorIssue(Shape):
    agent_id: str
    name: str
    agent_type: str
    status: str
    issue: str
    missed_heartbeats: int
    seconds_since_heartbeat: float | None


class MonitorStatusResponse(Shape):
    """How the agents are that watch others: monitors, watchdogs and guardians."""

    issues: list[MonitorIssue]
    total_monitors: int
    healthy_monitors: int
    unhealthy_monitors: int


class ExecuteRemediationRequest(Request):
    """`policy_name`: restart, failover or escalate."""

    agent_id: Id
    policy_name: Name
    reason: Reason
    watchdog_agent_id: Id


class WatchdogActionDTO(Shape):
    """`action_type` is what was done: `escalate` also when other remedies did not last. `success`: `true` or `false`."""

    action_id: str
    action_type: str
    target_agent_id: str
    remediation_policy: str
    reason: str
    initiated_by: str
    executed_at: str
    success: str
    escalated_to_guardian: bool
    guardian_action_id: str | None
    audit_log: dict[str, Any]
    created_at: str


class Policy(Shape):
    description: str


class Policies(Shape):
    """`max_remedies_per_hour`: for an agent and those that replaced it; then the guardian takes over."""

    policies: dict[str, Policy]
    max_remedies_per_hour: int
    guardian_rollback_minutes: dict[str, int]


@routes.post(
    "/agent-events",
    "agentEvents.report",
    permission=Permission.AGENT_RUN,
    rate_class=HEARTBEAT,
    addition=True,
    errors=(Situation.TASK_STATUS,),
)
async def report(body: AgentEventRequest, caller: Caller) -> AgentEvent:
    """Report an event of an agent's work on a task that it holds. The guardian tells an agent that goes in circles, makes nothing or does
    something else so, with its next heartbeat; if that does not help, it cancels the task."""
    data = body.event_data or {}
    if len(json.dumps(data, ensure_ascii=False).encode(errors="replace")) > EVENT_BYTES:
        raise Malformed(f"event_data is longer than {EVENT_BYTES:,} bytes")
    row = reports.report(caller, body.agent_id, body.task_id, reports.NewReport(body.event_type, data))
    return AgentEvent(
        event_id=row.id,
        task_id=bare_id(body.task_id),
        agent_id=bare_id(body.agent_id),
        event_type=row.event_type,
        timestamp=row.at,
    )


@routes.post(
    "/guardian/intervention/cancel-task",
    "guardian.cancelTask",
    permission=Permission.RUN_APPROVE,
    errors=(Situation.TASK_STATUS, *ARCHIVED),
)
async def cancel_task(body: CancelTaskRequest, caller: Caller) -> GuardianActionDTO:
    """Cancel a task, and stop the agent that works on it. With the authority SYSTEM it is an emergency, which is taken back after an
    hour."""
    return _action(acting.cancel_task(caller, body.task_id, _why(body)))


@routes.post("/guardian/intervention/reallocate", "guardian.reallocate", permission=Permission.RUN_APPROVE)
async def reallocate(body: ReallocateCapacityRequest, caller: Caller) -> GuardianActionDTO:
    """Move capacity from one live agent to another. 400 if the first has too little that it does not use."""
    return _action(acting.reallocate(caller, body.from_agent_id, body.to_agent_id, body.capacity, _why(body)))


@routes.post(
    "/guardian/intervention/override-priority",
    "guardian.overridePriority",
    permission=Permission.RUN_APPROVE,
    errors=(Situation.TASK_STATUS, *ARCHIVED),
)
async def override_priority(body: OverridePriorityRequest, caller: Caller) -> GuardianActionDTO:
    """Give a task another priority, for two hours."""
    return _action(acting.override_priority(caller, body.task_id, body.new_priority, _why(body)))


@routes.get("/guardian/actions", "guardian.actions", permission=Permission.PROJECT_READ)
async def actions(
    caller: Caller,
    call: ThisCall,
    action_type: ActionType | None = None,
    target_entity: Id | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[GuardianActionDTO]:
    """List the interventions in all the caller's workspaces, newest first; `X-Total-Count` has their number."""
    found, total = listing.list_actions(caller, action_type, target_entity, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [_action(one) for one in found]


@routes.get("/guardian/actions/{action_id}", "guardian.action", permission=Permission.PROJECT_READ)
async def action(action_id: str, caller: Caller) -> GuardianActionDTO:
    """Get an intervention."""
    return _action(listing.get_action(caller, action_id))


@routes.post(
    "/guardian/actions/{action_id}/revert",
    "guardian.revert",
    permission=Permission.RUN_APPROVE,
    errors=(Situation.TASK_STATUS, Situation.AGENT_STATUS, *ARCHIVED),
)
async def revert(action_id: str, body: RevertInterventionRequest, caller: Caller) -> RevertedAction:
    """Take an intervention back: what it has changed is as before. 409 if somebody else has changed it since, 404 if it was reverted."""
    done = reverting.revert(caller, action_id, body.reason)
    shown = _action(done).model_dump() | {"reason": body.reason}
    return RevertedAction(**shown, reverted=True, reverted_by=body.initiated_by)


@routes.get("/watchdog/monitor-status", "watchdog.monitorStatus", permission=Permission.PROJECT_READ, addition=True)
async def monitor_status(caller: Caller) -> MonitorStatusResponse:
    """Show how the agents are that watch others."""
    seen = watchdog.watchers(caller)
    issues = [_issue(one) for one in seen if one.health.health_status not in ("healthy", "unknown") or not one.health.is_present]
    return MonitorStatusResponse(
        issues=issues, total_monitors=len(seen), healthy_monitors=len(seen) - len(issues), unhealthy_monitors=len(issues)
    )


@routes.post(
    "/watchdog/execute-remediation",
    "watchdog.executeRemediation",
    permission=Permission.AGENT_RUN,
    addition=True,
    errors=(Situation.AGENT_STATUS,),
)
async def execute_remediation(body: ExecuteRemediationRequest, caller: Caller) -> WatchdogActionDTO:
    """Remedy an agent that does not work as it should. The third remedy within an hour becomes the guardian's."""
    return _remedy(watchdog.execute(caller, body.agent_id, body.policy_name, body.reason, body.watchdog_agent_id))


@routes.get("/watchdog/remediation-history", "watchdog.remediationHistory", permission=Permission.PROJECT_READ, addition=True)
async def remediation_history(
    caller: Caller, call: ThisCall, agent_id: Id | None = None, limit: Limit = 50, offset: Offset = 0
) -> list[WatchdogActionDTO]:
    """List the remedies in all the caller's workspaces, newest first; `X-Total-Count` has their number."""
    found, total = watchdog.list_remedies(caller, agent_id, limit=limit, offset=offset)
    call.headers.append(("X-Total-Count", str(total)))
    return [_remedy(one) for one in found]


@routes.get("/watchdog/policies", "watchdog.policies", permission=Permission.PROJECT_READ, addition=True)
async def policies(caller: Caller) -> Policies:
    """Show what the watchdog can do, and after how long interventions are taken back by themselves."""
    return Policies(
        policies={name: Policy(description=text) for name, text in watchdog.POLICIES.items()},
        max_remedies_per_hour=watchdog.MOST_IN_AN_HOUR,
        guardian_rollback_minutes={name: seconds // 60 for name, seconds in ROLLBACK_SECONDS.items()},
    )


def _why(body: CancelTaskRequest | ReallocateCapacityRequest | OverridePriorityRequest) -> acting.Intervention:
    return acting.Intervention(body.reason, body.initiated_by, body.authority)


def _action(row: GuardianAction) -> GuardianActionDTO:
    log = {
        "before": _state(row.before),
        "after": _state(row.after),
        "reason": row.reason,
        "policy": row.policy,
        "rollback_at": row.rollback_at if row.reverted_at is None else None,
        "rollback_refused": row.kept_because,
        "reverted": row.reverted,
        "outcome": row.outcome,
    }
    return GuardianActionDTO(
        action_id=row.id,
        action_type=row.action_type,
        target_entity=row.target_entity,
        authority_level=int(row.authority_level),
        authority_name=AUTHORITIES[int(row.authority_level)],
        reason=row.reason,
        initiated_by=row.initiated_by,
        approved_by=row.approved_by["id"],
        executed_at=row.created_at,
        reverted_at=row.reverted_at,
        audit_log=log,
        created_at=row.created_at,
    )


def _issue(seen: SeenAgent) -> MonitorIssue:
    health = seen.health
    return MonitorIssue(
        agent_id=seen.agent.id,
        name=seen.agent.name,
        agent_type=seen.agent.agent_type,
        status=health.status,
        issue=health.health_status if health.health_status not in ("healthy", "unknown") else f"It is {health.status}",
        missed_heartbeats=health.missed,
        seconds_since_heartbeat=health.seconds,
    )


def _state(values: dict[str, Any]) -> dict[str, Any]:
    """Return what was changed, with priorities as this contract writes them."""
    return {name: upper(value) if name == "priority" else value for name, value in values.items()}


def _remedy(row: watchdog.WatchdogAction) -> WatchdogActionDTO:
    log = {"before": row.before, "after": row.after, "replacement_agent_id": row.replacement_id, "error": row.error}
    return WatchdogActionDTO(
        action_id=row.id,
        action_type=row.action_type,
        target_agent_id=row.target_agent_id,
        remediation_policy=row.remediation_policy,
        reason=row.reason,
        initiated_by=row.initiated_by,
        executed_at=row.created_at,
        success="true" if row.success else "false",
        escalated_to_guardian=row.guardian_action_id is not None,
        guardian_action_id=row.guardian_action_id,
        audit_log=log,
        created_at=row.created_at,
    )
