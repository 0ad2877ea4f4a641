"""agentworks, section 9.2: the workspace's events. `CardMovedEvent`, `AgentRunStartedEvent` and `UsageThresholdEvent` are the document's;
the others it only names.

Each message carries the event's id beside `type` and `data`: a delivery may repeat.
"""

from typing import Any

from shared.core.money import usd
from shared.edge.contracts.agentworks import UserSummary, user_summary
from shared.edge.contracts.base import Shape
from shared.edge.views.agentworks.changes import shown_changes
from shared.events import EventType
from shared.events.change import Change
from shared.people.tenancy.rows import WorkspaceMembership
from shared.runs.agent_runs.rows import Run
from shared.work.items.dependencies import Dependency
from shared.work.items.rows import Item


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
    """`changes` names the card's fields; what else happened to a card is told as one: `dependencies`, `deletedAt`."""

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


class AgentRunStartedEvent(Shape):
    runId: str
    cardId: str
    agentId: str
    agentName: str
    triggeredBy: UserSummary
    timestamp: str


class AgentRunWaitingEvent(Shape):
    """An addition: a run needs an answer (`waitingFor`: approval or budget) before `expiresAt`. `estimatedCost` is in USD."""

    runId: str
    cardId: str
    agentId: str
    agentName: str
    waitingFor: str
    reason: str
    estimatedCost: float | None = None
    expiresAt: str | None = None
    triggeredBy: UserSummary
    timestamp: str


class AgentRunAnsweredEvent(Shape):
    """An addition: `answer` is approved or rejected."""

    runId: str
    cardId: str
    agentId: str
    agentName: str
    waitedFor: str
    answer: str
    answeredBy: UserSummary
    timestamp: str


class AgentRunCompletedEvent(Shape):
    """Of every end: `status` is completed, failed or cancelled. `duration` is in seconds, `cost` in USD."""

    runId: str
    cardId: str
    agentId: str
    agentName: str
    status: str
    duration: float | None = None
    cost: float
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


_CARD = frozenset({EventType.ITEM_UPDATED, EventType.ITEM_BLOCKED, EventType.ITEM_UNBLOCKED, EventType.ITEM_DELETED})
_DEPENDENCY = frozenset({EventType.DEPENDENCY_ADDED, EventType.DEPENDENCY_REMOVED})
_RUN_ENDED = frozenset({EventType.RUN_COMPLETED, EventType.RUN_FAILED, EventType.RUN_CANCELLED})


def messages(change: Change) -> list[dict[str, Any]]:
    """What the workspace's socket shows of a change: one message, or none."""
    found = _shown(change)
    if found is None:
        return []
    name, data = found
    return [{"type": name, "eventId": change.event.id, "data": data.model_dump(exclude_none=True)}]


def _shown(change: Change) -> tuple[str, Shape] | None:
    kind = change.event.type
    if kind is EventType.ITEM_CREATED:
        return "card_created", _created(change)
    if kind is EventType.ITEM_MOVED:
        return "card_moved", _moved(change)
    if kind in _CARD:
        return "card_updated", _updated(change)
    if kind in _DEPENDENCY and change.kind == Dependency.KIND:
        return "card_updated", _linked(change)
    if kind is EventType.RUN_STARTED:
        return "agent_run_started", _run_started(change)
    if kind is EventType.RUN_WAITING:
        return "agent_run_waiting", _run_waiting(change)
    if kind is EventType.RUN_ANSWERED:
        return "agent_run_answered", _run_answered(change)
    if kind in _RUN_ENDED:
        return "agent_run_completed", _run_ended(change)
    if kind is EventType.MEMBER_JOINED and change.kind == WorkspaceMembership.KIND:
        return "member_joined", _joined(change)
    if kind is EventType.USAGE_THRESHOLD:
        return "usage_threshold", _threshold(change)
    return None


def _created(change: Change) -> CardCreatedEvent:
    item = change.after(Item)
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
    item = change.after(Item)
    changes = {name: FieldChange(old=old, new=new) for name, (old, new) in shown_changes(change.event.changes).items()}
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
    item = change.after(Item)
    before = change.before(Item)
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


def _linked(change: Change) -> CardUpdatedEvent:
    made = change.after(Dependency)
    link = {"id": made.id, "dependencyId": made.dependency_id, "type": made.type}
    added = change.event.type is EventType.DEPENDENCY_ADDED
    return CardUpdatedEvent(
        cardId=made.item_id,
        projectId=str(made.proj_id),
        boardId=made.board_id,
        changes={"dependencies": FieldChange(new=link) if added else FieldChange(old=link)},
        updatedBy=_who(change),
        timestamp=change.event.at,
    )


def _run_started(change: Change) -> AgentRunStartedEvent:
    run = change.after(Run)
    return AgentRunStartedEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        triggeredBy=user_summary(run.triggered_by),
        timestamp=change.event.at,
    )


def _run_waiting(change: Change) -> AgentRunWaitingEvent:
    run, data = change.after(Run), change.event.data
    price = data.get("estimated_price_micros")
    return AgentRunWaitingEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        waitingFor=data["waiting_for"],
        reason=data["reason"],
        estimatedCost=None if price is None else usd(int(price)),
        expiresAt=data.get("expires_at"),
        triggeredBy=user_summary(run.triggered_by),
        timestamp=change.event.at,
    )


def _run_answered(change: Change) -> AgentRunAnsweredEvent:
    run, data = change.after(Run), change.event.data
    return AgentRunAnsweredEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        waitedFor=data["waited_for"],
        answer=data["answer"],
        answeredBy=_who(change),
        timestamp=change.event.at,
    )


def _run_ended(change: Change) -> AgentRunCompletedEvent:
    run = change.after(Run)
    return AgentRunCompletedEvent(
        runId=run.id,
        cardId=run.item_id,
        agentId=run.agent_id,
        agentName=_agent_name(run),
        status=run.status,
        duration=None if run.duration_ms is None else run.duration_ms / 1000,
        cost=usd(int(run.customer_price_micros)),
        timestamp=change.event.at,
    )


def _joined(change: Change) -> MemberJoinedEvent:
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


def _agent_name(run: Run) -> str:
    name: str = run.agent.get("display_name") or run.agent["name"]
    return name


def _who(change: Change) -> UserSummary:
    return user_summary(change.event.actor)
