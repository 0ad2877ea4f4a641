"""Interventions: cancel a task, move capacity from one agent to another, give a task another priority.

Each is written in one transaction with what it changes.
"""

from dataclasses import dataclass
from typing import Any

from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, Malformed, NotFound
from shared.core.ids import derived_id, new_id
from shared.events import EventType, record
from shared.runs.agent_runs.rows import Run
from shared.runs.guardian.policies import GUARDIAN, require_authority
from shared.runs.guardian.rows import GuardianAction, new_action
from shared.runs.live_agents.rows import LiveAgent
from shared.store import Operation, authorize, create, get_many, id_of, retrying, save, write
from shared.work.tasks.changing import CANCELLED, TaskStatus, change_task, record_update, set_status
from shared.work.tasks.claiming import require_fence
from shared.work.tasks.rows import Task
from shared.work.tasks.statuses import ENDED, RANKS

MAX_CAPACITY = 50  # tasks that an agent works on at once


@dataclass(frozen=True)
class Intervention:
    """Why somebody intervenes, who has initiated it, and the authority that is claimed."""

    reason: str
    initiated_by: str
    authority: int = GUARDIAN

    def action(
        self, actor: Actor, target: Any, kind: str, before: dict[str, Any], after: dict[str, Any], id_: str
    ) -> GuardianAction:
        """Return the row of this intervention."""
        return new_action(
            actor,
            target,
            kind,
            reason=self.reason,
            initiated_by=self.initiated_by,
            authority=self.authority,
            before=before,
            after=after,
            action_id=id_,
        )


def cancel_task(actor: Actor, task_id: str, why: Intervention, *, only_if_held_under: int | None = None) -> GuardianAction:
    """Cancel a task: whoever works on it loses it, and a run that does it is stopped by a reaction. One read, one transaction.

    `only_if_held_under`: the fence of the holder who is meant; a task that somebody else has since is left alone (TASK_STATUS).
    Raises NotFound, Forbidden, Conflict: TASK_STATUS (it has ended), CARD_ARCHIVED, PROJECT_ARCHIVED.
    """

    def change(task: Task, action_id: str) -> GuardianAction:
        if only_if_held_under is not None:
            require_fence(task, only_if_held_under)
        if task.status in ENDED:
            raise TaskStatus(f"This task is {task.status}: there is nothing to cancel", status=task.status)
        before = {
            "status": task.status,
            "agent_id": task.agent["id"] if task.agent else None,
            "run_id": task.work_run_id,
            "retry_count": int(task.retry_count),
        }
        status = "failed" if task.is_held else "cancelled"
        set_status(task, status, actor, error_message=f"Task cancelled: {why.reason}", cause=CANCELLED)
        after = {"status": status, "completed_at": task.completed_at}
        return why.action(actor, task, "cancel_task", before, after, action_id)

    return _on_task(actor, task_id, why, change)


def override_priority(actor: Actor, task_id: str, priority: str, why: Intervention) -> GuardianAction:
    """Give a task another priority. One read, one transaction.

    Raises Malformed for a priority that does not exist; NotFound, Forbidden, Conflict: TASK_STATUS (it has ended, or has this priority),
    CARD_ARCHIVED, PROJECT_ARCHIVED.
    """
    new = priority.lower()
    if new not in RANKS:
        raise Malformed(f"new_priority {priority!r} should be one of {', '.join(name.upper() for name in RANKS)}")

    def change(task: Task, action_id: str) -> GuardianAction:
        if task.status in ENDED:
            raise TaskStatus(f"This task is {task.status}: its priority does not matter any more", status=task.status)
        if task.priority == new:
            raise TaskStatus(f"This task has the priority {new.upper()} already", priority=new)
        old, task.priority = task.priority, new
        record_update(task, actor, {"priority": [old, new]})
        return why.action(actor, task, "override_priority", {"priority": old}, {"priority": new}, action_id)

    return _on_task(actor, task_id, why, change)


