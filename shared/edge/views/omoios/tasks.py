"""omoios: tasks and discoveries as several areas show them."""

from typing import Any, Final

from shared.core.errors import FieldError, Invalid
from shared.edge.contracts.base import Shape
from shared.edge.views.omoios.tickets import upper
from shared.work.boards.lanes import COLUMN_BY_PHASE, canonical_phase
from shared.work.discoveries.rows import Discovery as DiscoveryRow
from shared.work.tasks.rows import Task as TaskRow
from shared.work.tasks.rows import TaskHead
from shared.work.tasks.statuses import HELD

_IN_PROGRESS: Final = HELD - {"assigned"}
STORED: Final[dict[str, frozenset[str]]] = {
    "pending": frozenset({"pending"}),
    "assigned": frozenset({"assigned"}),
    "claiming": frozenset({"assigned"}),
    "in_progress": _IN_PROGRESS,
    "running": _IN_PROGRESS,
    "under_review": frozenset({"under_review"}),
    "validation_in_progress": frozenset({"validating"}),
    "needs_work": frozenset({"needs_work"}),
    "completed": frozenset({"completed"}),
    "done": frozenset({"completed"}),
    "failed": frozenset({"failed"}),
    "cancelled": frozenset({"cancelled"}),
}
"""The statuses that a filter may name, with those of rows: the document's, the original service's, and those of validation."""


def task_status(status: str) -> str:
    """Return a status as the document knows it: whatever happens between the beginning and the end is in_progress."""
    return "in_progress" if status in _IN_PROGRESS else status


def known_phase(phase: str | None) -> str | None:
    """Return a phase as we know it, by one of its names. Raises Invalid for a word that is none."""
    if phase is None:
        return None
    canonical = canonical_phase(phase)
    if canonical not in COLUMN_BY_PHASE:
        raise Invalid(FieldError("phase_id", f"There is no phase {phase}", phase))
    return canonical


class TaskDependencies(Shape):
    depends_on: list[str]


class Task(Shape):
    id: str
    ticket_id: str
    project_id: str
    phase_id: str
    task_type: str
    title: str
    description: str
    priority: str
    status: str
    is_blocked: bool
    """Whether it waits for a task that it depends on."""
    assigned_agent_id: str | None
    sandbox_id: str | None
    conversation_id: str | None
    discovery_id: str | None
    dependencies: TaskDependencies
    result: Any
    error_message: str | None
    timeout_seconds: int | None
    retry_count: int
    max_retries: int
    validation_enabled: bool
    """Whether only a review that passes completes it. A project can want that of all its tasks."""
    created_at: str
    updated_at: str
    started_at: str | None
    completed_at: str | None


def task_fields(row: TaskRow) -> dict[str, Any]:
    """Return the fields of a task. One that was made without a description has its title there."""
    same = ("id", "phase_id", "task_type", "title", "sandbox_id", "conversation_id", "discovery_id", "result", "error_message")
    times = ("created_at", "updated_at", "started_at", "completed_at")
    return {name: getattr(row, name) for name in (*same, *times)} | {
        "ticket_id": row.item_id,
        "project_id": str(row.proj_id),
        "description": row.description or row.title,
        "priority": upper(row.priority),
        "status": task_status(row.status),
        "is_blocked": bool(row.waiting),
        "assigned_agent_id": row.agent["id"] if row.agent else None,
        "dependencies": TaskDependencies(depends_on=row.depends_on or []),
        "timeout_seconds": None if row.timeout_seconds is None else int(row.timeout_seconds),
        "retry_count": int(row.retry_count),
        "max_retries": int(row.max_retries),
        "validation_enabled": row.validation is not None,
    }


def task(row: TaskRow) -> Task:
    return Task(**task_fields(row))


class ClaimedTask(Task):
    """A task with the fence that its holder gives with each change, and the time until which nobody else may claim it."""

    fence: int
    lease_until: str | None


def claimed_task(row: TaskRow) -> ClaimedTask:
    return ClaimedTask(**task_fields(row), fence=int(row.fence), lease_until=row.lease_until)


class TaskSummary(Shape):
    id: str
    description: str
    status: str
    priority: str
    phase_id: str


def task_summary(row: TaskHead) -> TaskSummary:
    """Show a task of which only the first row was read."""
    return TaskSummary(
        id=row.id, description=row.title, status=task_status(row.status), priority=upper(row.priority), phase_id=row.phase_id
    )


class Discovery(Shape):
    id: str
    type: str
    description: str
    priority: str
    discovered_at: str
    task_id: str | None
    ticket_id: str
    agent_id: str
    spawned_task_ids: list[str]
    resolution_status: str


def discovery(row: DiscoveryRow) -> Discovery:
    return Discovery(
        id=row.id,
        type=row.type,
        description=row.description,
        priority=upper(row.priority),
        discovered_at=row.created_at,
        task_id=row.task_id,
        ticket_id=row.item_id,
        agent_id=row.agent["id"],
        spawned_task_ids=row.spawned_task_ids or [],
        resolution_status=row.status,
    )
