"""The work of the platform's own agents: a task is done by an agent run on its card.

The run has the budgets, approvals and limits of every run. Its lease takes the place of heartbeats: a run always ends, and its end
ends the task or gives it to the next attempt. The run's id follows from the task and its fence, so one attempt never has two runs.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from shared.agents.catalogue import Agent
from shared.agents.catalogue.registry import agents
from shared.core.actor import SYSTEM
from shared.core.errors import CadreError, ConditionFailed, Conflict, NotFound, Upstream
from shared.core.ids import derived_id
from shared.money.budgets.reserving import BudgetExhausted
from shared.runs.agent_runs.approvals import stop_run
from shared.runs.agent_runs.lease import PENDING_LEASE, WAITING_LEASE
from shared.runs.agent_runs.requesting import RunRequest, request_run, starter
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents.holding import AgentChanged, actor_for, give_up, is_held_by, take_task
from shared.runs.live_agents.rows import LiveAgent
from shared.store import IndexRow, fetch, fetch_all, is_stale, retrying, save, write
from shared.work.boards.lanes import LANES
from shared.work.boards.rows import Lane
from shared.work.items.rows import ItemHead
from shared.work.tasks.claiming import complete_task, fail_task, start_task
from shared.work.tasks.rows import Task, TaskHead

RUN_SECONDS: Final = WAITING_LEASE + PENDING_LEASE
"""For how long a run may hold a task: longer than any run lasts."""
_BUILDER: Final = "dev_backend"
"""The agent of lanes that have none of their own, unless another one's capabilities fit better."""
_SUMMARY: Final = 5_000  # characters of a summary in a task's result
_NO_BUDGET: Final = "A budget has no room for a run"  # everybody sees an agent, and not everybody what is spent
_BUSY: Final = "Another run is under way on the ticket of its task"
_PLACES: Final = 3  # times that a place is looked for in an agent that others change
log = logging.getLogger(__name__)


def doable(tasks: Sequence[IndexRow]) -> list[str]:
    """Return which of the tasks a run can do: those on whose card no run is under way come first. One round trip: the cards."""
    cards = {card.id: card for card in fetch_all(ItemHead, dict.fromkeys(row.f["item_id"] for row in tasks))}
    found = [row for row in tasks if (card := cards.get(row.f["item_id"])) and not card.deleted_at and not card.archived_at]
    return [row.id for row in sorted(found, key=lambda row: cards[row.f["item_id"]].lease_run is not None)]


def run_task(agent: LiveAgent, task_id: str) -> bool:
    """Begin a run that does a task. Return whether the agent has the task; if not, the agent says why."""
    task = fetch(Task, task_id)
    card = fetch(ItemHead, task.item_id) if task else None
    if task is None or card is None or card.deleted_at or card.archived_at or not agent.has_room:
        return False
    run_id, earlier = _run_for(task)
    if earlier is not None and _take(agent.id, task.id, earlier.id):
        end_task(earlier)
        return True
    if card.lease_run not in (None, run_id):
        note_waiting(agent.id, _BUSY)
        return False
    lane = fetch(Lane, card.lane_id)
    doer = fitting_agent(int(lane.number), agent.capabilities) if lane else None
    if doer is None:
        return False
    request = RunRequest(trigger="task", automatic=True, run_id=run_id, task_id=task.id, context=_context(task))
    try:
        request_run(starter(agent.registered_by, str(agent.ws_id)), card.id, doer.id, request)
    except Upstream:
        raise
    except (CadreError, ConditionFailed) as error:
        run = fetch(Run, run_id)
        if run is None or run.ended:
            note_waiting(agent.id, _NO_BUDGET if isinstance(error, BudgetExhausted) else str(error))
            return False
    if _take(agent.id, task.id, run_id):
        return True
    run = fetch(Run, run_id)
    if run is not None and not run.ended:
        stop_run(SYSTEM, run, "Another agent has taken the task")
    return False


def _run_for(task: TaskHead) -> tuple[str, Run | None]:
    """Return the id of the run that does this attempt of a task: one that is under way, or a new one.

    And the run that has done it already, if whoever began it died before the task was claimed. Runs that ended without work count only
    as numbers: one that could not be queued, or that another agent was faster than.
    """
    number = 0
    while True:
        run_id = derived_id("task-run", task.id, int(task.fence), number)
        run = fetch(Run, run_id)
        if run is None or not run.ended:
            return run_id, None
        if run.status == "completed":
            return run_id, run
        number += 1


