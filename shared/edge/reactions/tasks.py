"""What follows from the end of a task: who waited for it may begin, its discovery may be resolved, the run that did it is stopped if the
task was taken from it. And tasks and discoveries follow their card.

Idempotent, because the current state decides.
"""

from shared.core.actor import SYSTEM
from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.approvals import stop_run
from shared.runs.agent_runs.rows import Run
from shared.store import fetch
from shared.work.discoveries.spawning import delete_of_card, resolve_by_task
from shared.work.items.rows import ItemHead
from shared.work.tasks.dependencies import refresh_dependents
from shared.work.tasks.following import follow_card
from shared.work.tasks.rows import TaskHead
from shared.work.tasks.statuses import ENDED


def react(change: Change) -> None:
    if change.kind == TaskHead.KIND and change.event.type is EventType.TASK_UPDATED:
        _react_to_task(change)
    elif change.kind == ItemHead.KIND and change.event.type is EventType.ITEM_DELETED:
        follow_card(change.id)
        delete_of_card(change.id)
    elif change.kind == ItemHead.KIND and "archived_at" in change.event.changes:
        follow_card(change.id)


def _react_to_task(change: Change) -> None:
    task, before = change.after(TaskHead), change.before(TaskHead)
    if before is None or before.is_open != task.is_open:
        refresh_dependents(task.id)
    ended = task.status in ENDED and (before is None or before.status != task.status)
    if ended and task.discovery_id:
        resolve_by_task(task)
    if before is not None and before.work_run_id and before.is_held:
        taken = task.work_run_id != before.work_run_id or task.status in {"failed", "cancelled"} or task.deleted_at
        if taken:
            _stop(before.work_run_id, task.error_message or "The task was given up")


def _stop(run_id: str, reason: str) -> None:
    run = fetch(Run, run_id)
    if run is not None and not run.ended:
        stop_run(SYSTEM, run, reason)
