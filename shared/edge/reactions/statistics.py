"""Count events: completed work, waiting tasks, commits, the time that cards were in a phase.

The operations go into the transaction that writes the activity of the event, so that an event which is delivered twice counts once.
"""

from collections.abc import Mapping
from typing import Any

from shared.core import clock
from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run
from shared.store import Operation, update
from shared.work.items.rows import ItemHead
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
    if change.kind == ItemHead.KIND and change.event.type is EventType.ITEM_MOVED:
        return _count_stint(change)
    return []


def _count_task(change: Change) -> list[Operation]:
    task = change.after(Task)
    was, now = change.status()
    existed, exists = change.existed()
    waits = int(exists and now == "pending") - int(existed and was == "pending")
    operations = _count(change, TOTAL, {"pending_tasks": waits}) if waits else []
    if now == "completed" and was != "completed":
        seconds = clock.seconds_between(task.started_at, task.completed_at) if task.started_at and task.completed_at else 0
        agent = task.agent or {}
        done = {"tasks_completed": 1, "task_seconds": max(0, seconds)}
        operations = _count_work(change, done, agent.get("id"), agent.get("name"), also=waits)
    return operations


def _count_work(change: Change, counts: Counts, agent_id: str | None, name: str | None, *, also: int = 0) -> list[Operation]:
    """Return the operations that count completed work: in total, on its day, and for its agent. `also` tasks wait more."""
    total = {**counts, "pending_tasks": also} if also else counts
    operations = [*_count(change, TOTAL, total), *_count(change, f"DAY#{change.event.at[:10]}", counts)]
    return operations + (_count(change, f"AGENT#{agent_id}", counts, name) if agent_id else [])


def _count_stint(change: Change) -> list[Operation]:
    """Return the operations that count the time of a card in the phase that it has left."""
    before, after = change.before(ItemHead), change.after(ItemHead)
    if before is None or before.phase_id == after.phase_id:
        return []
    seconds = clock.seconds_between(before.lane_since, change.event.at) if before.lane_since else 0
    return _count(change, f"PHASE#{before.phase_id}", {"stints": 1, "stint_seconds": max(0, seconds)})


def _count(change: Change, sk: str, counts: Counts, name: str | None = None) -> list[Operation]:
    """Return the operations that raise counters of the project and of the workspace."""
    actions: list[Any] = [getattr(Statistic, attribute).add(number) for attribute, number in counts.items()]
    actions += [Statistic.kind.set("STAT"), Statistic.last_at.set(change.event.at)]
    if name:
        actions.append(Statistic.name.set(name))
    partitions = (project_statistics(str(change.proj_id)), workspace_statistics(str(change.ws_id)))
    return [update(Statistic(pk=pk, sk=sk), actions) for pk in partitions]
