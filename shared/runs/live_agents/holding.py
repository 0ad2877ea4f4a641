"""What an agent holds: it takes a task and a place of its own in one transaction, so that it never has more than its capacity.

The task's row decides who has it (`shared.work.tasks.claiming`). The agent's list of tasks follows from it: what another way has
given or taken is brought into it when the task's event arrives.
"""

from collections.abc import Sequence
from typing import Final

from shared.agents.catalogue.registry import agents
from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission, Role
from shared.core.errors import ConditionFailed, Conflict, FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id
from shared.core.situations import Situation
from shared.runs.agent_runs.steering import GUARDIAN
from shared.runs.live_agents.health import lease_seconds
from shared.runs.live_agents.rows import CLIENT, LiveAgent
from shared.runs.live_agents.statuses import set_status
from shared.store import (
    Operation,
    authorize,
    fetch,
    fetch_all,
    get_many,
    id_of,
    is_stale,
    retrying,
    save,
    stale,
    transaction_guard,
    write,
)
from shared.work.tasks.changing import TaskStatus, change_task
from shared.work.tasks.changing import set_status as set_task_status
from shared.work.tasks.claiming import claim_task, fail_task, release_task, renewal, require_fence
from shared.work.tasks.rows import Task, TaskHead
from shared.work.tasks.statuses import REVIEWED

_PERMISSIONS: Final = frozenset({Permission.PROJECT_READ, Permission.CARD_READ, Permission.CARD_EDIT})
_OURS: Final = frozenset({SYSTEM.id, SYSTEM.name.casefold(), GUARDIAN.id, GUARDIAN.name.casefold()})
"""Who acts for the platform: its names in the trail of a task are nobody else's."""


class AgentChanged(ConditionFailed):
    """The agent was changed since it was read: read it again."""


def worker_actor(agent: LiveAgent) -> Actor:
    """Return the agent as an actor: a member of its workspace that may work on cards, in its project only if it belongs to one."""
    return Actor(
        id=agent.id,
        name=agent.name,
        kind="agent",
        workspaces={str(agent.ws_id): Role.MEMBER},
        scopes=_PERMISSIONS,
        project_id=agent.proj_id,
    )


def require_working(agent: LiveAgent) -> None:
    """Raise Conflict(AGENT_STATUS) for an agent that does not work, or that the platform runs."""
    if agent.runner != CLIENT:
        raise Conflict(Situation.AGENT_STATUS, "The platform runs this agent: it gets its tasks by itself")
    if agent.status not in ("idle", "running"):
        reason = f"The agent is {agent.status}: it gets tasks when it is idle or running"
        raise Conflict(Situation.AGENT_STATUS, reason, {"status": agent.status})


def claim_for(actor: Actor, task_id: str, agent: dict[str, str], seconds: float) -> Task:
    """Give a task to an agent, `{id, name}`, that the actor names: a live agent takes a place of its own with it, other names are free.

    One read and one transaction. Raises as `claim_task` does, Invalid for a name of the platform, NotFound for an id of no live agent
    that works in the task's project, and Conflict(AGENT_STATUS) if it does not work or has no room.
    """
    agent_id = bare_id(agent["id"])
    for field, name in (("agent_id", agent["id"]), ("agent_name", agent["name"])):
        if name.strip().casefold() in _OURS:
            raise Invalid(FieldError(field, f"{name} is the platform itself, which works on no task"))
    if not is_id(agent_id) or any(one.id == agent_id for one in agents()):
        return claim_task(actor, task_id, agent, seconds)
    bare = id_of(Task, task_id)

    def attempt(_: int) -> Task:
        task, live = get_many([(Task, *Task.key(bare)), (LiveAgent, *LiveAgent.key(agent_id))])
        if not isinstance(task, Task) or task.deleted_at:
            raise NotFound(Task.NAME)
        authorize(task, actor, Permission.CARD_EDIT)
        if not isinstance(live, LiveAgent) or live.deleted_at:
            raise NotFound(LiveAgent.NAME)
        authorize(live, actor, Permission.AGENT_RUN)
        if not works_on(live, task):
            raise NotFound(LiveAgent.NAME)
        require_working(live)
        if task.id not in live.task_ids and not live.has_room:
            reason = f"The agent has {len(live.task_ids)} tasks, as many as it takes at the same time"
            raise Conflict(Situation.AGENT_STATUS, reason, {"status": live.status, "capacity": int(live.capacity)})
        try:
            return take_task(live, task.id, seconds=seconds, actor=actor, first=task)
        except AgentChanged as error:
            raise stale() from error

    return retrying(attempt)


def works_on(agent: LiveAgent, task: TaskHead) -> bool:
    """Tell whether a task is one of the agent's workspace, and of its project if it belongs to one."""
    return agent.ws_id == task.ws_id and agent.proj_id in (None, task.proj_id)


