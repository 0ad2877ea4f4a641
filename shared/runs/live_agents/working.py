"""Which agent works on which task: an agent asks for the next one, or is given one that has become ready. Both claim it in the same way."""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.situations import Situation
from shared.core.texts import searchable
from shared.people.tenancy.rows import Organization, Workspace
from shared.runs.live_agents.holding import AgentChanged, held_tasks, renew_task, take_task
from shared.runs.live_agents.reading import Seen, agents_in, get_agent, match_of, see_again
from shared.runs.live_agents.rows import CLIENT, PLATFORM, LiveAgent
from shared.runs.live_agents.task_runs import run_task
from shared.store import IndexRow, fetch, first_index_rows, get_many
from shared.work.projects.rows import in_order
from shared.work.tasks.claiming import next_claimable
from shared.work.tasks.rows import Task, TaskHead
from shared.work.tasks.statuses import RANKS

PROJECTS: Final = 10
"""The projects of a workspace, those with the latest activity, whose tasks an agent without a project of its own does."""
TRIES: Final = 5  # tasks, or agents, that are tried before the next event is waited for
_ONLY: Final = {"validator": "validat", "diagnostic": "diagnos"}
_WITHOUT_TASKS: Final = frozenset({"monitor", "watchdog", "guardian"})
log = logging.getLogger(__name__)


def next_task(actor: Actor, agent_id: str) -> Task | None:
    """Give an agent the task that it does next; None if there is none, or no room for one.

    What it was given and has not begun comes first: so an answer that was lost is repeated. Raises NotFound, Forbidden,
    Conflict(AGENT_STATUS) for an agent that does not work or that the platform runs.
    """
    agent = get_agent(actor, agent_id, Permission.AGENT_RUN).agent
    _require_working(agent)
    held = held_tasks(agent)
    for task in held:
        if task.status == "assigned" and renew_task(agent, task):
            return fetch(Task, task.id)
    agent.task_ids = [task.id for task in held]
    if not agent.has_room:
        return None
    for row in candidates(agent)[:TRIES]:
        taken = _take(agent, row.id)
        if taken is not None:
            return taken
        now = fetch(LiveAgent, agent.id)
        if now is None or not now.has_room:
            return None
        _require_working(agent := now)
    return None


def _require_working(agent: LiveAgent) -> None:
    if agent.runner != CLIENT:
        raise Conflict(Situation.AGENT_STATUS, "The platform runs this agent: it gets its tasks by itself")
    if agent.status not in ("idle", "running"):
        reason = f"The agent is {agent.status}: it gets tasks when it is idle or running"
        raise Conflict(Situation.AGENT_STATUS, reason, {"status": agent.status})


def _take(agent: LiveAgent, task_id: str) -> Task | None:
    """Give a task to an agent; None if another one was faster, or the agent was changed meanwhile."""
    try:
        return take_task(agent, task_id)
    except (AgentChanged, Conflict, NotFound):
        return None


def candidates(agent: LiveAgent) -> list[IndexRow]:
    """Return the tasks that an agent can do next, of its project, or of the first project that has any.

    They stand by priority, then those that name what the agent is capable of, then by age.
    """
    phases = {str(agent.phase_id)} if agent.phase_id else set()
    for project_id in _projects(agent):
        rows = [row for row in next_claimable(project_id, phases=phases) if _takes(agent, row.f["task_type"])]
        if rows:
            return sorted(rows, key=partial(_place, agent))
    return []


def _place(agent: LiveAgent, row: IndexRow) -> tuple[int, int, str]:
    return RANKS[row.f["priority"]], -_named(agent, row.f["title"], row.f["task_type"]), row.id


def _projects(agent: LiveAgent) -> list[str]:
    if agent.proj_id:
        return [agent.proj_id]
    rows, _ = first_index_rows(*in_order(str(agent.ws_id), "last_activity", "active"), PROJECTS, newest_first=True)
    return [row.id for row in rows]


def _takes(agent: LiveAgent, task_type: str) -> bool:
    """Tell whether an agent of its type does such tasks: validators and diagnostic agents do their own kind, those that watch do none."""
    return agent.agent_type not in _WITHOUT_TASKS and _ONLY.get(agent.agent_type, "") in task_type


def _named(agent: LiveAgent, *texts: str) -> int:
    """Return how many of the agent's capabilities the texts name."""
    words = searchable(" ".join(texts).replace("_", " "))
    return sum(searchable(one.replace("_", " ")) in words for one in agent.capabilities)


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
    return mine and _takes(agent, task.task_type)


def _best_first(agents: Iterable[Seen], task: TaskHead) -> list[Seen]:
    def rank(one: Seen) -> tuple[float, float, str]:
        return -_named(one.agent, task.title, task.task_type), -match_of(one, ()).score, one.agent.created_at

    return sorted(agents, key=rank)


def _give(agent: LiveAgent, task_id: str) -> bool:
    """Give a task to an agent: a client's agent claims it, one of the platform's begins a run. Return whether it has it."""
    if agent.runner == PLATFORM:
        return run_task(agent, task_id)
    now = fetch(LiveAgent, agent.id)
    return now is not None and now.has_room and _take(now, task_id) is not None


def _is_open(ws_id: str, org_id: str) -> bool:
    """Tell whether anything may be changed in a workspace: it is not deleted, and its organization is active."""
    workspace, organization = get_many([(Workspace, *Workspace.key(ws_id)), (Organization, *Organization.key(org_id))])
    there = isinstance(workspace, Workspace) and workspace.deleted_at is None
    return there and isinstance(organization, Organization) and organization.status == "active"
