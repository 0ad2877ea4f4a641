"""Count events: completed work and commits.

The operations go into the transaction that writes the activity of the event, so that an event which is delivered twice counts once.
"""

from collections.abc import Mapping
from typing import Any

from shared.core import clock
from shared.edge.reactions.search import CommitHead
from shared.events import EventType
from shared.events.change import Change
from shared.runs.agent_runs.rows import Run
from shared.store import Operation, update
from shared.work.statistics.rows import TOTAL, Statistic, project_statistics, workspace_statistics
from shared.work.tasks.rows import Task

Counts = Mapping[str, int]
"""What is added to counters, by the names of attributes of `Statistic`."""
Agent = tuple[str, str, str]
"""The id of an agent, the phase in which it worked, and its name."""


def statistics_operations(change: Change) -> list[Operation]:
    """Return the operations that count a change for its project and its workspace; none for most changes."""
    if change.ws_id is None or change.proj_id is None:
        return []
    if change.kind == Task.KIND:
        return _count_task(change)
    if change.kind == Run.KIND and change.event.type is EventType.RUN_COMPLETED:
        run = change.after(Run)
        done = {"tasks_completed": 1, "task_seconds": (run.duration_ms or 0) // 1000}
        return _count_work(change, done, (run.agent_id, run.phase_id or "", run.agent["display_name"]))
    if change.kind == CommitHead.KIND and change.event.type is EventType.COMMIT_PUSHED:
        return _count_commit(change)
    if change.event.type is EventType.COMMIT_LINKED:
        return _count(change, TOTAL, {"linked_commits": 1})
    return []


def _count_commit(change: Change) -> list[Operation]:
    commit, data = change.after(CommitHead), change.event.data
    numbers = {name: int(data.get(name) or 0) for name in ("files_changed", "insertions", "deletions")}
    agent_id = commit.agent_id or data.get("agent_id")
    return _count_work(change, {"commits": 1} | numbers, (agent_id, "", "") if agent_id else None)


def _count_task(change: Change) -> list[Operation]:
    """Return the operations that count a task which was completed. One that a run of ours did is in the totals by its run."""
    was, now = change.status()
    if now != "completed" or was == "completed":
        return []
    task = change.after(Task)
    seconds = clock.seconds_between(task.started_at, task.completed_at) if task.started_at and task.completed_at else 0
    done = {"tasks_completed": 1, "task_seconds": max(0, seconds)}
    agent = (task.agent["id"], task.phase_id, task.agent.get("name", "")) if task.agent else None
    if task.work_run_id is not None:
        return _count_agent(change, done, agent)
    return _count_work(change, done, agent)


def _count_work(change: Change, counts: Counts, agent: Agent | None) -> list[Operation]:
    """Return the operations that count work in total, on its day, and for its agent."""
    whole = [*_count(change, TOTAL, counts), *_count(change, f"DAY#{change.event.at[:10]}", counts)]
    return [*whole, *_count_agent(change, counts, agent)]


def _count_agent(change: Change, counts: Counts, agent: Agent | None) -> list[Operation]:
    if agent is None:
        return []
    agent_id, phase_id, name = agent
    return _count(change, f"AGENT#{agent_id}#{phase_id}", counts, name)


def _count(change: Change, sk: str, counts: Counts, name: str | None = None) -> list[Operation]:
    """Return the operations that raise counters of the project and of the workspace."""
    actions: list[Any] = [getattr(Statistic, attribute).add(number) for attribute, number in counts.items()]
    actions += [Statistic.kind.set("STAT"), Statistic.last_at.set(change.event.at)]
    if name:
        actions.append(Statistic.name.set(name))
    partitions = (project_statistics(str(change.proj_id)), workspace_statistics(str(change.ws_id)))
    return [update(Statistic(pk=pk, sk=sk), actions) for pk in partitions]
