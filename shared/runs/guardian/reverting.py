"""Take interventions back: what they changed is as it was before, unless somebody else has changed it since."""

from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, ConditionFailed, Conflict, NotFound
from shared.core.ids import derived_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.runs.agent_runs.model_selection import RequestedModel
from shared.runs.agent_runs.requesting import RunRequest, request_run, starter
from shared.runs.agent_runs.rows import Run
from shared.runs.guardian.acting import set_capacity
from shared.runs.guardian.policies import require_authority
from shared.runs.guardian.rows import GuardianAction, actions_on
from shared.runs.live_agents.rows import LiveAgent
from shared.runs.live_agents.statuses import set_status as set_agent_status
from shared.store import Operation, fetch, fetch_all, index_rows, load, retrying, save, write
from shared.work.tasks.changing import TaskStatus, change_task, record_update, set_status
from shared.work.tasks.rows import Task

_STACKED: Final = 50  # interventions with a task that are looked at for overrides that stand on each other


class _AlreadyReverted(NotFound):
    """As in the original service, what was reverted is not there to be reverted."""

    def __init__(self) -> None:
        super().__init__("intervention that can be reverted")


def revert(actor: Actor, action_id: str, reason: str) -> GuardianAction:
    """Take an intervention back: it needs the authority that the intervention had. Three round trips: it, what it changed, the
    transaction.

    Raises NotFound (also if it was reverted before), Forbidden, Conflict: TASK_STATUS, AGENT_STATUS (it was changed by somebody else
    since), CARD_ARCHIVED, PROJECT_ARCHIVED, and what `request_run` raises for a run that is begun again.
    """
    action = load(GuardianAction, action_id, actor, Permission.RUN_APPROVE)
    require_authority(actor, str(action.ws_id), action.org_id, int(action.authority_level))
    if action.reverted_at:
        raise _AlreadyReverted
    mark = _Mark(actor, action, reason)
    _UNDO[action.action_type](actor, action, mark)
    return mark.action


class _Mark:
    """Notes on an intervention that it was reverted: on the row that was read first, and on a new one when that was changed meanwhile."""

    def __init__(self, actor: Actor, action: GuardianAction, reason: str) -> None:
        self.actor, self.action, self.reason = actor, action, reason
        self._used = False

    def operation(self) -> Operation:
        """Return the operation that writes it. Raises NotFound if it was reverted before."""
        if self._used:
            self.action = fetch(GuardianAction, self.action.id) or self.action
        self._used, action = True, self.action
        if action.reverted_at:
            raise _AlreadyReverted
        action.reverted_at = clock.iso()
        action.reverted = {"by": self.actor.id, "name": self.actor.name, "reason": self.reason}
        action.plan()
        record(action, EventType.INTERVENTION_REVERTED, self.actor, action_type=action.action_type, reason=self.reason[:500])
        return save(action)


def _restore_task(actor: Actor, action: GuardianAction, mark: _Mark) -> None:
    if action.before.get("run_id") == action.target_entity:
        _stopped_run(actor, action, mark)
        return

    def change(task: Task) -> list[Operation]:
        if task.status != action.after["status"] or task.completed_at != action.after["completed_at"]:
            raise TaskStatus(f"The task was changed since: it is {task.status}", status=task.status)
        set_status(task, "pending", actor, agent=None, error_message=None, retry_count=action.before["retry_count"])
        return [mark.operation()]

    change_task(actor, action.target_entity, change)