def take_task(
    agent: LiveAgent,
    task_id: str,
    *,
    seconds: float | None = None,
    work_run_id: str | None = None,
    actor: Actor | None = None,
    first: Task | None = None,
) -> Task:
    """Give a task to an agent that was read a moment ago, for the length of its lease or so many seconds. `actor`: who does so, by
    default the agent.

    One read, unless the task was read already (`first`), and one transaction: the task's claim, and the agent's place. Raises
    AgentChanged, and as `claim_task` does.
    """
    agent.task_ids = sorted({*agent.task_ids, task_id})
    if agent.status == "idle":
        set_status(agent, "running", SYSTEM, "It was given a task")
    place = save(agent, AgentChanged)
    try:
        with transaction_guard(lambda: [place]):
            return claim_task(
                actor or worker_actor(agent),
                task_id,
                {"id": agent.id, "name": agent.name},
                lease_seconds(agent) if seconds is None else seconds,
                work_run_id=work_run_id,
                first=first,
            )
    except TaskStatus:
        follow_task(agent.id, task_id)  # what is refused may be written: that the last attempt was lost
        raise


def is_held_by(task: TaskHead | None, agent_id: str) -> bool:
    """Tell whether a task is in the hands of this agent."""
    return task is not None and not task.deleted_at and task.is_held and bool(task.agent) and task.agent["id"] == agent_id


def held_tasks(agent: LiveAgent) -> list[TaskHead]:
    """Return the tasks that are in the agent's hands, the oldest task first. One round trip, none if it has none."""
    return [task for task in fetch_all(TaskHead, agent.task_ids) if is_held_by(task, agent.id)]


def renew_tasks(agent: LiveAgent, current_task_id: str | None) -> None:
    """Renew the leases of the tasks that the agent has begun or says it works on; tasks that it never began are left to expire."""
    for task in held_tasks(agent):
        if task.status == "assigned" and task.id != current_task_id:
            continue
        renew_task(agent, task)


def renew_task(agent: LiveAgent, task: TaskHead) -> bool:
    """Renew the lease of a task. Return False if its time is up, or somebody else has it."""

    def attempt(number: int) -> bool:
        row = fetch(TaskHead, task.id) if number else task
        if row is None or not is_held_by(row, agent.id):
            return False
        write(renewal(row, int(row.fence), lease_seconds(agent)))
        return True

    try:
        return retrying(attempt)
    except Conflict as error:
        if is_stale(error):
            raise
        return False


def follow_task(agent_id: str, task_id: str) -> LiveAgent | None:
    """Bring an agent's list of tasks in line with a task. Return the agent if it has lost the task; None if not, or if there is no
    such agent: catalogue agents hold tasks too."""

    def attempt(_: int) -> LiveAgent | None:
        agent, task = fetch(LiveAgent, agent_id), fetch(TaskHead, task_id)
        if agent is None or agent.status == "terminated":
            return None
        holds = is_held_by(task, agent_id) and task is not None and works_on(agent, task)
        if holds == (task_id in agent.task_ids) and not (task and holds and task.status == "running" and agent.asks_only):
            return None
        further = _set_tasks(agent, {*agent.task_ids, task_id} if holds else {*agent.task_ids} - {task_id})
        if task is not None and holds and task.status == "running":
            agent.asks_only = False
        write(save(agent), *further)
        return None if holds else agent

    return retrying(attempt)


def _set_tasks(agent: LiveAgent, task_ids: set[str]) -> Sequence[Operation]:
    agent.task_ids = sorted(task_ids)
    if task_ids and agent.status == "idle":
        return set_status(agent, "running", SYSTEM, "It holds a task")
    if not task_ids and agent.status == "running":
        return set_status(agent, "idle", SYSTEM, "It has done its tasks")
    return ()


def free_tasks(agent_id: str, task_ids: Sequence[str], loss: str | None = None) -> list[TaskHead]:
    """Give back tasks that an agent held. Return those that it had. What it has handed in stays where it is reviewed.

    A `loss` is why these attempts have failed; without it they do not count.
    """
    held = [one for one in fetch_all(TaskHead, task_ids) if is_held_by(one, agent_id) and one.status not in REVIEWED]
    return [task for task in held if _free(task, loss)]


def _free(task: TaskHead, loss: str | None) -> bool:
    """Give a task back, unless somebody else has it meanwhile."""
    actor, fence = actor_for(task), int(task.fence)
    try:
        if loss is None:
            release_task(actor, task.id, fence)
        else:
            fail_task(actor, task.id, loss, fence=fence)
    except (Conflict, NotFound) as error:
        if is_stale(error):
            raise
        return False
    return True


def actor_for(task: TaskHead) -> Actor:
    """Return the platform as an actor in the task's workspace."""
    return Actor(SYSTEM.id, SYSTEM.name, kind="system", workspaces={str(task.ws_id): Role.MEMBER})


def give_up(actor: Actor, task_id: str, reason: str, fence: int) -> None:
    """End a task as failed, whatever attempts are left: another one would come to the same end. Raises as `fail_task` does."""

    def change(task: Task) -> list[Operation]:
        require_fence(task, fence)
        set_task_status(task, "failed", actor, error_message=reason)
        return []

    change_task(actor, task_id, change)


def free_unbegun(agent: LiveAgent) -> int:
    """Take back the tasks that were given to the agent and are not begun when their lease ends; return how many.

    After that the agent gets a task only when it asks for one.
    """
    now = clock.iso()
    lost = [task.id for task in held_tasks(agent) if task.status == "assigned" and task.is_lost(now)]
    freed = free_tasks(agent.id, lost)
    if freed:

        def attempt(_: int) -> None:
            row = fetch(LiveAgent, agent.id)
            if row is not None and not row.asks_only:
                row.asks_only = True
                write(save(row))

        retrying(attempt)
    return len(freed)
