"""agentworks, section 5.2: the activities of a card, with descriptions."""

from collections.abc import Mapping
from typing import Any

from shared.core.money import usd
from shared.edge.contracts.agentworks import UserSummary, camel
from shared.edge.contracts.base import Shape
from shared.edge.views.agentworks.actors import who
from shared.edge.views.agentworks.changes import public_changes
from shared.edge.views.agentworks.entities import AgentSummary
from shared.events import EventType
from shared.runs.agent_runs.reading import public_status
from shared.runs.agent_runs.rows import Run
from shared.work.activities.rows import Activity
from shared.work.items.places import places_of
from shared.work.items.rows import Item


class CardActivity(Shape):
    """`fieldChanged` names the main changed field; if there are several, `metadata.changes` has all of them."""

    id: str
    type: str
    actor: UserSummary | AgentSummary
    description: str
    fieldChanged: str | None = None
    oldValue: Any = None
    newValue: Any = None
    metadata: dict[str, Any]
    createdAt: str


_ACTIVITY_TYPES = {
    EventType.ITEM_CREATED: "created",
    EventType.ITEM_MOVED: "moved",
    EventType.COMMENT_CREATED: "commented",
    EventType.COMMENT_UPDATED: "commented",
    EventType.COMMENT_DELETED: "commented",
}
_DESCRIPTIONS = {
    EventType.ITEM_CREATED: "created the card",
    EventType.ITEM_MOVED: "moved the card",
    EventType.ITEM_BLOCKED: "blocked the card",
    EventType.ITEM_UNBLOCKED: "unblocked the card",
    EventType.ITEM_DELETED: "deleted the card",
    EventType.COMMENT_CREATED: "commented",
    EventType.COMMENT_UPDATED: "edited a comment",
    EventType.COMMENT_DELETED: "deleted a comment",
    EventType.DOCUMENT_CREATED: "wrote a document",
    EventType.DOCUMENT_UPDATED: "changed a document",
    EventType.DOCUMENT_APPROVED: "approved a document",
    EventType.DOCUMENT_REJECTED: "rejected a document",
    EventType.DOCUMENT_PUBLISHED: "published a document",
    EventType.DEPENDENCY_ADDED: "added a dependency",
    EventType.DEPENDENCY_REMOVED: "removed a dependency",
    EventType.TEST_CREATED: "added a test case",
    EventType.TEST_UPDATED: "changed a test case",
    EventType.TEST_RECORDED: "recorded a test result",
    EventType.BUILD_REQUESTED: "requested a build",
    EventType.BUILD_FINISHED: "finished a build",
    EventType.VULNERABILITY_FOUND: "found a vulnerability",
    EventType.DEPLOYMENT_REQUESTED: "requested a deployment",
    EventType.DEPLOYMENT_STARTED: "started a deployment",
    EventType.DEPLOYMENT_STEPPED: "moved a deployment on",
    EventType.DEPLOYMENT_COMPLETED: "ended a deployment",
    EventType.ARTIFACT_ADDED: "added a result of a phase",
    EventType.TASK_CREATED: "added a task",
    EventType.TASK_UPDATED: "changed a task",
    EventType.EXPLORATION_STARTED: "started an exploration",
    EventType.QUESTION_ANSWERED: "answered a question",
    EventType.PROJECT_INITIALIZED: "initialized a project",
    EventType.SPEC_GENERATED: "generated a spec",
    EventType.SPEC_UPDATED: "updated a spec",
    EventType.MEMORY_STORED: "remembered a task",
    EventType.PATTERN_EXTRACTED: "found a pattern",
    EventType.PATTERN_JUDGED: "judged a pattern",
    EventType.QUALITY_MEASURED: "measured the quality of a task",
    EventType.QUALITY_GATE_SET: "set a quality gate",
    EventType.DISCOVERY_MADE: "reported a discovery",
    EventType.REPOSITORY_CONNECTED: "connected a repository",
    EventType.REPOSITORY_UPDATED: "changed a repository",
    EventType.REPOSITORY_DISCONNECTED: "disconnected a repository",
    EventType.COMMIT_PUSHED: "pushed a commit",
    EventType.COMMIT_LINKED: "linked a commit",
    EventType.COMMIT_COMMENTED: "commented on a commit",
    EventType.ISSUE_CREATED: "linked an issue",
    EventType.PULL_REQUEST_OPENED: "opened a pull request",
    EventType.PULL_REQUEST_MERGED: "merged a pull request",
    EventType.DISCOVERY_UPDATED: "updated a discovery",
    EventType.THREAD_CREATED: "began a conversation of agents",
    EventType.THREAD_CLOSED: "ended a conversation of agents",
    EventType.MESSAGE_SENT: "sent a message to an agent",
    EventType.ALERT_TRIGGERED: "triggered an alert",
    EventType.ALERT_UPDATED: "changed an alert",
    EventType.RUN_REQUESTED: "requested an agent run",
    EventType.RUN_STARTED: "started a run",
    EventType.RUN_RESUMED: "resumed a run",
    EventType.RUN_COMPLETED: "completed a run",
    EventType.RUN_FAILED: "ended a run with an error",
    EventType.RUN_CANCELLED: "cancelled a run",
    EventType.STEERING_ISSUED: "told an agent what is wrong",
    EventType.GUARDIAN_INTERVENTION: "intervened",
    EventType.INTERVENTION_REVERTED: "took an intervention back",
    EventType.INTERVENTION_SCORED: "looked at what an intervention has brought",
    EventType.MONITORING_UPDATE: "watched the agents at work",
    EventType.REMEDIATION_EXECUTED: "remedied an agent",
    EventType.VALIDATION_REVIEWED: "reviewed a task",
}


