"""Bring live agents and tasks together: who has become idle gets work, what has become ready gets an agent, and what an agent has left
is free again.

Idempotent, because the current state decides: a task that has an agent is given to no other one.
"""

from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents.giving import dispatch, give_work
from shared.runs.live_agents.holding import follow_task, free_tasks
from shared.runs.live_agents.rows import LiveAgent
from shared.runs.live_agents.task_runs import begin_task, end_task
from shared.work.tasks.rows import TaskHead

_RUN_ENDED = frozenset({EventType.RUN_COMPLETED, EventType.RUN_FAILED, EventType.RUN_CANCELLED})


def react(change: Change) -> None:
    if change.kind == LiveAgent.KIND:
        _react_to_agent(change)
    elif change.kind == TaskHead.KIND:
        _react_to_task(change)
    elif change.kind == Run.KIND and change.event.type in _RUN_ENDED:
        run = change.after(Run)
        if run.task_id:
            end_task(run)
    elif change.kind == Run.KIND and change.event.type is EventType.RUN_STARTED:
        run = change.after(Run)
        if run.task_id:
            begin_task(run)


def _react_to_agent(change: Change) -> None:
    agent = change.after(LiveAgent)
    loss = f"{agent.name} has failed: {change.event.data.get('reason') or 'it said so'}" if agent.status == "failed" else None
    free_tasks(change.id, change.event.data.get("released") or (), loss)
    if agent.status in ("idle", "running") and agent.has_room:
        give_work(change.id)


def _react_to_task(change: Change) -> None:
    task, before = change.after(TaskHead), change.before(TaskHead)
    if before is None or before.agent != task.agent or before.status != task.status:
        for agent_id in {one.agent["id"]: None for one in (before, task) if one is not None and one.agent}:
            if follow_task(agent_id, task.id) is not None:
                give_work(agent_id)
    if _is_ready(task) and not (before is not None and _is_ready(before)):
        dispatch(task.id)


def _is_ready(task: TaskHead) -> bool:
    return task.status == "pending" and not task.waiting and not task.archived_at and not task.deleted_at
