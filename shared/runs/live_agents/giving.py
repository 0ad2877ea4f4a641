"""Work is given out: a task that has become ready to the agent that fits it best, and to an agent that waits what it can do.

A client's agent claims the task as if it had asked for it; one of the platform's begins a run.
"""

from collections.abc import Iterable

from shared.people.tenancy.rows import Organization, Workspace
from shared.runs.live_agents.asking import TRIES, candidates, named, takes, try_to_take
from shared.runs.live_agents.reading import Seen, agents_in, match_of, see_again
from shared.runs.live_agents.rows import PLATFORM, LiveAgent
from shared.runs.live_agents.task_runs import run_task
from shared.store import fetch, get_many
from shared.work.tasks.rows import TaskHead


def give_work(agent_id: str) -> int:
    """Give an agent that waits for work what it can do, as much as it has room for. Return how many tasks it got."""
    given = 0
    while (seen := see_again(agent_id)) is not None and _can_be_given(seen):
        if not given and not _is_open(str(seen.agent.ws_id), str(seen.agent.org_id)):
            break
        if not any(_give(seen.agent, row.id) for row in candidates(seen.agent)[:TRIES]):
            break
        given += 1
    return given


def dispatch(task_id: str) -> bool:
    """Give a task that is ready to the agent of its project or workspace that fits it best. Return whether one has it now."""
    task = fetch(TaskHead, task_id)
    if task is None or task.deleted_at or task.archived_at or task.status != "pending" or task.waiting:
        return False
    fitting = [one for one in agents_in(str(task.ws_id)) if _can_be_given(one) and _fits(one.agent, task)]
    if not fitting or not _is_open(str(task.ws_id), str(task.org_id)):
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


def _is_open(ws_id: str, org_id: str) -> bool:
    """Tell whether anything may be changed in a workspace: it is not deleted, and its organization is active."""
    workspace, organization = get_many([(Workspace, *Workspace.key(ws_id)), (Organization, *Organization.key(org_id))])
    there = isinstance(workspace, Workspace) and workspace.deleted_at is None
    return there and isinstance(organization, Organization) and organization.status == "active"
