"""omoios, section 5: entries of the audit trail, with a type, a sentence and details of their own kind."""

from typing import Annotated, Any, Final

from pydantic import WithJsonSchema

from shared.agents.catalogue.registry import agents
from shared.core.actor import Actor, Permission
from shared.core.money import usd
from shared.edge.contracts.base import Shape
from shared.edge.views.omoios.task_trail import CHANGED, Kind, kind_of_change
from shared.edge.views.omoios.tickets import ticket_status, upper
from shared.work.activities.rows import Activity
from shared.work.items.places import places_of

KINDS: Final[dict[str, Kind]] = {
    "user.registered": Kind("user_registered", "signed up"),
    "user.updated": Kind("user_updated", "changed an account"),
    "user.password_changed": Kind("password_changed", "changed a password"),
    "api_key.created": Kind("api_key_created", "made an API key"),
    "api_key.revoked": Kind("api_key_revoked", "revoked an API key"),
    "oauth_client.created": Kind("oauth_client_created", "registered an OAuth client"),
    "organization.created": Kind("organization_created", "created the organization"),
    "organization.updated": Kind("organization_updated", "changed the organization"),
    "workspace.created": Kind("workspace_created", "created the workspace"),
    "workspace.updated": Kind("workspace_updated", "changed the workspace"),
    "workspace.deleted": Kind("workspace_deleted", "deleted the workspace"),
    "member.invited": Kind("member_invited", "invited somebody"),
    "member.invitation_cancelled": Kind("invitation_cancelled", "cancelled an invitation"),
    "member.joined": Kind("member_joined", "joined the workspace"),
    "member.updated": Kind("member_updated", "changed a member"),
    "member.removed": Kind("member_removed", "removed a member"),
    "project.created": Kind("project_created", "created the project"),
    "project.updated": Kind("project_updated", "changed the project"),
    "project.archived": Kind("project_archived", "archived the project"),
    "project.restored": Kind("project_restored", "restored the project"),
    "board.updated": Kind("board_updated", "changed the board"),
    "lane.updated": Kind("phase_updated", "changed a phase of the board"),
    "lane.wip_exceeded": Kind("wip_violation", "filled a column beyond its limit"),
    "item.created": Kind("ticket_created", "created the ticket"),
    "item.updated": Kind("ticket_updated", "changed the ticket"),
    "item.moved": Kind("ticket_moved", "moved the ticket"),
    "item.blocked": Kind("ticket_blocked", "blocked the ticket"),
    "item.unblocked": Kind("ticket_unblocked", "unblocked the ticket"),
    "item.deleted": Kind("ticket_deleted", "deleted the ticket"),
    "comment.created": Kind("comment_created", "commented on the ticket"),
    "comment.updated": Kind("comment_updated", "edited a comment"),
    "comment.deleted": Kind("comment_deleted", "deleted a comment"),
    "dependency.added": Kind("dependency_added", "added a dependency"),
    "dependency.removed": Kind("dependency_removed", "removed a dependency"),
    "test.created": Kind("test_created", "added a test case"),
    "test.updated": Kind("test_updated", "changed a test case"),
    "test.recorded": Kind("test_recorded", "recorded a test result"),
    "build.requested": Kind("build_requested", "requested a build"),
    "build.finished": Kind("build_finished", "finished a build"),
    "vulnerability.found": Kind("vulnerability_found", "found a vulnerability"),
    "deployment.requested": Kind("deployment_requested", "requested a deployment"),
    "deployment.started": Kind("deployment_started", "started a deployment"),
    "deployment.stepped": Kind("deployment_stepped", "moved a deployment on"),
    "deployment.completed": Kind("deployment_completed", "ended a deployment"),
    "environment.updated": Kind("environment_updated", "changed an environment"),
    "task.created": Kind("task_created", "added a task"),
    "task.updated": CHANGED,
    "document.created": Kind("document_created", "wrote a document"),
    "document.updated": Kind("document_updated", "changed a document"),
    "document.approved": Kind("document_approved", "approved a document"),
    "document.rejected": Kind("document_rejected", "rejected a document"),
    "document.published": Kind("document_published", "published a document"),
    "discovery.made": Kind("discovery", "reported a discovery"),
    "agent.configured": Kind("agent_configured", "configured an agent"),
    "run.requested": Kind("run_requested", "requested an agent run"),
    "run.started": Kind("run_started", "started a run"),
    "run.waiting": Kind("run_waiting", "lets a run wait"),
    "run.answered": Kind("run_answered", "answered a waiting run"),
    "run.resumed": Kind("run_resumed", "resumed a run"),
    "run.completed": Kind("run_completed", "completed a run"),
    "run.failed": Kind("run_failed", "ended a run with an error"),
    "run.cancelled": Kind("run_cancelled", "cancelled a run"),
    "webhook.created": Kind("webhook_created", "registered a webhook"),
    "webhook.updated": Kind("webhook_updated", "changed a webhook"),
    "webhook.disabled": Kind("webhook_disabled", "switched off a webhook"),
    "webhook.deleted": Kind("webhook_deleted", "deleted a webhook"),
    "usage.recorded": Kind("usage_recorded", "recorded usage"),
    "usage.threshold": Kind("usage_threshold", "reached a threshold of the budget"),
    "billing.changed": Kind("billing_changed", "changed how the workspace is billed"),
    "billing.suspended": Kind("billing_suspended", "suspended the workspace"),
    "billing.reactivated": Kind("billing_reactivated", "reactivated the workspace"),
    "invoice.issued": Kind("invoice_issued", "issued an invoice"),
    "invoice.overdue": Kind("invoice_overdue", "found an invoice overdue"),
    "invoice.reminded": Kind("invoice_reminded", "sent a reminder of an invoice"),
    "invoice.payment": Kind("invoice_payment", "received a payment"),
    "invoice.paid": Kind("invoice_paid", "closed a paid invoice"),
    "invoice.credited": Kind("invoice_credited", "credited an invoice"),
    "commit.linked": Kind("commit", "linked a commit to the ticket"),
    "artifact.added": Kind("artifact_added", "added an artifact"),
    "alert.triggered": Kind("alert_triggered", "triggered an alert"),
    "alert.updated": Kind("alert_updated", "changed an alert"),
    "alert_rule.updated": Kind("alert_rule_updated", "changed a rule of alerts"),
    "message.sent": Kind("message_sent", "sent a message to an agent"),
    "thread.closed": Kind("thread_closed", "ended a conversation of agents"),
    "thread.created": Kind("thread_created", "began a conversation of agents"),
    "budget.set": Kind("budget_set", "set a budget"),
    "budget.exceeded": Kind("budget_exceeded", "used up a budget"),
    "budget.warning": Kind("budget_warning", "came near the end of a budget"),
    "commit.commented": Kind("commit_commented", "commented on a commit"),
    "commit.pushed": Kind("commit_pushed", "pushed a commit"),
    "discovery.updated": Kind("discovery_updated", "changed a discovery"),
    "exploration.answered": Kind("question_answered", "answered a question about the idea"),
    "exploration.initialized": Kind("project_initialized", "made the project of an explored idea"),
    "exploration.started": Kind("exploration_started", "began to explore an idea"),
    "memory.stored": Kind("memory_stored", "remembered what was done at a task"),
    "pattern.extracted": Kind("pattern_extracted", "found a pattern in memories"),
    "pattern.judged": Kind("pattern_judged", "said whether a pattern helped"),
    "quality.measured": Kind("quality_measured", "measured the quality of a task"),
    "quality_gate.set": Kind("quality_gate_set", "set a quality gate"),
    "issue.created": Kind("issue_created", "linked an issue"),
    "live_agent.registered": Kind("agent_registered", "registered an agent"),
    "live_agent.status_changed": Kind("agent_status_changed", "changed the status of an agent"),
    "live_agent.updated": Kind("agent_updated", "changed an agent"),
    "pull_request.merged": Kind("pull_request_merged", "merged a pull request"),
    "pull_request.opened": Kind("pull_request_opened", "opened a pull request"),
    "repository.connected": Kind("repository_connected", "connected a repository"),
    "repository.disconnected": Kind("repository_disconnected", "disconnected a repository"),
    "repository.updated": Kind("repository_updated", "changed a repository"),
    "spec.generated": Kind("spec_generated", "made a spec"),
    "spec.updated": Kind("spec_updated", "changed a spec"),
    "guardian.intervention": Kind("guardian_intervention", "intervened"),
    "guardian.reverted": Kind("intervention_reverted", "took an intervention back"),
    "guardian.scored": Kind("intervention_scored", "looked at what an intervention has brought"),
    "monitoring.update": Kind("monitoring_updated", "watched the agents at work"),
    "run.steered": Kind("run_steered", "told an agent what is wrong"),
    "validation.reviewed": Kind("validation_reviewed", "reviewed a task"),
    "sandbox.created": Kind("sandbox_created", "made a sandbox"),
    "sandbox.updated": Kind("sandbox_updated", "changed a sandbox"),
    "sandbox.status_changed": Kind("sandbox_status_changed", "changed the status of a sandbox"),
    "sandbox.deleted": Kind("sandbox_deleted", "deleted a sandbox"),
    "sandbox_message.sent": Kind("sandbox_message_sent", "sent a message to a sandbox"),
    "sandbox_message.changed": Kind("sandbox_message_changed", "moved a message of a sandbox on"),
    "sandbox_message.blocked": Kind("sandbox_message_blocked", "blocked a message of a sandbox"),
    "sandbox_message.broadcast": Kind("sandbox_message_broadcast", "sent a message to all sandboxes"),
    "collaboration.started": Kind("collaboration_started", "started a collaboration"),
    "collaboration.progressed": Kind("collaboration_progressed", "moved a collaboration on"),
    "collaboration.ended": Kind("collaboration_ended", "ended a collaboration"),
    "workspace.configured": Kind("workspace_configured", "configured a workspace"),
    "watchdog.remediation": Kind("watchdog_remediation", "remedied an agent"),
}
"""By the canonical name of the event; `task_trail` tells changes of tasks apart. A test asks for every event of the platform."""