def _stopped_run(actor: Actor, action: GuardianAction, mark: _Mark) -> None:
    """Begin what a stopped run did again: its task is pending, or, without a task, a new run of the agent works on the card."""
    task_id = action.before.get("task_id")
    if task_id:

        def change(task: Task) -> list[Operation]:
            if task.status != "failed" or task.work_run_id not in (None, action.target_entity):
                raise TaskStatus(f"The task was changed since: it is {task.status}", status=task.status)
            set_status(task, "pending", actor, agent=None, error_message=None)
            return [mark.operation()]

        change_task(actor, task_id, change)
        return
    old = fetch(Run, action.target_entity)
    if old is None:
        raise NotFound("run")
    run_id = derived_id("guardian-revert", action.id)
    request = RunRequest(
        model=RequestedModel(old.provider, old.model, old.temperature, int(old.max_tokens)),
        context=old.input_context.get("context"),
        parameters=old.input_context.get("parameters") or {},
        retry_of=old.id,
        attempt=int(old.attempt) + 1,
        run_id=run_id,
    )
    by = actor if actor.is_person else starter(old.triggered_by, str(old.ws_id))
    try:
        request_run(by, old.item_id, old.agent_id, request)
    except (CadreError, ConditionFailed):
        if fetch(Run, run_id) is None:  # else an earlier call has begun it, and died before it was noted
            raise
    retrying(lambda _: write(mark.operation()))


def _restore_priority(actor: Actor, action: GuardianAction, mark: _Mark) -> None:
    def change(task: Task) -> list[Operation]:
        if task.priority != action.after["priority"]:
            now = task.priority.upper()
            raise TaskStatus(f"The priority was changed since: it is {now}", priority=now)
        old, task.priority = task.priority, _priority_beneath(action)
        record_update(task, actor, {"priority": [old, task.priority]})
        return [mark.operation()]

    change_task(actor, action.target_entity, change)


def _priority_beneath(action: GuardianAction) -> str:
    """Return the priority that a task had before an override. One that an earlier override had given it is no longer its own when the time
    of that one is over, which could not be taken back while this one stood."""
    priority, now = str(action.before["priority"]), clock.iso()
    rows = index_rows(2, actions_on(str(action.ws_id), action.target_entity), newest_first=True, between=("0", action.created_at))
    for earlier in fetch_all(GuardianAction, [row.id for row in islice(rows, _STACKED)]):
        if earlier.action_type != action.action_type or earlier.reverted_at or earlier.after["priority"] != priority:
            continue
        if earlier.rollback_at is None or earlier.rollback_at > now:
            break
        priority = str(earlier.before["priority"])
    return priority


def _restore_agents(actor: Actor, action: GuardianAction, mark: _Mark) -> None:
    if "to_agent_id" in action.before:
        _restore_capacity(actor, action, mark)
        return

    def attempt(_: int) -> None:  # it was taken out of work: `shared.runs.guardian.watchdog`
        agent = fetch(LiveAgent, action.target_entity)
        if agent is None or agent.status != action.after["status"]:
            raise Conflict(Situation.AGENT_STATUS, "The agent was changed since, or is gone")
        further = set_agent_status(agent, "idle", actor, mark.reason)
        write(save(agent), *further, mark.operation())

    retrying(attempt)


def _restore_capacity(actor: Actor, action: GuardianAction, mark: _Mark) -> None:
    def attempt(_: int) -> None:
        ids = {"from_capacity": action.target_entity, "to_capacity": action.before["to_agent_id"]}
        found = {agent.id: agent for agent in fetch_all(LiveAgent, ids.values())}
        sides = [(found.get(agent_id), name) for name, agent_id in ids.items()]
        for agent, name in sides:
            if agent is None or agent.status == "terminated" or int(agent.capacity) != action.after[name]:
                what = agent.name if agent else "an agent"
                raise Conflict(Situation.AGENT_STATUS, f"The capacity of {what} was changed since, or the agent is gone")
            set_capacity(actor, agent, action.before[name])
        write(*(save(agent) for agent, _ in sides if agent is not None), mark.operation())

    retrying(attempt)


_UNDO: Final[Mapping[str, Callable[[Actor, GuardianAction, _Mark], None]]] = MappingProxyType(
    {"cancel_task": _restore_task, "override_priority": _restore_priority, "reallocate": _restore_agents}
)