def begin_task(run: Run) -> None:
    """Note that the run has begun to work on its task: from then on the task's time is counted."""
    task = fetch(TaskHead, str(run.task_id))
    if task is not None and task.status == "assigned" and task.work_run_id == run.id:
        try:
            start_task(actor_for(task), task.id, int(task.fence))
        except (Conflict, NotFound) as error:
            if is_stale(error):
                raise
            log.info("the task of a run was left as it is", extra={"run": run.id, "task": task.id, "reason": error.message})


def _take(agent_id: str, task_id: str, run_id: str) -> bool:
    """Give the agent the task that a run does; False if somebody else has it, or the agent has no room any more."""
    for _ in range(_PLACES):
        agent = fetch(LiveAgent, agent_id)
        if agent is None or agent.status not in ("idle", "running"):
            return False
        if task_id not in agent.task_ids and not agent.has_room:
            return False
        agent.waits_because = None
        try:
            take_task(agent, task_id, seconds=RUN_SECONDS, work_run_id=run_id)
        except AgentChanged:
            continue
        except (Conflict, NotFound) as error:
            if is_stale(error):
                raise
            task = fetch(TaskHead, task_id)
            return is_held_by(task, agent_id) and task is not None and task.work_run_id == run_id
        return True
    return False


def note_waiting(agent_id: str, reason: str | None) -> None:
    """Note on an agent why it does not work; None: there is nothing to do. It looks again each minute while there is a reason."""

    def attempt(_: int) -> None:
        agent = fetch(LiveAgent, agent_id)
        if agent is not None and agent.waits_because != reason:
            agent.waits_because = reason
            write(save(agent))

    log.info("no run for a task", extra={"agent": agent_id, "reason": reason})
    retrying(attempt)


def _context(task: Task) -> str:
    said = (task.validation or {}).get("last_feedback")
    feedback = f"An earlier result was reviewed: {said}" if said else None
    return "\n\n".join(part for part in (f"Do this task of the card: {task.title}", task.description, feedback) if part)


def fitting_agent(lane_number: int, capabilities: list[str]) -> Agent | None:
    """Return the catalogue's agent for a card in a lane: the one with most of the capabilities, else the lane's own."""
    usual = next((lane.agent for lane in LANES if lane.number == lane_number), None) or _BUILDER
    wanted = {one.casefold() for one in capabilities}

    def rank(agent: Agent) -> tuple[int, bool]:
        return len(wanted & {one.casefold() for one in agent.capabilities}), agent.name == usual

    there = [agent for agent in agents() if lane_number in agent.allowed_lanes and agent.status == "active"]
    return max(there, key=rank, default=None)


def end_task(run: Run) -> None:
    """End the task of a run that has ended: with its result, or with its error. A task that somebody else has meanwhile stays as it is."""
    task = fetch(TaskHead, str(run.task_id))
    if task is None or not task.is_held or task.work_run_id != run.id:
        return
    actor, fence = actor_for(task), int(task.fence)
    try:
        if run.status == "failed":
            fail_task(actor, task.id, run.error_message or "The run failed", fence=fence)
        elif run.status == "cancelled":
            give_up(actor, task.id, f"The run was cancelled: {run.error_message or 'no reason given'}", fence)
        elif run.has_only_comments:
            give_up(
                actor,
                task.id,
                "The agent has asked on the ticket, and a person has to answer; then the task can be tried again",
                fence,
            )
        else:
            complete_task(actor, task.id, _result(run), fence=fence)
    except (Conflict, NotFound) as error:
        if is_stale(error):
            raise
        log.info("the task of a run was left as it is", extra={"run": run.id, "task": task.id, "reason": error.message})


def _result(run: Run) -> dict[str, Any]:
    """Return the result of a task that a run has done: how much it made of what; the run has the rest."""
    made = {kind: len(ones) for kind, ones in (run.result_data or {}).items() if isinstance(ones, list)}
    summary = (run.result_summary or "")[:_SUMMARY]
    return {"run_id": run.id, "agent": run.agent["name"], "summary": summary, "made": made}
