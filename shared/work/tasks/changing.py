"""How a task is changed: every change is counted, and refused where its card or its project may not be changed."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.store import Operation, fetch, fetch_all, load, relabel, update_with_retry
from shared.work.projects.rows import Project
from shared.work.quality_gates.holding import Subject, require_gates
from shared.work.tasks.creating import task_conditions
from shared.work.tasks.rows import Task, TaskHead, tasks_of
from shared.work.tasks.statuses import ENDED, HELD, REVIEWED, TRANSITIONS

LOST, TIMED_OUT, CANCELLED = "lost", "timed_out", "cancelled"
"""Causes of a change: the holder was not heard from, its time was up, somebody ended the task."""
_EXCERPT: Final = 200  # characters of a description that an event has
Change = Callable[[Task], Sequence[Operation] | None]
"""Changes a task in place and records its event. Returns what is written with it; None if there is nothing to write."""


class TaskStatus(Conflict):
    """The status of the task, or who holds it, does not allow this."""

    def __init__(self, reason: str, **details: Any) -> None:
        super().__init__(Situation.TASK_STATUS, reason, details or None)


def change_task(actor: Actor, task_id: str, change: Change, *, first: Task | None = None) -> Task:
    """Load, change and write a task; both again if another writer was faster. One read, one transaction; one more read for a task that is
    completed: its quality gates.

    Raises NotFound, Forbidden, Conflict (CARD_ARCHIVED, PROJECT_ARCHIVED; TASK_STATUS: a quality gate holds it), and what `change` raises.
    """

    def apply(task: Task) -> Sequence[Operation]:
        refuse_archived(task)
        before, was = task.label, task.status
        further = change(task)
        if further is None:
            return ()
        passed = require_gates(subject_of(task)) if task.status == "completed" != was else ()
        counted = relabel(tasks_of(str(task.ws_id)), task.counted_in, before, task.label)
        return [*further, *counted, *task_conditions(task), *passed]

    return update_with_retry(lambda: load(Task, task_id, actor, Permission.CARD_EDIT), apply, first=first)


def subject_of(task: TaskHead) -> Subject:
    """Return a task as quality gates see it."""
    return Subject(task.id, task.item_id, str(task.proj_id), str(task.ws_id), task.phase_id, task.task_type)


def refuse_archived(task: TaskHead) -> None:
    if task.archived_at:
        raise Conflict(Situation.CARD_ARCHIVED, Wording("The {card} of this task is archived; restore it to change the task"))


def set_status(task: Task, status: str, actor: Actor, *, cause: str | None = None, **also: Any) -> None:
    """Set the status, with all that follows from it, and these attributes; record the event, with its cause if the status alone does not
    say it. The caller knows that it is allowed.

    Raises TaskStatus for a task that is completed before it has passed its review.
    """
    if status == "completed" and requires_review(task):
        raise TaskStatus(f"This task is validated (iteration {task.iteration}): only a review that passes completes it")
    if status == "under_review" and task.status not in {"under_review", "validating"}:
        task.submit()
    was = task.status
    begins = status == "running" and (was in {"pending", "assigned"} or not task.started_at)
    before = {"status": was} | {name: getattr(task, name) for name in also}
    if status not in HELD:
        task.lease_until = task.deadline = None
    if status == "pending" and task.status in ENDED and task.validation is not None:
        task.validation = task.validation | {"passed": False, "failures": 0, "asked": False}  # whoever opens it again begins anew
    if status == "pending":
        task.agent = task.started_at = task.completed_at = task.work_run_id = None
    elif begins:
        task.started_at = clock.iso()
    elif status in ENDED:
        task.completed_at = clock.iso()
    task.status = status
    if begins or {was, status} & REVIEWED:  # while it is reviewed its time stands still
        task.deadline = deadline_of(task)
    for name, value in also.items():
        setattr(task, name, value)
    changes = {name: [old, getattr(task, name)] for name, old in before.items() if old != getattr(task, name)}
    record_update(task, actor, changes, cause)


def finish(task: Task, actor: Actor, result: Any) -> None:
    """Complete a task with its result; one that needs a review is submitted for it."""
    if task.status not in REVIEWED and requires_review(task):
        task.validation = task.validation or {"enabled": True}
        set_status(task, "under_review", actor, result=result, error_message=None)
    else:
        set_status(task, "completed", actor, result=result, error_message=None)


def requires_review(task: TaskHead) -> bool:
    """Tell whether a task can be completed only by a review that passes: it is under validation, or its project wants that of every task.

    One read of the project for a task of which nothing is said.
    """
    if task.validation is not None:
        return task.needs_review
    project = fetch(Project, str(task.proj_id))
    return project is not None and project.validates


def record_update(task: Task, actor: Actor, changes: dict[str, list[Any]], cause: str | None = None) -> None:
    """Record that a task was changed: of a description the beginning; no result, which the row has, and no lease, which is renewed."""
    shown = {name: pair for name, pair in changes.items() if name not in {"result", "lease_until"}}
    if "description" in shown:
        shown["description"] = [(text or "")[:_EXCERPT] for text in shown["description"]]
    about = {"title": task.title, "card_id": task.item_id, "phase_id": task.phase_id, "cause": cause}
    record(task, EventType.TASK_UPDATED, actor, changes=shown, **about)


def deadline_of(task: TaskHead) -> str | None:
    """Return when an attempt has taken too long that began at `started_at`, or as a review sent it back; None without a timeout, and if
    nobody works on the task: in a review neither."""
    if task.timeout_seconds is None or task.started_at is None or task.status not in HELD - REVIEWED:
        return None
    begun = max(task.started_at, (task.validation or {}).get("failed_at") or "")
    return clock.iso(clock.from_epoch(clock.parse(begun).timestamp() + int(task.timeout_seconds)))


def require_transition(task: TaskHead, status: str) -> None:
    """Raise TaskStatus unless a task may go from its status to this one."""
    allowed = TRANSITIONS[task.status]
    if status not in allowed:
        words = ", ".join(sorted(allowed)) or "nothing else"
        raise TaskStatus(f"A task that is {task.status} cannot become {status}, but {words}", status=task.status)


def open_dependencies(task: TaskHead) -> list[TaskHead]:
    """Return the tasks that must be completed before this one can begin. One round trip, none if it depends on nothing."""
    if not task.depends_on:
        return []
    return [one for one in fetch_all(TaskHead, task.depends_on) if one.is_open]


def require_ready(task: Task) -> None:
    """Raise TaskStatus while a task waits for others. What was completed a moment ago counts: that the last one was is noted later."""
    if not task.waiting:
        return
    waits_for = open_dependencies(task)
    if waits_for:
        titles = ", ".join(one.title for one in waits_for[:3])
        raise TaskStatus(
            Wording(f"This task waits for {len(waits_for)} other{'s' if len(waits_for) > 1 else ''}: {{titles}}", titles=titles),
            depends_on=[one.id for one in waits_for],
        )
    task.waiting = False
