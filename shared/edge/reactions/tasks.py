"""What follows from the end of a task: who waited for it may begin, its discovery may be resolved, the run that did it is stopped if the
task was taken from it. A ticket is in progress when an agent works on a task of it, and tasks and discoveries follow their card.

Idempotent, because the current state decides.
"""

from shared.core.actor import SYSTEM
from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.approvals import stop_run
from shared.runs.agent_runs.rows import Run
from shared.store import fetch
from shared.work.discoveries.spawning import delete_of_card, resolve_by_task
from shared.work.items.beginning import begin_card
from shared.work.items.rows import Item, ItemHead
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
    if task.status == "running" and task.agent and (before is None or before.status != "running"):
        _begin_card(task)
    if before is None or before.is_open != task.is_open:
        refresh_dependents(task.id)
    ended = task.status in ENDED and (before is None or before.status != task.status)
    if ended and task.discovery_id:
        resolve_by_task(task)
    if before is not None and before.work_run_id and before.is_held:
        taken = task.work_run_id != before.work_run_id or task.status in {"failed", "cancelled"} or task.deleted_at
        if taken:
            _stop(before.work_run_id, task.error_message or "The task was given up")


def _begin_card(task: TaskHead) -> None:
    """Set the ticket in progress on whose task an agent works: with a run of the platform or without one."""
    card = fetch(Item, task.item_id)
    if card is not None and not card.deleted_at and card.archived_at is None:
        begin_card(card, SYSTEM)


def _stop(run_id: str, reason: str) -> None:
    run = fetch(Run, run_id)
    if run is not None and not run.ended:
        stop_run(SYSTEM, run, reason)
