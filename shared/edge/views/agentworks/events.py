"""agentworks, section 9.2: the events of a workspace. The document defines `CardMovedEvent`, `AgentRunStartedEvent` and
`UsageThresholdEvent`; it only names the others.

Each message has the event's id beside `type` and `data`, because a delivery may be repeated.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from shared.channels.sockets.frames import Frame, compact
from shared.core.money import usd
from shared.edge.contracts.agentworks import UserSummary, user_summary
from shared.edge.contracts.base import Shape
from shared.edge.views.agentworks.changes import public_changes
from shared.edge.views.agentworks.run_events import run_answered, run_ended, run_started, run_waiting
from shared.edge.views.rendering import Renderer, Table, not_shown
from shared.events import EventType
from shared.events.change import Change
from shared.people.tenancy.rows import WorkspaceMembership
from shared.work.items.dependencies import Dependency
from shared.work.items.rows import ItemHead


class FieldChange(Shape):
    old: Any = None
    new: Any = None


class CardCreatedEvent(Shape):
    cardId: str
    projectId: str
    boardId: str
    laneId: str
    title: str
    type: str
    createdBy: UserSummary
    timestamp: str


class CardUpdatedEvent(Shape):
    """`changes` names the card's fields; other changes are shown in the same way: `dependencies`, `deletedAt`."""

    cardId: str
    projectId: str
    boardId: str
    changes: dict[str, FieldChange]
    updatedBy: UserSummary
    timestamp: str


class CardMovedEvent(Shape):
    cardId: str
    projectId: str
    boardId: str
    fromLaneId: str
    toLaneId: str
    movedBy: UserSummary
    timestamp: str


class MemberJoinedEvent(Shape):
    workspaceId: str
    member: UserSummary
    role: str
    timestamp: str


class UsageThresholdEvent(Shape):
    """Usage and limit are in USD."""

    workspaceId: str
    thresholdPercentage: float
    currentUsage: float
    usageLimit: float
    timestamp: str


def _created(change: Change) -> CardCreatedEvent:
    item = change.after(ItemHead)
    return CardCreatedEvent(
        cardId=item.id,
        projectId=str(item.proj_id),
        boardId=item.board_id,
        laneId=item.lane_id,
        title=item.title,
        type=item.type,
        createdBy=_who(change),
        timestamp=change.event.at,
    )


def _updated(change: Change) -> CardUpdatedEvent:
    item = change.after(ItemHead)
    changes = {name: FieldChange(old=old, new=new) for name, (old, new) in public_changes(change.event.changes).items()}
    if change.event.type is EventType.ITEM_DELETED:
        changes["deletedAt"] = FieldChange(new=item.deleted_at or change.event.at)
    return CardUpdatedEvent(
        cardId=item.id,
        projectId=str(item.proj_id),
        boardId=item.board_id,
        changes=changes,
        updatedBy=_who(change),
        timestamp=change.event.at,
    )


def _moved(change: Change) -> CardMovedEvent:
    item = change.after(ItemHead)
    before = change.before(ItemHead)
    from_lane, to_lane = change.event.changes.get("lane_id", [before.lane_id if before else item.lane_id, item.lane_id])
    return CardMovedEvent(
        cardId=item.id,
        projectId=str(item.proj_id),
        boardId=item.board_id,
        fromLaneId=from_lane,
        toLaneId=to_lane,
        movedBy=_who(change),
        timestamp=change.event.at,
    )


def _linked(change: Change) -> CardUpdatedEvent | None:
    if change.kind != Dependency.KIND:
        return None
    dependency = change.after(Dependency)
    link = {"id": dependency.id, "dependencyId": dependency.dependency_id, "type": dependency.type}
    added = change.event.type is EventType.DEPENDENCY_ADDED
    return CardUpdatedEvent(
        cardId=dependency.item_id,
        projectId=str(dependency.proj_id),
        boardId=dependency.board_id,
        changes={"dependencies": FieldChange(new=link) if added else FieldChange(old=link)},
        updatedBy=_who(change),
        timestamp=change.event.at,
    )


def _joined(change: Change) -> MemberJoinedEvent | None:
    if change.kind != WorkspaceMembership.KIND:
        return None
    membership = change.after(WorkspaceMembership)
    return MemberJoinedEvent(
        workspaceId=str(membership.ws_id),
        member=user_summary(membership.user),
        role=membership.role,
        timestamp=change.event.at,
    )


def _threshold(change: Change) -> UsageThresholdEvent:
    data = change.event.data
    return UsageThresholdEvent(
        workspaceId=data.get("workspace_id") or str(change.ws_id),
        thresholdPercentage=data["threshold_percentage"],
        currentUsage=usd(int(data["current_micros"])),
        usageLimit=usd(int(data["limit_micros"])),
        timestamp=change.event.at,
    )


def _who(change: Change) -> UserSummary:
    return user_summary(change.event.actor)


def _event(name: str, build: Callable[[Change], Shape | None]) -> Renderer:
    """Return a renderer of the event `name` with the data that `build` returns; no message if it returns None."""

    def render(change: Change) -> Iterator[Frame]:
        data = build(change)
        if data is not None:
            message = {"type": name, "eventId": change.event.id, "data": data.model_dump(exclude_none=True)}
            yield Frame(compact(message), costs=isinstance(data, UsageThresholdEvent))

    return render


