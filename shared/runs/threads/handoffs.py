"""Handoffs: an agent asks another one to take its task over, who accepts or declines.

The thread is active until one of them is done; then the task has one holder, by its fence. What the earlier holder writes from then on
is refused.
"""

from typing import Any, Final

from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import ConditionFailed, Conflict, FieldError, Forbidden, Invalid, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.runs.live_agents.health import lease_seconds
from shared.runs.live_agents.statuses import set_status
from shared.runs.threads.agents import Participant, agent_id_of, participants, require_in
from shared.runs.threads.rows import ABANDONED, ENDED_WELL, HANDOFF, Message, Thread
from shared.runs.threads.talking import NewMessage, beginning, closing, require_active, say
from shared.store import Operation, create, fetch, is_stale, load, read_ahead, retrying, save, transaction_guard, write
from shared.work.tasks.changing import TaskStatus
from shared.work.tasks.claiming import hand_over
from shared.work.tasks.rows import Task, TaskHead

REQUEST, ACCEPT, DECLINE = "handoff_request", "handoff_accept", "handoff_decline"
"""The types of the messages of a handoff."""
CATALOGUE_SECONDS: Final = 300
"""For how long an agent of the catalogue holds a task that it has accepted, until it must say so again."""


class _Changed(ConditionFailed):
    """The thread or the agent was changed since it was read."""


def request_handoff(
    actor: Actor, from_id: str, to_id: str, task_id: str, reason: str, context: dict[str, Any] | None = None
) -> tuple[Thread, Message]:
    """Ask another agent to take over a task that an agent holds. Two round trips: the task and the agent, a transaction.

    Raises NotFound, Forbidden, Invalid (no such agent, or it holds the task itself), Conflict(TASK_STATUS) if `from_id` does not hold it.
    """
    giver = agent_id_of(from_id)
    asked = read_ahead(lambda: participants([to_id], "to_agent_id"))
    task = load(TaskHead, task_id, actor, Permission.CARD_EDIT)
    taker = asked.result()[0]
    require_in(str(task.ws_id), [taker], "to_agent_id")
    if taker.id == giver:
        raise Invalid(FieldError("to_agent_id", "A task is handed to another agent", to_id))
    if not task.is_held or not task.agent or task.agent["id"] != giver:
        raise TaskStatus(f"{from_id} does not hold this task", status=task.status)
    thread = Thread.new(
        new_id(),
        org_id=task.org_id,
        ws_id=task.ws_id,
        proj_id=task.proj_id,
        type=HANDOFF,
        participants=[giver, taker.id],
        item_id=task.item_id,
        task_id=task.id,
        task_fence=int(task.fence),
        details={"reason": reason, "context": context or {}},
        created_by=actor.summary,
    )
    about = {"task_id": task.id, "context": context or {}}
    message = say(actor, thread, new_id(), NewMessage(giver, REQUEST, reason, taker.id, about))
    write(*beginning(actor, thread), create(message))
    return thread, message


def accept_handoff(actor: Actor, thread_id: str, agent_id: str, text: str) -> tuple[Thread, Message]:
    """Give the task to the agent that was asked, who must have room for it, and close the thread, all in one transaction.

    Raises NotFound, Forbidden (another agent was asked), Conflict: THREAD_STATUS (answered before), TASK_STATUS (who asked does not hold
    the task any more), AGENT_STATUS (it has no room, or does not work).
    """
    message_id = new_id()

    def attempt(_: int) -> tuple[Thread, Message]:
        thread = _load_open(actor, thread_id, agent_id)
        read = read_ahead(lambda: fetch(Task, str(thread.task_id)))
        taker = participants([thread.participants[1]], "accepting_agent_id")[0]
        task = read.result()
        if task is None or task.deleted_at:
            raise NotFound(Task.NAME)
        place = _place(taker, task.id)
        further = closing(actor, thread, ENDED_WELL, "accepted", taker.id)
        message = say(actor, thread, message_id, _answer(thread, ACCEPT, text))
        operations = [*place, save(thread, _Changed), *further, create(message)]
        seconds = lease_seconds(taker.live) if taker.live is not None else CATALOGUE_SECONDS
        with transaction_guard(lambda: operations):
            agent = {"id": taker.id, "name": taker.name}
            hand_over(actor, task.id, int(thread.task_fence or 0), agent, seconds, first=task)
        return thread, message

    return retrying(attempt, again=lambda error: isinstance(error, _Changed) or is_stale(error))


def _place(taker: Participant, task_id: str) -> list[Operation]:
    """Return the operations that give an agent a place for one task more; none for an agent of the catalogue. Raises Conflict."""
    agent = taker.live
    if agent is None:
        return []
    works = agent.status in ("idle", "running")
    if not works or not agent.has_room:
        why = "has no room for another task" if works else f"is {agent.status}"
        raise Conflict(Situation.AGENT_STATUS, f"Agent {agent.name} {why}", {"status": agent.status})
    agent.task_ids = sorted({*agent.task_ids, task_id})
    further = set_status(agent, "running", SYSTEM, "It has taken a task over") if agent.status == "idle" else []
    return [save(agent, _Changed), *further]


def decline_handoff(actor: Actor, thread_id: str, agent_id: str, reason: str) -> tuple[Thread, Message]:
    """Refuse a handoff: the task stays where it is. One read and one transaction. Raises as `accept_handoff` does for the thread."""
    message_id = new_id()

    def attempt(_: int) -> tuple[Thread, Message]:
        thread = _load_open(actor, thread_id, agent_id)
        further = closing(actor, thread, ABANDONED, "declined", thread.participants[1])
        message = say(actor, thread, message_id, _answer(thread, DECLINE, reason))
        write(save(thread), *further, create(message))
        return thread, message

    return retrying(attempt)


def _load_open(actor: Actor, thread_id: str, agent_id: str) -> Thread:
    """Load a handoff that this agent may answer. Raises NotFound, Forbidden, Conflict(THREAD_STATUS)."""
    thread = load(Thread, thread_id, actor, Permission.CARD_EDIT)
    if thread.type != HANDOFF or thread.task_fence is None:
        raise Conflict(Situation.THREAD_STATUS, "Nothing is handed over in this thread", {"thread_type": thread.type})
    require_active(thread)
    if agent_id_of(agent_id) != thread.participants[1]:
        raise Forbidden("Another agent was asked to take the task over")
    return thread


def _answer(thread: Thread, kind: str, text: str) -> NewMessage:
    giver, taker = thread.participants[:2]
    return NewMessage(taker, kind, text, giver, {"task_id": thread.task_id})