def activity(row: Activity) -> CardActivity:
    """Convert an activity. Its type is one of the document's six; the platform's own event name is `metadata.event`."""
    kind = EventType(row.type)
    changes = _changes(row)
    main_field = _main_change(changes)
    old, new = changes[main_field] if main_field else (None, None)
    metadata = _metadata(row)
    if len(changes) > 1:
        metadata["changes"] = {name: {"old": pair[0], "new": pair[1]} for name, pair in changes.items()}
    if row.subject_kind != Item.KIND:
        metadata["subjectId"] = row.subject_id
    return CardActivity(
        id=row.id,
        type=_activity_type(kind, changes),
        actor=who(row.actor),
        description=f"{row.actor['name']} {_description(kind, changes, row.data)}",
        fieldChanged=main_field,
        oldValue=old,
        newValue=new,
        metadata=metadata,
        createdAt=row.at,
    )


def _metadata(row: Activity) -> dict[str, Any]:
    """Return the data of an event as the rest of the contract shows the same values: prices in USD, durations in seconds."""
    shown: dict[str, Any] = {}
    data = places_of(row.changes, row.data) if row.subject_kind == Item.KIND else row.data
    for name, value in data.items():
        if value is None or name == _STARTED:
            continue
        if name.endswith("_micros"):
            shown[camel(name.removesuffix("_micros"))] = usd(int(value))
        elif name == "duration_ms":
            shown["duration"] = value / 1000
        elif name == "triggered_by":
            shown["triggeredBy"] = who(value).model_dump(exclude_none=True)
        elif name == "status" and row.subject_kind == Run.KIND:
            shown["status"] = public_status(value, started=_has_started(row))
        else:
            shown[_NAMES.get(name) or camel(name)] = value
    return shown | {"event": row.type}


_STARTED = "started"
_NAMES = {
    "item_id": "cardId",
    "to_item_id": "toCardId",
    "item_title": "cardTitle",
    "from_lane": "fromLaneId",
    "to_lane": "toLaneId",
}


def _has_started(row: Activity) -> bool:
    """Tell whether a run had begun to work when its event was recorded."""
    return bool(row.data.get(_STARTED, row.data.get("duration_ms") is not None))


def _changes(row: Activity) -> dict[str, list[Any]]:
    """Return the changes as this contract shows them. Statuses that it does not tell apart are no change."""
    changes = public_changes(row.changes)
    if row.subject_kind == Item.KIND or "status" not in changes:
        return changes
    started = _has_started(row)
    old, new = changes.pop("status")
    before = started and row.type != EventType.RUN_STARTED
    pair = [one and public_status(one, started=known) for one, known in ((old, before), (new, started))]
    return changes if pair[0] == pair[1] else {"status": pair} | changes


def _activity_type(kind: EventType, changes: Mapping[str, Any]) -> str:
    if kind.value.startswith("run."):
        return "agent_run"
    if kind is EventType.ITEM_UPDATED and "assignee" in changes:
        return "assigned"
    return _ACTIVITY_TYPES.get(kind, "updated")


def _main_change(changes: Mapping[str, Any]) -> str | None:
    """Return the field that a change is about: the lane of a move, the assignee, the status, or the only changed field."""
    for name in ("laneId", "assignee", "status"):
        if name in changes:
            return name
    return next(iter(changes)) if len(changes) == 1 else None


def _describe_field(changes: Mapping[str, Any]) -> str | None:
    """Describe the change of a single field that users do not edit directly; None for other fields."""
    if len(changes) != 1:
        return None
    ((name, pair),) = changes.items()
    old: Any
    new: Any
    old, new = pair
    if name == "archivedAt":
        return "archived the card" if new else "restored the card"
    if name == "loggedHours":
        return f"logged {new - old:g} h" if new > old else f"took back {old - new:g} h"
    if name in _LISTED_FIELDS:
        what, title = _LISTED_FIELDS[name]
        return f"added {what} {new[title]}" if new else f"removed {what} {old[title]}"
    return None


_LISTED_FIELDS = {"externalLinks": ("the link", "title"), "attachments": ("the attachment", "filename")}


def _description(kind: EventType, changes: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    if kind in _DESCRIPTIONS:
        return _DESCRIPTIONS[kind]
    if kind is EventType.RUN_ANSWERED:
        return f"{data['answer']} a run of {data['agent_name']}"
    if kind is EventType.RUN_WAITING:
        return f"lets a run of {data['agent_name']} wait: {data['reason']}"
    if kind is EventType.ITEM_UPDATED and "assignee" in changes:
        person = changes["assignee"][1]
        return f"assigned the card to {person['name']}" if person else "unassigned the card"
    if kind is EventType.ITEM_UPDATED and (description := _describe_field(changes)):
        return description
    if kind is EventType.ITEM_UPDATED and changes:
        return f"changed {', '.join(changes)}"
    return kind.value.replace(".", " ").replace("_", " ")