WORKSPACE_EVENTS: Final[Table] = {
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
    EventType.MEMBER_JOINED: _event("member_joined", _joined),
    EventType.MEMBER_UPDATED: not_shown,
    EventType.MEMBER_REMOVED: not_shown,
    EventType.PROJECT_CREATED: not_shown,
    EventType.PROJECT_UPDATED: not_shown,
    EventType.PROJECT_ARCHIVED: not_shown,
    EventType.PROJECT_RESTORED: not_shown,
    EventType.BOARD_UPDATED: not_shown,
    EventType.LANE_UPDATED: not_shown,
    EventType.WIP_EXCEEDED: not_shown,
    EventType.ITEM_CREATED: _event("card_created", _created),
    EventType.ITEM_UPDATED: _event("card_updated", _updated),
    EventType.ITEM_MOVED: _event("card_moved", _moved),
    EventType.ITEM_BLOCKED: _event("card_updated", _updated),
    EventType.ITEM_UNBLOCKED: _event("card_updated", _updated),
    EventType.ITEM_DELETED: _event("card_updated", _updated),
    EventType.COMMENT_CREATED: not_shown,
    EventType.COMMENT_UPDATED: not_shown,
    EventType.COMMENT_DELETED: not_shown,
    EventType.DEPENDENCY_ADDED: _event("card_updated", _linked),
    EventType.DEPENDENCY_REMOVED: _event("card_updated", _linked),
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
    EventType.TASK_CREATED: not_shown,
    EventType.TASK_UPDATED: not_shown,
    EventType.DOCUMENT_CREATED: not_shown,
    EventType.DOCUMENT_UPDATED: not_shown,
    EventType.DOCUMENT_APPROVED: not_shown,
    EventType.DOCUMENT_REJECTED: not_shown,
    EventType.DOCUMENT_PUBLISHED: not_shown,
    EventType.EXPLORATION_STARTED: not_shown,
    EventType.QUESTION_ANSWERED: not_shown,
    EventType.PROJECT_INITIALIZED: not_shown,
    EventType.SPEC_GENERATED: not_shown,
    EventType.SPEC_UPDATED: not_shown,
    EventType.MEMORY_STORED: not_shown,
    EventType.PATTERN_EXTRACTED: not_shown,
    EventType.PATTERN_JUDGED: not_shown,
    EventType.QUALITY_MEASURED: not_shown,
    EventType.QUALITY_GATE_SET: not_shown,
    EventType.DISCOVERY_MADE: not_shown,
    EventType.REPOSITORY_CONNECTED: not_shown,
    EventType.REPOSITORY_UPDATED: not_shown,
    EventType.REPOSITORY_DISCONNECTED: not_shown,
    EventType.COMMIT_PUSHED: not_shown,
    EventType.COMMIT_LINKED: not_shown,
    EventType.COMMIT_COMMENTED: not_shown,
    EventType.ISSUE_CREATED: not_shown,
    EventType.PULL_REQUEST_OPENED: not_shown,
    EventType.PULL_REQUEST_MERGED: not_shown,
    EventType.DISCOVERY_UPDATED: not_shown,
    EventType.AGENT_CONFIGURED: not_shown,
    EventType.LIVE_AGENT_REGISTERED: not_shown,
    EventType.LIVE_AGENT_UPDATED: not_shown,
    EventType.LIVE_AGENT_STATUS: not_shown,
    EventType.THREAD_CREATED: not_shown,
    EventType.THREAD_CLOSED: not_shown,
    EventType.MESSAGE_SENT: not_shown,
    EventType.ALERT_TRIGGERED: not_shown,
    EventType.ALERT_UPDATED: not_shown,
    EventType.ALERT_RULE_UPDATED: not_shown,
    EventType.RUN_REQUESTED: not_shown,
    EventType.RUN_STARTED: _event("agent_run_started", run_started),
    EventType.RUN_WAITING: _event("agent_run_waiting", run_waiting),
    EventType.RUN_ANSWERED: _event("agent_run_answered", run_answered),
    EventType.RUN_RESUMED: not_shown,
    EventType.RUN_COMPLETED: _event("agent_run_completed", run_ended),
    EventType.RUN_FAILED: _event("agent_run_completed", run_ended),
    EventType.RUN_CANCELLED: _event("agent_run_completed", run_ended),
    EventType.STEERING_ISSUED: not_shown,
    EventType.GUARDIAN_INTERVENTION: not_shown,
    EventType.INTERVENTION_REVERTED: not_shown,
    EventType.INTERVENTION_SCORED: not_shown,
    EventType.MONITORING_UPDATE: not_shown,
    EventType.REMEDIATION_EXECUTED: not_shown,
    EventType.VALIDATION_REVIEWED: not_shown,
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
    EventType.USAGE_THRESHOLD: _event("usage_threshold", _threshold),
    EventType.BUDGET_SET: not_shown,
    EventType.BUDGET_WARNING: not_shown,
    EventType.BUDGET_EXCEEDED: not_shown,
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
