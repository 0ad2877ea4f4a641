"""Count events: completed work, commits, and messages between sandboxes.

The operations go into the transaction that writes the activity of the event, so that an event which is delivered twice counts once.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.core import clock
from shared.events import EventType
from shared.events.change import Change
from shared.insight.statistics.files import count_files
from shared.insight.statistics.rows import TOTAL, Statistic, project_statistics, workspace_statistics
from shared.runs.agent_runs.rows import Run
from shared.sandboxes.messages.counting import message_counts
from shared.sandboxes.messages.rows import MessageHead
from shared.source.commits.changes import load_changes
from shared.source.commits.rows import Commit, CommitFiles, CommitLink, commit_id
from shared.store import Operation, fetch, get, update
from shared.work.tasks.rows import Task, TaskHead

Counts = Mapping[str, int]
"""What is added to counters, by the names of attributes of `Statistic`."""
Agent = tuple[str, str, str]
"""The id of an agent, the phase in which it worked, and its name."""


def statistics_operations(change: Change) -> list[Operation]:
    """Return the operations that count a change for its project and its workspace; none for most changes."""
    if change.kind == MessageHead.KIND:
        return message_counts(change)
    if change.ws_id is None or change.proj_id is None:
        return []
    if change.kind == Task.KIND:
        return _count_task(change)
    if change.kind == Run.KIND and change.event.type is EventType.RUN_COMPLETED:
        run = change.after(Run)
        seconds = (run.duration_ms or 0) // 1000
        done = (
            {} if run.has_only_comments else {"tasks_completed": 1, "task_seconds": seconds}
        )  # who only asks has completed nothing
        return _count_work(change, done, (run.agent_id, run.phase_id or "", run.agent["display_name"]))
    if change.kind == Commit.KIND and change.event.type is EventType.COMMIT_PUSHED:
        return _count_commit(change)
    if change.kind == CommitLink.KIND and change.event.type is EventType.COMMIT_LINKED:
        return _count_link(change)
    return []


def _count_commit(change: Change) -> list[Operation]:
    commit = change.after(Commit)
    agent = (commit.agent_id, "", "") if commit.agent_id else None
    files = _count_files(change, commit, dict.fromkeys((None, commit.agent_id)))
    return [*_count_work(change, _commit_counts(commit), agent), *files]


def _count_link(change: Change) -> list[Operation]:
    """Return the operations that count a link, and the commit for an agent who is known as its author only since then."""
    link = change.after(CommitLink)
    if not link.agent_id:
        return _count(change, TOTAL, {"linked_commits": 1})
    counts, files = {"linked_commits": 1}, []
    commit = fetch(Commit, commit_id(str(change.ws_id), link.sha)) if change.event.data.get("names_author") else None
    if commit is not None and commit.proj_id == change.proj_id:
        counts |= _commit_counts(commit)
        files = _count_files(change, commit, (link.agent_id,))
    agent = (link.agent_id, "", "")
    return [*_count(change, TOTAL, {"linked_commits": 1}), *_count_agent(change, counts, agent), *files]


def _commit_counts(commit: Commit) -> dict[str, int]:
    lines = {"insertions": int(commit.insertions), "deletions": int(commit.deletions)}
    return {"commits": 1, "files_changed": int(commit.file_count)} | lines


def _count_files(change: Change, commit: Commit, agents: Iterable[str | None]) -> list[Operation]:
    """Return the operations that note a commit's files among the most active ones of these agents; None: of all."""
    stored = get(CommitFiles, *CommitFiles.key_of(str(change.ws_id), commit.sha))
    files = load_changes(stored.files if stored is not None else None)
    return [count_files(str(change.proj_id), one, files) for one in agents] if files else []


def _count_task(change: Change) -> list[Operation]:
    """Return the operations that count a task which was completed, and what the run of ours cost that did it, whether it was completed or
    not. What such a run did is in the totals by the run itself."""
    was, now = change.status()
    before, task = change.before(TaskHead), change.after(Task)
    spent = _count_attempt(change, before) if before is not None and before.is_held and not task.is_held else []
    if now != "completed" or was == "completed":
        return spent
    seconds = clock.seconds_between(task.started_at, task.completed_at) if task.started_at and task.completed_at else 0
    done = {"tasks_completed": 1, "task_seconds": max(0, seconds)}
    agent = (task.agent["id"], task.phase_id, task.agent.get("name", "")) if task.agent else None
    if task.work_run_id is not None:
        return [*_count_agent(change, done, agent), *spent]
    return [*_count_work(change, done, agent), *spent]


def _count_attempt(change: Change, held: TaskHead) -> list[Operation]:
    """Return the operations that count for a live agent, on this day, what the run cost by which it has worked on a task until now."""
    run = fetch(Run, held.work_run_id) if held.work_run_id and held.agent else None
    if run is None or not run.customer_price_micros:
        return []
    spent = {"price_micros": int(run.customer_price_micros)}
    return _count(change, f"SPENT#{held.agent['id']}#{change.event.at[:10]}", spent)


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