_SHOWN_APART: Final = ("agent_id", "agent_name", "names_author")
"""What an entry has outside of its details, and what is only counted."""
_PLACES: Final = ("lane_id", "from_lane", "to_lane", "board_id", "lane_number")
"""What a client of this contract cannot name: it knows columns and phases."""
_NAMES: Final = {
    "item_id": "ticket_id",
    "card_id": "ticket_id",
    "to_item_id": "depends_on_ticket_id",
    "item_title": "ticket_title",
}


Details = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "What is particular to the type of an entry; these are of a commit. `changes` has the old and the new values.",
            "properties": {
                "commit_sha": {"type": "string"},
                "files_changed": {"type": "integer"},
                "insertions": {"type": "integer"},
                "deletions": {"type": "integer"},
                "changes": {"type": "object"},
            },
        }
    ),
]


class AuditEntry(Shape):
    """`agent_id` is null where a person or the platform acted; `actor_type` (user, api_key, agent, system) says which."""

    id: str
    timestamp: str
    type: str
    entity_type: str
    entity_id: str | None
    ticket_id: str | None
    project_id: str | None
    agent_id: str | None
    agent_name: str | None
    actor_type: str
    actor_id: str
    actor_name: str
    description: str
    details: Details


_ENTITIES: Final = {
    "ITEM": "ticket",
    "COM": "comment",
    "DEP": "dependency",
    "TASK": "task",
    "DSC": "discovery",
    "RUN": "run",
    "DOC": "document",
    "PROJ": "project",
    "WS": "workspace",
    "TC": "test",
    "BLD": "build",
    "DPL": "deployment",
    "ENV": "environment",
    "ALERT": "alert",
    "THR": "thread",
    "TMSG": "message",
    "QMETRIC": "quality_metric",
    "GATES": "quality_gate",
}


