"""enterprise: requirements, features and test results, and the events of features and tests under the document's names."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from shared.edge.contracts.base import Shape
from shared.events import EventType
from shared.events.change import Change
from shared.store import fetch
from shared.work.items.planning import FEATURE, requirement_of
from shared.work.items.rows import Item, ItemHead
from shared.work.testing.rows import TestResult as TestResultRow
from shared.work.testing.rows import TestResultHead

Named = tuple[str, Callable[[], dict[str, Any]]]
"""The name of an event, and what reads its `data`: asked only if somebody wants the event."""
FeatureStatus = Literal["not_started", "in_progress", "completed", "blocked"]
RequirementStatus = Literal["draft", "approved", "in_progress", "completed", "blocked"]
ResultStatus = Literal["passed", "failed", "skipped", "error"]

FEATURE_STATUSES: Final[dict[str, FeatureStatus]] = {
    "draft": "not_started",
    "ready": "not_started",
    "in_progress": "in_progress",
    "blocked": "blocked",
    "done": "completed",
}
CARD_STATUSES: Final[dict[FeatureStatus, str]] = {
    "not_started": "open",
    "in_progress": "in_progress",
    "completed": "done",
    "blocked": "blocked",
}
"""The statuses of a feature in the words of `planning.set_feature_status`."""
REQUIREMENT_STATUSES: Final[dict[str, RequirementStatus]] = {
    "draft": "draft",
    "ready": "approved",
    "in_progress": "in_progress",
    "blocked": "blocked",
    "done": "completed",
}


_IN_STREAM: Final = ("title", "status", "parent_id", "assignee_id", "blocked_reason", "updated_at")
"""What the first row of a card says of a feature."""
_FLAKINESS = (
    "How often the outcome changed from one result to the next, among the last fifty that passed or failed; null below two"
)
Flakiness = Annotated[float | None, Field(description=_FLAKINESS)]


class UserStory(Shape):
    title: str
    description: str
    acceptance_criteria: list[str]


class Requirement(Shape):
    id: str
    project_id: str
    title: str
    description: str
    user_stories: list[UserStory]
    acceptance_criteria: list[str]
    priority: str
    status: RequirementStatus
    estimated_effort_points: int | None
    tags: list[str]
    created_by: str
    created_at: str
    updated_at: str


class Feature(Shape):
    id: str
    project_id: str
    requirement_id: str | None
    name: str
    description: str
    implementation_status: FeatureStatus
    implementation_notes: str | None
    complexity_points: int | None
    developer_id: str | None
    blocked_reason: str | None
    created_at: str
    updated_at: str


class TestResult(Shape):
    id: str
    test_case_id: str
    feature_id: str
    status: ResultStatus
    duration_ms: int | None
    error_message: str | None
    assertions_run: int | None
    assertions_passed: int | None
    assertions_failed: int | None
    code_coverage_percent: float | None
    flakiness_percent: Flakiness
    executed_at: str
    created_at: str


class TestResultWithLogs(TestResult):
    logs: list[dict[str, Any]]


def requirement(item: Item) -> Requirement:
    return Requirement(
        id=item.id,
        project_id=str(item.proj_id),
        title=item.title,
        description=item.description or "",
        user_stories=item.user_stories or [],
        acceptance_criteria=item.acceptance_criteria,
        priority=item.priority,
        status=REQUIREMENT_STATUSES[item.status],
        estimated_effort_points=item.effort_points,
        tags=item.labels,
        created_by=item.created_by["id"],
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def feature(item: Item, requirement_id: str | None) -> Feature:
    return Feature(
        id=item.id,
        project_id=str(item.proj_id),
        requirement_id=requirement_id,
        name=item.title,
        description=item.description or "",
        implementation_status=FEATURE_STATUSES[item.status],
        implementation_notes=item.implementation_notes,
        complexity_points=item.complexity_points,
        developer_id=item.assignee_id,
        blocked_reason=item.blocked_reason if item.is_blocked else None,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def _result_fields(row: TestResultHead) -> dict[str, Any]:
    return {
        "id": row.id,
        "test_case_id": row.case_id,
        "feature_id": row.item_id,
        "status": row.status,
        "duration_ms": row.duration_ms,
        "error_message": row.error_message,
        "assertions_run": row.assertions_run,
        "assertions_passed": row.assertions_passed,
        "assertions_failed": row.assertions_failed,
        "code_coverage_percent": row.coverage,
        "flakiness_percent": row.flakiness,
        "executed_at": row.created_at,
        "created_at": row.created_at,
    }


def test_result(row: TestResultHead) -> TestResult:
    return TestResult(**_result_fields(row))


def test_result_with_logs(row: TestResultRow) -> TestResultWithLogs:
    return TestResultWithLogs(**_result_fields(row), logs=row.logs or [])


def feature_created(change: Change) -> Named | None:
    return ("feature.created", lambda: {"feature": _shown(change)}) if change.after(ItemHead).type == FEATURE else None


def feature_changed(change: Change) -> Named | None:
    """Return the change of a feature's status, whichever contract made it; None for a change that keeps the status. A card that becomes a
    feature is a new one."""
    before, after = change.before(ItemHead), change.after(ItemHead)
    if before is not None and before.type != FEATURE:
        return feature_created(change)
    if after.type != FEATURE or before is None or FEATURE_STATUSES[before.status] == FEATURE_STATUSES[after.status]:
        return None
    statuses = {"previous_status": FEATURE_STATUSES[before.status], "current_status": FEATURE_STATUSES[after.status]}
    return "feature.status_changed", lambda: {"feature": _shown(change) | statuses}


def test_completed(change: Change) -> Named | None:
    return "test.completed", lambda: {"test_result": test_result(change.after(TestResultHead)).model_dump()}


PLANNING_EVENTS: Final[dict[EventType, Callable[[Change], Named | None]]] = {
    EventType.ITEM_CREATED: feature_created,
    EventType.ITEM_UPDATED: feature_changed,
    EventType.ITEM_MOVED: feature_changed,
    EventType.ITEM_BLOCKED: feature_changed,
    EventType.ITEM_UNBLOCKED: feature_changed,
    EventType.TEST_RECORDED: test_completed,
}
"""What the document calls the events of features and tests, with its payloads. An event that is not here, or gives None, is none."""


def _shown(change: Change) -> dict[str, Any]:
    """Return a feature as the change left it; its long fields, which the stream does not have, are as they are now."""
    item, left = fetch(Item, change.id), change.after(Item)
    if item is None:  # it has gone with its workspace
        item = left
        item.created_at = item.created_at or change.event.at
    for name in _IN_STREAM:
        setattr(item, name, getattr(left, name))
    return feature(item, requirement_of(item)).model_dump()
