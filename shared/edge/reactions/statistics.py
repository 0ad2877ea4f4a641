"""Count events: completed work and commits.

The operations go into the transaction that writes the activity of the event, so that an event which is delivered twice counts once.
"""

from collections.abc import Mapping
from typing import Any

from shared.core import clock
from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run
from shared.store import Operation, update
from shared.work.statistics.rows import TOTAL, Statistic, project_statistics, workspace_statistics
from shared.work.tasks.rows import Task

Counts = Mapping[str, int]
"""What is added to counters, by the names of attributes of `Statistic`."""


def statistics_operations(change: Change) -> list[Operation]:
    """Return the operations that count a change for its project and its workspace; none for most changes."""
    if change.ws_id is None or change.proj_id is None:
        return []
    if change.kind == Task.KIND:
        return _count_task(change)
    if change.kind == Run.KIND and change.event.type is EventType.RUN_COMPLETED:
        run = change.after(Run)
        done = {"tasks_completed": 1, "task_seconds": (run.duration_ms or 0) // 1000}
        return _count_work(change, done, run.agent_id, run.agent["display_name"])
    return []


def _count_task(change: Change) -> list[Operation]:
    """Return the operations that count a task which was completed. One that a run of ours did is in the totals by its run."""
    was, now = change.status()
    if now != "completed" or was == "completed":
        return []
    task = change.after(Task)
    seconds = clock.seconds_between(task.started_at, task.completed_at) if task.started_at and task.completed_at else 0
    agent, done = task.agent or {}, {"tasks_completed": 1, "task_seconds": max(0, seconds)}
    if task.work_run_id is not None:
        return _count(change, f"AGENT#{agent['id']}", done, agent.get("name")) if agent else []
    return _count_work(change, done, agent.get("id"), agent.get("name"))


def _count_work(change: Change, counts: Counts, agent_id: str | None, name: str | None) -> list[Operation]:
    """Return the operations that count work in total, on its day, and for its agent."""
    operations = [*_count(change, TOTAL, counts), *_count(change, f"DAY#{change.event.at[:10]}", counts)]
    return operations + (_count(change, f"AGENT#{agent_id}", counts, name) if agent_id else [])


def _count(change: Change, sk: str, counts: Counts, name: str | None = None) -> list[Operation]:
    """Return the operations that raise counters of the project and of the workspace."""
    actions: list[Any] = [getattr(Statistic, attribute).add(number) for attribute, number in counts.items()]
    actions += [Statistic.kind.set("STAT"), Statistic.last_at.set(change.event.at)]
    if name:
        actions.append(Statistic.name.set(name))
    partitions = (project_statistics(str(change.proj_id)), workspace_statistics(str(change.ws_id)))
    return [update(Statistic(pk=pk, sk=sk), actions) for pk in partitions]