def shown_to(caller: Actor, row: Activity) -> AuditEntry:
    """Return an entry as this caller may see it: amounts only with the permission to see costs."""
    return audit_entry(row, costs=caller.may(Permission.USAGE_READ, row.ws_id, row.org_id))


def audit_entry(row: Activity, *, costs: bool) -> AuditEntry:
    """Return an entry, with or without amounts."""
    kind = kind_of_change(row) if row.type == "task.updated" else KINDS[row.type]
    actor = row.actor
    return AuditEntry(
        id=row.id,
        timestamp=row.at,
        type=kind.type,
        entity_type=_ENTITIES.get(row.subject_kind, row.subject_kind.lower()),
        entity_id=row.subject_id or row.item_id or row.proj_id or row.ws_id,
        ticket_id=row.item_id,
        project_id=row.proj_id,
        agent_id=row.agent_id,
        agent_name=_agent_name(row),
        actor_type="api_key" if actor["kind"] == "key" else actor["kind"],
        actor_id=actor["id"],
        actor_name=actor["name"],
        description=f"{actor['name']} {_sentence(row, kind)}",
        details=_details(row, costs=costs),
    )


def _agent_name(row: Activity) -> str | None:
    """Return the name of the agent that acted: as the event says it, else as the catalogue does."""
    if row.actor["kind"] == "agent":
        return str(row.actor["name"])
    said = row.data.get("agent_name")
    return said or next((agent.display_name for agent in agents() if agent.id == row.agent_id), None)


