"""Changing a task by hand, and cancelling one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound
from shared.events import name_agent
from shared.store import Operation, load
from shared.work.quality_gates.holding import require_gates
from shared.work.tasks.changing import (
    CANCELLED,
    TaskStatus,
    change_task,
    finish,
    record_update,
    require_ready,
    require_transition,
    set_status,
    subject_of,
)
from shared.work.tasks.claiming import fail_attempt, require_fence
from shared.work.tasks.creating import title_of
from shared.work.tasks.rows import Task
from shared.work.tasks.statuses import REVIEWED


@dataclass(frozen=True)
class TaskChanges:
    """What is to be changed of a task; None: it stays. `fence`: only for who holds the task under it."""

    title: str | None = None
    description: str | None = None
    priority: str | None = None
    phase_id: str | None = None
    status: str | None = None
    result: Any = None
    error_message: str | None = None
    validated: bool | None = None
    """Whether only a review that passes completes it. Who may approve runs may say that none is needed any more."""
    fence: int | None = None


def get_task(actor: Actor, task_id: str) -> Task:
    """Return a task. One round trip. Raises NotFound, Forbidden."""
    return load(Task, task_id, actor, Permission.CARD_READ)


def update_task(actor: Actor, task_id: str, changes: TaskChanges) -> Task:
    """Change a task. One read and one transaction; one more read if it begins and depends on others, or gets another phase after somebody
    has worked on it.

    A holder that reports a failure under its fence fails an attempt, which is repeated while there are any; a person who sets `failed` ends
    the task. Raises NotFound, Forbidden, Conflict: TASK_STATUS (also while a quality gate holds it in its phase), CARD_ARCHIVED,
    PROJECT_ARCHIVED.
    """

    def change(task: Task) -> list[Operation] | None:
        if changes.fence is not None:
            require_fence(task, changes.fence)
        holder = task.agent if changes.fence is not None else None
        wanted = {name: getattr(changes, name) for name in ("title", "description", "priority", "phase_id", "result")}
        values = {name: value for name, value in wanted.items() if value is not None and value != getattr(task, name)}
        if "description" in values and changes.title is None and task.title == title_of(task.description or ""):
            values["title"] = title_of(values["description"])
        if "result" in values and (task.status in REVIEWED or (task.validation or {}).get("passed")):
            raise TaskStatus("The result of this task is or was reviewed: it stays as it is", status=task.status)
        passed: Sequence[Operation] = ()
        if "phase_id" in values and (task.fence or changes.status == "completed"):
            passed = require_gates(subject_of(task))  # else who works on a task moves it to where nothing is asked
        enabled = _set_validated(task, actor, changes.validated)
        if changes.error_message is not None and changes.status != "failed":
            values["error_message"] = changes.error_message
        if changes.status is not None and changes.status != task.status:
            _change_status(task, actor, changes, values)
        elif values or enabled:
            before = {name: getattr(task, name) for name in values}
            for name, value in values.items():
                setattr(task, name, value)
            record_update(task, actor, {name: [before[name], value] for name, value in values.items()} | enabled)
        else:
            return None
        if holder:
            name_agent(task, holder)
        return [] if task.status == "completed" else [*passed]  # whose end has the same condition

    return change_task(actor, task_id, change)


def _set_validated(task: Task, actor: Actor, wanted: bool | None) -> dict[str, list[Any]]:
    """Note whether a task must be validated. Return what has changed. Raises Forbidden; TaskStatus once it was submitted for a review."""
    if wanted is None or wanted == task.validation_enabled:
        return {}
    if wanted:
        task.validation = (task.validation or {}) | {"enabled": True}
    else:
        actor.require(Permission.RUN_APPROVE, str(task.ws_id))  # who does the work does not say that nobody judges it
        if task.iteration:
            raise TaskStatus("This task was submitted for a review: only one that passes completes it")
        task.validation = None
    return {"validation_enabled": [not wanted, wanted]}


def _change_status(task: Task, actor: Actor, changes: TaskChanges, values: dict[str, Any]) -> None:
    status = str(changes.status)
    require_transition(task, status)
    if status == "assigned":
        raise TaskStatus("A task is assigned by a claim")
    if status in {"running", "completed"} and task.status == "pending":
        require_ready(task)
    if status == "failed" and changes.fence is not None:
        for name, value in values.items():
            setattr(task, name, value)
        fail_attempt(task, actor, changes.error_message or "The attempt failed")
    elif status == "failed":
        set_status(task, status, actor, **values, error_message=changes.error_message or "The task failed")
    elif status == "completed" and changes.fence is not None:  # who did the work hands it in
        for name, value in values.items():
            setattr(task, name, value)
        finish(task, actor, task.result)
    elif status == "pending":
        # who holds it gives it back, which takes no failed attempt back; anybody else lets it begin anew
        anew = {"retry_count": 0} if changes.fence is None else {}
        set_status(task, status, actor, **{"error_message": None, "result": None} | values | anew, agent=None)
    else:
        set_status(task, status, actor, **values)


def cancel_task(actor: Actor, task_id: str, reason: str) -> Task:
    """End a task on which somebody works: it has failed, with the reason. A run that does it is stopped by a reaction.

    Raises NotFound also for a task on which nobody works, as the original service does; Forbidden, Conflict (archived).
    """

    def change(task: Task) -> list[Operation]:
        if not task.is_held:
            raise NotFound("running task")
        set_status(task, "failed", actor, cause=CANCELLED, error_message=f"Task cancelled: {reason}")
        return []

    return change_task(actor, task_id, change)


def register_conversation(actor: Actor, task_id: str, conversation_id: str, sandbox_id: str, persistence_dir: str) -> Task:
    """Note in which conversation, and in which sandbox, a task is done. Raises NotFound, Forbidden, Conflict (archived)."""
    values = {"conversation_id": conversation_id, "sandbox_id": sandbox_id or None, "persistence_dir": persistence_dir or None}

    def change(task: Task) -> list[Operation] | None:
        changes = {name: [getattr(task, name), value] for name, value in values.items() if getattr(task, name) != value}
        if not changes:
            return None
        for name, (_, value) in changes.items():
            setattr(task, name, value)
        record_update(task, actor, changes)
        return []

    return change_task(actor, task_id, change)
