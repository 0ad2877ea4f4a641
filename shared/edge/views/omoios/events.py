"""omoios, section 11: events as `{event_type, entity_type, entity_id, payload}`. The payloads are the document's; the additional
`event_id` identifies a repeated delivery."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from shared.channels.sockets.frames import Frame, compact
from shared.core.ids import new_id
from shared.core.money import usd
from shared.edge.views.omoios.alerts import alert_triggered, alert_updated
from shared.edge.views.omoios.explorations import (
    document_changed,
    document_generated,
    exploration_started,
    project_initialized,
    question_answered,
)
from shared.edge.views.omoios.filters import FILTERS
from shared.edge.views.omoios.oversight import intervened, monitored, reviewed, steering_issued
from shared.edge.views.omoios.source_events import commit_commented, commit_linked, commit_pushed, issue_created, pull_request
from shared.edge.views.omoios.threads import message_sent, thread_closed, thread_created
from shared.edge.views.omoios.ticket_events import block_changed, ticket_created, ticket_moved, ticket_updated
from shared.edge.views.rendering import Renderer, Table, not_shown
from shared.events import EventType
from shared.events.change import Change
from shared.insight.memories.rows import Memory
from shared.runs.live_agents.rows import LiveAgent
from shared.work.activities.rows import Activity, unpack_shown
from shared.work.discoveries.rows import Discovery
from shared.work.tasks.rows import Task

EventFields = tuple[str, str, str, dict[str, Any]]
"""Event type, entity type, entity id, payload."""


def _wip(change: Change) -> Iterator[EventFields]:
    data = change.event.data
    payload = {name: data[name] for name in ("column_id", "current_count", "wip_limit")}
    yield "BOARD_WIP_VIOLATION", "board", str(data.get("board_id") or change.id), payload


def _task_created(change: Change) -> Iterator[EventFields]:
    task = change.after(Task)
    yield "TASK_CREATED", "task", task.id, {"task_id": task.id, "ticket_id": task.item_id, "dependencies": task.depends_on}


def _task_updated(change: Change) -> Iterator[EventFields]:
    """Yield the events of an updated task by what changed: the agent, the status, the tasks that it depends on."""
    task, before = change.after(Task), change.before(Task)
    agent, old_agent = task.agent, before.agent if before else None
    if agent and (not old_agent or old_agent["id"] != agent["id"]):
        yield "TASK_ASSIGNED", "task", task.id, {"task_id": task.id, "agent_id": agent["id"]}
    was, now = change.status()
    if was != now and now == "completed":
        yield "TASK_COMPLETED", "task", task.id, {"task_id": task.id, "result": task.result}
    if was != now and now == "validating":
        payload = {"task_id": task.id, "iteration": task.iteration, "timestamp": change.event.at}
        yield "VALIDATION_STARTED", "task", task.id, payload
    if was != now and now == "failed":
        yield "TASK_FAILED", "task", task.id, {"task_id": task.id, "error_message": task.error_message or ""}
    for dependency_id in task.depends_on:
        if before is not None and dependency_id not in before.depends_on:
            yield "TASK_DEPENDENCY_ADDED", "task", task.id, {"task_id": task.id, "depends_on_task_id": dependency_id}


def _discovered(change: Change) -> Iterator[EventFields]:
    """Yield the event of a discovery: when it is made, and with each task that it becomes."""
    discovery = change.after(Discovery)
    spawned = change.event.data.get("spawned_task_id")
    if change.event.type is EventType.DISCOVERY_UPDATED and spawned is None:
        return
    payload = {
        "discovery_id": discovery.id,
        "type": discovery.type,
        "task_id": discovery.task_id,
        "agent_id": discovery.agent["id"],
        "description": discovery.description,
        "spawned_task_id": spawned,
    }
    yield "DISCOVERY_MADE", "discovery", discovery.id, payload


def _memory_saved(change: Change) -> Iterator[EventFields]:
    """Yield the event of a memory, under the name of the original service; the payload is ours."""
    memory = change.after(Memory)
    payload = {
        "memory_id": memory.id,
        "task_id": memory.task_id,
        "memory_type": memory.memory_type,
        "success": memory.success,
    }
    yield "MEMORY_SAVED", "memory", memory.id, payload


BUDGET_SCOPES: Final = {"organization": "global", "card": "ticket"}
"""This contract's names of the scopes of budgets; the others have ours."""