def _sentence(row: Activity, kind: Kind) -> str:
    changed = [name for name in _changes(row) if name not in ("from_column", "to_column")]
    if row.type == "item.updated" and changed:
        return f"{kind.sentence}: {', '.join(changed)}"
    places = places_of(row.changes, row.data) if row.type == "item.moved" else {}
    if "to_column" in places:
        came = f" from {places['from_column']}" if "from_column" in places else ""
        return f"{kind.sentence}{came} to {places['to_column']}"
    return kind.sentence


def _details(row: Activity, *, costs: bool) -> dict[str, Any]:
    """Return what is particular to an entry: `changes` has the old and the new value of each field."""
    data = places_of(row.changes, row.data) if row.subject_kind == "ITEM" else row.data
    details: dict[str, Any] = {}
    for name, value in data.items():
        if value is None or name in _PLACES or name in _SHOWN_APART:
            continue
        if name.endswith("_micros"):
            details |= {name.removesuffix("_micros"): usd(int(value))} if costs else {}
        elif name == "duration_ms":
            details["duration_seconds"] = value / 1000
        else:
            details[_NAMES.get(name, name)] = _shown(name, value)
    if changes := _changes(row):
        details["changes"] = changes
    return details


def _changes(row: Activity) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (old, new) in row.changes.items():
        if name in _PLACES:
            continue
        pair = [_shown(name, old), _shown(name, new)]
        if row.subject_kind == "ITEM" and name == "status":
            pair = [one and ticket_status(one) for one in pair]
        found[name] = {"old": pair[0], "new": pair[1]}
    return found


def _shown(name: str, value: Any) -> Any:
    """Return a priority in upper case, a person or an agent by id and name, and any other value as it is."""
    if name == "priority" and value:
        return upper(value)
    if isinstance(value, dict) and {"kind", "id", "name"} <= value.keys():
        return {name: value[name] for name in ("kind", "id", "name")}
    return value