def _on_task(actor: Actor, task_id: str, why: Intervention, change: Any) -> GuardianAction:
    action_id = new_id()
    made: list[GuardianAction] = []

    def apply(task: Task) -> list[Operation]:
        require_authority(actor, str(task.ws_id), task.org_id, why.authority)
        made[:] = [change(task, action_id)]
        return [create(made[0])]

    change_task(actor, task_id, apply)
    return made[0]


def reallocate(actor: Actor, from_id: str, to_id: str, capacity: int, why: Intervention) -> GuardianAction:
    """Move capacity from one live agent to another one of its workspace. One read, one transaction.

    Raises Malformed if the first has too little that it does not use, or the other one would have too much; NotFound, Forbidden.
    """
    action_id = new_id()

    def attempt(_: int) -> GuardianAction:
        giver, taker = two_agents(actor, from_id, to_id)
        require_authority(actor, str(giver.ws_id), giver.org_id, why.authority)
        _check_room(giver, taker, capacity)
        before = {"from_capacity": int(giver.capacity), "to_agent_id": taker.id, "to_capacity": int(taker.capacity)}
        set_capacity(actor, giver, int(giver.capacity) - capacity)
        set_capacity(actor, taker, int(taker.capacity) + capacity)
        after = {"from_capacity": int(giver.capacity), "to_capacity": int(taker.capacity)}
        action = why.action(actor, giver, "reallocate", before, after, action_id)
        write(save(giver), save(taker), create(action))
        return action

    return retrying(attempt)


def two_agents(actor: Actor, one_id: str, other_id: str) -> tuple[LiveAgent, LiveAgent]:
    """Return two agents that the actor may run. One round trip. Raises NotFound, Forbidden."""
    rows = get_many([(LiveAgent, *LiveAgent.key(id_of(LiveAgent, one))) for one in (one_id, other_id)])
    found = []
    for row in rows:
        if not isinstance(row, LiveAgent) or row.deleted_at:
            raise NotFound(LiveAgent.NAME)
        found.append(authorize(row, actor, Permission.AGENT_RUN))
    return found[0], found[1]


def _check_room(giver: LiveAgent, taker: LiveAgent, capacity: int) -> None:
    if giver.id == taker.id:
        raise Malformed("from_agent_id and to_agent_id are the same agent")
    if giver.ws_id != taker.ws_id:
        raise Malformed("The two agents are of different workspaces")
    for agent in (giver, taker):
        if agent.status == "terminated":
            raise Malformed(f"{agent.name} is terminated")
    free = int(giver.capacity) - max(1, len(giver.task_ids))
    if capacity > free:
        raise Malformed(
            f"Insufficient capacity: {giver.name} has {max(0, free)} that it can give away; it keeps one, and what its tasks use"
        )
    if int(taker.capacity) + capacity > MAX_CAPACITY:
        raise Malformed(f"{taker.name} has {int(taker.capacity)}; an agent works on {MAX_CAPACITY} tasks at most")


def set_capacity(actor: Actor, agent: LiveAgent, capacity: int) -> None:
    """Give an agent another capacity, with the event."""
    record(agent, EventType.LIVE_AGENT_UPDATED, actor, changes={"capacity": [int(agent.capacity), capacity]})
    agent.capacity = capacity


class _IsNoted(ConditionFailed):
    """The row exists: the event was delivered before."""


def note_stopped_run(actor: Actor, run: Run, event_id: str) -> None:
    """Write the intervention that has stopped a run (`shared.runs.agent_runs.steering`). Repeating it changes nothing."""
    action = new_action(
        actor,
        run,
        "cancel_task",
        reason=run.error_message or "",
        initiated_by=actor.id,
        authority=GUARDIAN,
        before={"status": "running", "task_id": run.task_id, "run_id": run.id, "steering": run.steering or []},
        after={"status": run.status, "completed_at": run.completed_at},
        action_id=derived_id("guardian-stop", event_id),
    )
    try:
        write(create(action, _IsNoted))
    except _IsNoted:
        return