def _budget(event_type: str) -> Callable[[Change], Iterator[EventFields]]:
    """Return what shows the event of a budget, under a name of the original service; the payload is ours."""

    def show(change: Change) -> Iterator[EventFields]:
        data = change.event.data
        scope_id = data["scope_id"].rpartition("/")[2]
        payload = {
            "scope_type": BUDGET_SCOPES.get(data["scope"], data["scope"]),
            "scope_id": scope_id,
            "limit": usd(data["limit_micros"]),
            "spent": usd(data["spent_micros"]),
            "alert_threshold": data.get("alert_threshold"),
        }
        yield event_type, "budget", scope_id, payload

    return show


def _agent_registered(change: Change) -> Iterator[EventFields]:
    agent = change.after(LiveAgent)
    payload = {"agent_id": agent.id, "agent_type": agent.agent_type, "phase_id": agent.phase_id}
    yield "AGENT_REGISTERED", "agent", agent.id, payload


def _agent_status_changed(change: Change) -> Iterator[EventFields]:
    old, new = change.event.changes["status"]
    yield "AGENT_STATUS_CHANGED", "agent", change.id, {"agent_id": change.id, "old_status": old, "new_status": new}


def heartbeat_frame(agent_id: str, health_metrics: dict[str, Any], at: str) -> Frame:
    """Return the message of a heartbeat. Its event is in no log: whoever listens sees it, nobody can ask for it later."""
    payload = {"agent_id": agent_id, "health_metrics": health_metrics}
    about = {"event_type": "AGENT_HEARTBEAT", "entity_type": "agent", "entity_id": agent_id}
    return event_frame(about | {"payload": payload, "event_id": new_id(), "timestamp": at})


def search_frame(memory_ids: Sequence[str], mode: str, at: str) -> Frame:
    """Return the message of a search for memories, under the name of the original service; the payload is ours. As of a heartbeat,
    its event is in no log."""
    payload = {"memory_ids": list(memory_ids), "results_count": len(memory_ids), "search_mode": mode}
    about = {"event_type": "MEMORY_SEARCHED", "entity_type": "memory", "entity_id": memory_ids[0]}
    return event_frame(about | {"payload": payload, "event_id": new_id(), "timestamp": at})


def _events(show: Callable[[Change], Iterator[EventFields]]) -> Renderer:
    """Return a renderer of the events that `show` yields. A listener may filter by their first three fields."""

    def render(change: Change) -> Iterator[Frame]:
        yield from _frames(list(show(change)), change.event.id, change.event.at)

    return render


def shown_of(change: Change) -> list[list[Any]]:
    """Return what listeners are shown of a change: the four fields of each of its events."""
    messages = [json.loads(frame.text) for frame in EVENTS[change.event.type](change)]
    return [[message[name] for name in ("event_type", "entity_type", "entity_id", "payload")] for message in messages]


def shown_frames(row: Activity) -> list[Frame]:
    """Return the frames that listeners were shown of an event, byte for byte."""
    return _frames(list(unpack_shown(row)), row.id, row.at)


def _frames(messages: Sequence[Sequence[Any]], event_id: str, at: str) -> list[Frame]:
    """Return the messages of an event. Where there are several each has its number (`part`), so that a client that was cut off between
    two of them can say which it has: `<event_id>/<part>`."""
    names = ("event_type", "entity_type", "entity_id", "payload")
    frames = []
    for number, fields in enumerate(messages, 1):
        part = {"part": number} if len(messages) > 1 else {}
        frames.append(event_frame(dict(zip(names, fields, strict=True)) | {"event_id": event_id, "timestamp": at} | part))
    return frames


def event_frame(message: dict[str, Any]) -> Frame:
    names = (message["event_type"], message["entity_type"], message["entity_id"])
    return Frame(compact(message), dict(zip(FILTERS, names, strict=True)), costs=message["entity_type"] == "budget")


