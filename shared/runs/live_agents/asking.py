"""An agent asks for its next task: what there is that it can do, and the claim of the first of it."""

from functools import partial
from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.core.texts import searchable
from shared.runs.live_agents.holding import AgentChanged, held_tasks, renew_task, require_working, take_task
from shared.runs.live_agents.reading import get_agent
from shared.runs.live_agents.rows import LiveAgent
from shared.store import IndexRow, fetch, first_index_rows
from shared.work.projects.rows import in_order
from shared.work.tasks.claiming import next_claimable
from shared.work.tasks.rows import Task
from shared.work.tasks.statuses import RANKS

PROJECTS: Final = 10
"""The projects of a workspace, those with the latest activity, whose tasks an agent without a project of its own does."""
CANDIDATES: Final = 100
"""Tasks of a project among which an agent's next one is chosen."""
TRIES: Final = 5  # tasks, or agents, that are tried before the next event is waited for
_KINDS: Final = {"diagnos": "diagnostic", "validat": "validator"}
"""Whose a task is, by what the name of its type has: that a validation fails is looked into by no validator."""
_WITHOUT_TASKS: Final = frozenset({"monitor", "watchdog", "guardian"})


def next_task(actor: Actor, agent_id: str) -> Task | None:
    """Give an agent the task that it does next; None if there is none, or no room for one.

    What it was given and has not begun comes first: so an answer that was lost is repeated. Raises NotFound, Forbidden,
    Conflict(AGENT_STATUS) for an agent that does not work or that the platform runs.
    """
    agent = get_agent(actor, agent_id, Permission.AGENT_RUN).agent
    require_working(agent)
    held = held_tasks(agent)
    for task in held:
        if task.status == "assigned" and renew_task(agent, task):
            return fetch(Task, task.id)
    agent.task_ids = [task.id for task in held]
    if not agent.has_room:
        return None
    for row in candidates(agent)[:TRIES]:
        taken = try_to_take(agent, row.id)
        if taken is not None:
            return taken
        now = fetch(LiveAgent, agent.id)
        if now is None or not now.has_room:
            return None
        require_working(agent := now)
    return None


def try_to_take(agent: LiveAgent, task_id: str) -> Task | None:
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
        rows = next_claimable(project_id, phases=phases, fits=partial(takes, agent), limit=CANDIDATES)
        if rows:
            return sorted(rows, key=partial(_place, agent))
    return []


def _place(agent: LiveAgent, row: IndexRow) -> tuple[int, int, str]:
    return RANKS[row.f["priority"]], -named(agent, row.f["title"], row.f["task_type"]), row.id


def _projects(agent: LiveAgent) -> list[str]:
    if agent.proj_id:
        return [agent.proj_id]
    rows, _ = first_index_rows(*in_order(str(agent.ws_id), "last_activity", "active"), PROJECTS, newest_first=True)
    return [row.id for row in rows]


def takes(agent: LiveAgent, task_type: str) -> bool:
    """Tell whether an agent of its type does such tasks: validators and diagnostic agents do their own kind, those that watch do none."""
    if agent.agent_type not in _KINDS.values():
        return agent.agent_type not in _WITHOUT_TASKS
    return agent.agent_type == next((kind for name, kind in _KINDS.items() if name in task_type), None)


def named(agent: LiveAgent, *texts: str) -> int:
    """Return how many of the agent's capabilities the texts name."""
    words = _words(" ".join(texts))
    return sum(_words(one) in words for one in agent.capabilities)


def _words(text: str) -> str:
    """Return a text as words between spaces, so that a word is not found within another one."""
    letters = (letter if letter.isalnum() or letter in "+#" else " " for letter in searchable(text))  # C++ and C# are words
    return f" {' '.join(''.join(letters).split())} "
