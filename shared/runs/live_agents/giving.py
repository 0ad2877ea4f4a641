"""Work is given out: a task that has become ready to the agent that fits it best, and to an agent that waits what it can do.

A client's agent claims the task as if it had asked for it; one of the platform's begins a run.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from shared.core.actor import SYSTEM
from shared.people.tenancy.rows import Organization, Workspace
from shared.runs.live_agents.asking import TRIES, candidates, named, takes, try_to_take
from shared.runs.live_agents.reading import Seen, agents_in, match_of, see_again
from shared.runs.live_agents.rows import PLATFORM, LiveAgent
from shared.runs.live_agents.statuses import set_status
from shared.runs.live_agents.task_runs import doable, note_waiting, run_task
from shared.store import RowKey, fetch, fetch_all, fetch_indexed, get_many, read_ahead, save, write
from shared.work.projects.rows import Project
from shared.work.tasks.claiming import lost_tasks
from shared.work.tasks.rows import TaskHead

NO_WORK_HERE: Final = "Its project is archived, or its organization is not active"
OPEN, CLOSED, GONE = "open", "closed", "gone"


def give_work(agent_id: str) -> int:
    """Give an agent that waits for work what it can do, as much as it has room for. Return how many tasks it got."""
    given = 0
    while (seen := see_again(agent_id)) is not None and _can_be_given(seen):
        agent = seen.agent
        state = OPEN if given else _state_of(str(agent.ws_id), str(agent.org_id), agent.proj_id)
        if state == GONE and agent.runner == PLATFORM and agent.status == "idle":
            _end(agent)
        elif state == CLOSED:
            _wait(agent, NO_WORK_HERE)
        if state != OPEN:
            break
        there = candidates(agent)
        if not there:
            _wait(agent, None)
        chosen = doable(there) if agent.runner == PLATFORM else [row.id for row in there]
        if not any(_give(agent, task_id) for task_id in chosen[:TRIES]):
            break
        given += 1
    return given


def may_find_work(rows: Sequence[LiveAgent]) -> list[LiveAgent]:
    """Return those of the platform's agents that may find work though no event tells them: something kept one from what there was, the
    holder of a task was lost in its project, or its project is gone. Two round trips: the agents; their projects and what was lost."""
    agents = fetch_indexed(LiveAgent, rows)
    ids = list(dict.fromkeys(str(agent.proj_id) for agent in agents if agent.proj_id and not agent.waits_because))
    reads = {one: read_ahead(partial(lost_tasks, one, 1)) for one in ids}
    there = {row.id for row in fetch_all(Project, ids) if not row.deleted_at and row.status != "deleted"}
    quiet = {one for one, read in reads.items() if one in there and not read.result()}
    return [agent for agent in agents if agent.waits_because or agent.proj_id not in quiet]


def _wait(agent: LiveAgent, reason: str | None) -> None:
    """Note why an agent of the platform does not work, if that is another reason than before."""
    if agent.runner == PLATFORM and agent.waits_because != reason:
        note_waiting(agent.id, reason)


def dispatch(task_id: str) -> bool:
    """Give a task that is ready to the agent of its project or workspace that fits it best. Return whether one has it now."""
    task = fetch(TaskHead, task_id)
    if task is None or task.deleted_at or task.archived_at or task.status != "pending" or task.waiting:
        return False
    fitting = [one for one in agents_in(str(task.ws_id)) if _can_be_given(one) and _fits(one.agent, task)]
    if not fitting:
        return False
    state = _state_of(str(task.ws_id), str(task.org_id), task.proj_id)
    if state != OPEN:
        for one in fitting if state == CLOSED else ():
            _wait(one.agent, NO_WORK_HERE)
        return False
    return any(_give(one.agent, task.id) for one in _best_first(fitting, task)[:TRIES])


def _can_be_given(seen: Seen) -> bool:
    """Tell whether an agent waits for work: it is idle, or has room beside the tasks that it does."""
    agent = seen.agent
    waits = seen.health.status == "idle" or (seen.health.status == "running" and bool(agent.task_ids))
    return waits and agent.has_room and not agent.asks_only


def _fits(agent: LiveAgent, task: TaskHead) -> bool:
    mine = agent.proj_id in (None, task.proj_id) and agent.phase_id in (None, task.phase_id)
    return mine and takes(agent, task.task_type)


def _best_first(agents: Iterable[Seen], task: TaskHead) -> list[Seen]:
    def rank(one: Seen) -> tuple[float, float, str]:
        return -named(one.agent, task.title, task.task_type), -match_of(one, ()).score, one.agent.created_at

    return sorted(agents, key=rank)


def _give(agent: LiveAgent, task_id: str) -> bool:
    """Give a task to an agent: a client's agent claims it, one of the platform's begins a run. Return whether it has it."""
    if agent.runner == PLATFORM:
        return run_task(agent, task_id)
    now = fetch(LiveAgent, agent.id)
    return now is not None and now.has_room and try_to_take(now, task_id) is not None


def _state_of(ws_id: str, org_id: str, proj_id: str | None) -> str:
    """Return whether work goes on in a project, or in a workspace: OPEN; CLOSED while its organization is not active or it is archived;
    GONE if it was deleted."""
    keys: list[RowKey] = [(Workspace, *Workspace.key(ws_id)), (Organization, *Organization.key(org_id))]
    workspace, organization, *projects = get_many(keys + ([(Project, *Project.key(proj_id))] if proj_id else []))
    if not isinstance(workspace, Workspace) or workspace.deleted_at is not None:
        return GONE
    if any(not isinstance(one, Project) or one.deleted_at or one.status == "deleted" for one in projects):
        return GONE
    active = isinstance(organization, Organization) and organization.status == "active"
    return OPEN if active and all(one.status == "active" for one in projects) else CLOSED


def _end(agent: LiveAgent) -> None:
    """Terminate an agent of the platform that will never have work again."""
    further = set_status(agent, "terminated", SYSTEM, "What it worked in was deleted")
    write(save(agent), *further)