EVENTS: Final[Table] = {
    EventType.USER_REGISTERED: not_shown,
    EventType.USER_UPDATED: not_shown,
    EventType.PASSWORD_CHANGED: not_shown,
    EventType.API_KEY_CREATED: not_shown,
    EventType.API_KEY_REVOKED: not_shown,
    EventType.OAUTH_CLIENT_CREATED: not_shown,
    EventType.ORGANIZATION_CREATED: not_shown,
    EventType.ORGANIZATION_UPDATED: not_shown,
    EventType.WORKSPACE_CREATED: not_shown,
    EventType.WORKSPACE_UPDATED: not_shown,
    EventType.WORKSPACE_DELETED: not_shown,
    EventType.MEMBER_INVITED: not_shown,
    EventType.INVITATION_CANCELLED: not_shown,
    EventType.MEMBER_JOINED: not_shown,
    EventType.MEMBER_UPDATED: not_shown,
    EventType.MEMBER_REMOVED: not_shown,
    EventType.PROJECT_CREATED: not_shown,
    EventType.PROJECT_UPDATED: not_shown,
    EventType.PROJECT_ARCHIVED: not_shown,
    EventType.PROJECT_RESTORED: not_shown,
    EventType.BOARD_UPDATED: not_shown,
    EventType.LANE_UPDATED: not_shown,
    EventType.WIP_EXCEEDED: _events(_wip),
    EventType.ITEM_CREATED: _events(ticket_created),
    EventType.ITEM_UPDATED: _events(ticket_updated),
    EventType.ITEM_MOVED: _events(ticket_moved),
    EventType.ITEM_BLOCKED: _events(block_changed),
    EventType.ITEM_UNBLOCKED: _events(block_changed),
    EventType.ITEM_DELETED: _events(ticket_updated),
    EventType.COMMENT_CREATED: not_shown,
    EventType.COMMENT_UPDATED: not_shown,
    EventType.COMMENT_DELETED: not_shown,
    EventType.DEPENDENCY_ADDED: not_shown,
    EventType.DEPENDENCY_REMOVED: not_shown,
    EventType.TEST_CREATED: not_shown,
    EventType.TEST_UPDATED: not_shown,
    EventType.TEST_RECORDED: not_shown,
    EventType.BUILD_REQUESTED: not_shown,
    EventType.BUILD_FINISHED: not_shown,
    EventType.VULNERABILITY_FOUND: not_shown,
    EventType.DEPLOYMENT_REQUESTED: not_shown,
    EventType.DEPLOYMENT_STARTED: not_shown,
    EventType.DEPLOYMENT_STEPPED: not_shown,
    EventType.DEPLOYMENT_COMPLETED: not_shown,
    EventType.ENVIRONMENT_UPDATED: not_shown,
    EventType.ARTIFACT_ADDED: not_shown,
    EventType.TASK_CREATED: _events(_task_created),
    EventType.TASK_UPDATED: _events(_task_updated),
    EventType.DOCUMENT_CREATED: _events(document_generated),
    EventType.DOCUMENT_UPDATED: _events(document_changed),
    EventType.DOCUMENT_APPROVED: _events(document_changed),
    EventType.DOCUMENT_REJECTED: _events(document_changed),
    EventType.DOCUMENT_PUBLISHED: _events(document_changed),
    EventType.EXPLORATION_STARTED: _events(exploration_started),
    EventType.QUESTION_ANSWERED: _events(question_answered),
    EventType.PROJECT_INITIALIZED: _events(project_initialized),
    EventType.SPEC_GENERATED: not_shown,
    EventType.SPEC_UPDATED: not_shown,
    EventType.MEMORY_STORED: _events(_memory_saved),
    EventType.PATTERN_EXTRACTED: not_shown,
    EventType.PATTERN_JUDGED: not_shown,
    EventType.QUALITY_MEASURED: not_shown,
    EventType.QUALITY_GATE_SET: not_shown,
    EventType.DISCOVERY_MADE: _events(_discovered),
    EventType.REPOSITORY_CONNECTED: not_shown,
    EventType.REPOSITORY_UPDATED: not_shown,
    EventType.REPOSITORY_DISCONNECTED: not_shown,
    EventType.COMMIT_PUSHED: _events(commit_pushed),
    EventType.COMMIT_LINKED: _events(commit_linked),
    EventType.COMMIT_COMMENTED: _events(commit_commented),
    EventType.ISSUE_CREATED: _events(issue_created),
    EventType.PULL_REQUEST_OPENED: _events(pull_request),
    EventType.PULL_REQUEST_MERGED: _events(pull_request),
    EventType.DISCOVERY_UPDATED: _events(_discovered),
    EventType.AGENT_CONFIGURED: not_shown,
    EventType.LIVE_AGENT_REGISTERED: _events(_agent_registered),
    EventType.LIVE_AGENT_UPDATED: not_shown,
    EventType.LIVE_AGENT_STATUS: _events(_agent_status_changed),
    EventType.THREAD_CREATED: _events(thread_created),
    EventType.THREAD_CLOSED: _events(thread_closed),
    EventType.MESSAGE_SENT: _events(message_sent),
    EventType.ALERT_TRIGGERED: _events(alert_triggered),
    EventType.ALERT_UPDATED: _events(alert_updated),
    EventType.ALERT_RULE_UPDATED: not_shown,
    EventType.RUN_REQUESTED: not_shown,
    EventType.RUN_STARTED: not_shown,
    EventType.RUN_WAITING: not_shown,
    EventType.RUN_ANSWERED: not_shown,
    EventType.RUN_RESUMED: not_shown,
    EventType.RUN_COMPLETED: not_shown,
    EventType.RUN_FAILED: not_shown,
    EventType.RUN_CANCELLED: not_shown,
    EventType.STEERING_ISSUED: _events(steering_issued),
    EventType.GUARDIAN_INTERVENTION: _events(intervened),
    EventType.INTERVENTION_REVERTED: not_shown,
    EventType.INTERVENTION_SCORED: not_shown,
    EventType.MONITORING_UPDATE: _events(monitored),
    EventType.REMEDIATION_EXECUTED: not_shown,
    EventType.VALIDATION_REVIEWED: _events(reviewed),
    EventType.SANDBOX_CREATED: not_shown,
    EventType.SANDBOX_UPDATED: not_shown,
    EventType.SANDBOX_STATUS: not_shown,
    EventType.SANDBOX_DELETED: not_shown,
    EventType.SANDBOX_MESSAGE_SENT: not_shown,
    EventType.SANDBOX_MESSAGE_CHANGED: not_shown,
    EventType.SANDBOX_MESSAGE_BLOCKED: not_shown,
    EventType.SANDBOX_BROADCAST: not_shown,
    EventType.COLLABORATION_STARTED: not_shown,
    EventType.COLLABORATION_PROGRESSED: not_shown,
    EventType.COLLABORATION_ENDED: not_shown,
    EventType.WORKSPACE_CONFIGURED: not_shown,
    EventType.WEBHOOK_CREATED: not_shown,
    EventType.WEBHOOK_UPDATED: not_shown,
    EventType.WEBHOOK_DISABLED: not_shown,
    EventType.WEBHOOK_DELETED: not_shown,
    EventType.USAGE_RECORDED: not_shown,
    EventType.USAGE_THRESHOLD: not_shown,
    EventType.BUDGET_SET: _events(_budget("budget.created")),
    EventType.BUDGET_WARNING: _events(_budget("cost.budget.warning")),
    EventType.BUDGET_EXCEEDED: _events(_budget("cost.budget.exceeded")),
    EventType.BILLING_CHANGED: not_shown,
    EventType.BILLING_SUSPENDED: not_shown,
    EventType.BILLING_REACTIVATED: not_shown,
    EventType.INVOICE_ISSUED: not_shown,
    EventType.INVOICE_OVERDUE: not_shown,
    EventType.INVOICE_REMINDED: not_shown,
    EventType.INVOICE_PAYMENT: not_shown,
    EventType.INVOICE_PAID: not_shown,
    EventType.INVOICE_CREDITED: not_shown,
}
