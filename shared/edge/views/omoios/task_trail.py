"""omoios, section 5: what a change of a task is called in the audit trail, by what was changed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from shared.work.activities.rows import Activity
from shared.work.tasks.changing import CANCELLED, LOST, TIMED_OUT


class Kind(NamedTuple):
    """The type under which an event stands in the trail, and what it says of who did it."""

    type: str
    sentence: str


CHANGED: Final = Kind("task_updated", "changed a task")
CLAIMED: Final = Kind("task_claimed", "claimed a task")
TAKEN_OVER: Final = Kind("task_taken_over", "took over a task whose agent was lost")
HANDED_OVER: Final = Kind("task_handed_over", "handed a task over")
RELEASED: Final = Kind("task_released", "gave a task back")
RETRIED: Final = Kind("task_attempt_failed", "failed at a task, which is tried again")
TIMED: Final = Kind("task_timed_out", "found that the time of a task was up")
REOPENED: Final = Kind("task_reopened", "opened a task again")
ENDED: Final = Kind("task_cancelled", "cancelled a task")
BY_STATUS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "running": Kind("task_started", "began a task"),
        "under_review": Kind("task_submitted", "submitted a task for review"),
        "validating": Kind("task_validation_started", "began to review a task"),
        "needs_work": Kind("task_needs_work", "sent a task back from its review"),
        "completed": Kind("task_completed", "completed a task"),
        "failed": Kind("task_failed", "ended a task as failed"),
        "cancelled": ENDED,
    }
)
BY_FIELD: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "deleted_at": Kind("task_deleted", "deleted a task with its ticket"),
        "depends_on": Kind("task_dependency_updated", "changed what a task depends on"),
        "timeout_seconds": Kind("task_timeout_set", "set how long a task may take"),
        "priority": Kind("task_priority_changed", "changed the priority of a task"),
    }
)
"""By the field that was changed, if the status was not; the first of them counts."""
ARCHIVED: Final = Kind("task_archived", "archived a task with its ticket")
RESTORED: Final = Kind("task_restored", "restored a task with its ticket")
WAITS: Final = Kind("task_waiting", "noted that a task waits for others")
READY: Final = Kind("task_ready", "noted that a task can begin")
TASK_KINDS: Final = (
    *(CLAIMED, TAKEN_OVER, HANDED_OVER, RELEASED, RETRIED, TIMED, REOPENED, ARCHIVED, RESTORED, WAITS, READY),
    *BY_STATUS.values(),
    *BY_FIELD.values(),
)
"""Beside CHANGED, which all other changes are."""


def kind_of_change(row: Activity) -> Kind:
    """Return what happened to a task."""
    changes, cause = row.changes, row.data.get("cause")
    if "status" in changes:
        before, status = changes["status"]
        return _of_status(before, status, changes, cause)
    if "agent" in changes:
        return TAKEN_OVER if cause in (LOST, TIMED_OUT) else HANDED_OVER
    for field, when, otherwise in (("archived_at", ARCHIVED, RESTORED), ("waiting", WAITS, READY)):
        if field in changes:
            return when if changes[field][1] else otherwise
    return next((kind for field, kind in BY_FIELD.items() if field in changes), CHANGED)


def _of_status(before: str, status: str, changes: Mapping[str, Sequence[Any]], cause: str | None) -> Kind:
    if status == "assigned":
        return TAKEN_OVER if cause in (LOST, TIMED_OUT) else CLAIMED if before == "pending" else HANDED_OVER
    if cause == TIMED_OUT:
        return TIMED
    if cause == CANCELLED:
        return ENDED
    if status == "pending":
        if before in ("completed", "failed", "cancelled"):
            return REOPENED
        old, new = changes.get("retry_count", (0, 0))
        return RETRIED if new > old else RELEASED
    return BY_STATUS[status]
