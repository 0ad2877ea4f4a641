"""Timeouts of tasks. That the time of an attempt is up is read from the clock; nothing has to run for it to be so."""

from dataclasses import dataclass
from itertools import islice
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import CadreError, Forbidden
from shared.store import IndexRow, Operation, ReadFuture, fetch_all, index_rows, load, read_ahead
from shared.work.projects.reading import by_workspace
from shared.work.tasks.changing import TIMED_OUT, change_task, deadline_of, record_update
from shared.work.tasks.claiming import fail_attempt
from shared.work.tasks.rows import Task, TaskHead, held_in
from shared.work.tasks.statuses import ENDED

MAX_TIMEOUT: Final = 7 * 24 * 3600  # seconds: what is not done after a week is not being done
MAX_CLEANED: Final = 50  # tasks that one request ends, two round trips each
_LOOKED_AT: Final = 5_000  # tasks of a workspace on which somebody works: more than it has agents and people


@dataclass(frozen=True)
class TimeoutStatus:
    """How long an attempt has taken and may take, in seconds. `elapsed` is None if none is under way."""

    task: TaskHead
    elapsed: float | None
    remaining: float | None
    is_timed_out: bool


def set_timeout(actor: Actor, task_id: str, seconds: int) -> Task:
    """Set how long an attempt of a task may take; also for the one that is under way. Raises NotFound, Forbidden, Conflict (archived)."""

    def change(task: Task) -> list[Operation] | None:
        if task.timeout_seconds == seconds:
            return None
        before, task.timeout_seconds = task.timeout_seconds, seconds
        task.deadline = deadline_of(task)
        record_update(task, actor, {"timeout_seconds": [before, seconds]})
        return []

    return change_task(actor, task_id, change)


def get_timeout_status(actor: Actor, task_id: str) -> TimeoutStatus:
    """Return how long the attempt of a task has taken. One round trip. Raises NotFound, Forbidden."""
    task, now = load(TaskHead, task_id, actor, Permission.CARD_READ), clock.now()
    until = clock.parse(task.completed_at) if task.status in ENDED and task.completed_at else now
    elapsed = (until - clock.parse(task.started_at)).total_seconds() if task.started_at else None
    remaining = (clock.parse(task.deadline) - now).total_seconds() if task.deadline else None
    return TimeoutStatus(task, elapsed, None if remaining is None else max(0.0, remaining), task.is_timed_out(clock.iso(now)))


def list_held(
    actor: Actor, limit: int, offset: int = 0, *, agent_id: str | None = None, timed_out: bool = False
) -> tuple[list[Task], int]:
    """Return a page of the tasks on which somebody works in all the actor's workspaces, and how many there are: those of an agent, or those
    whose time is up. The earliest deadline comes first. Two round trips.
    """
    found = [row for rows in _held(actor, Permission.CARD_READ, timed_out=timed_out).values() for row in rows]
    rows = sorted((row for row in found if agent_id in (None, row.f.get("agent_id"))), key=lambda row: row.sort)
    return fetch_all(Task, [row.id for row in rows[offset:][:limit]], to_show=True), len(rows)


def end_timed_out(actor: Actor) -> tuple[int, int]:
    """Fail the attempts whose time is up, in all workspaces in which the actor may change tasks: MAX_CLEANED at most. They are repeated
    while there are attempts left. Return how many were ended, and how many there were. Raises Forbidden if there is no such workspace.
    """
    found = _held(actor, Permission.CARD_EDIT, timed_out=True)
    if not found:
        raise Forbidden
    rows = [row for ws_id, rows in found.items() if ws_id not in actor.closed for row in rows]
    ended = 0
    for row in rows[:MAX_CLEANED]:
        ended += _end(actor, row.id)
    return ended, len(rows)


def _end(actor: Actor, task_id: str) -> bool:
    """Fail the attempt of a task whose time is up, and tell whether that happened."""
    ended = False

    def change(task: Task) -> list[Operation] | None:
        nonlocal ended
        ended = task.is_timed_out(clock.iso())
        if not ended:
            return None
        fail_attempt(task, actor, f"Task timed out after {int(task.timeout_seconds)} seconds", TIMED_OUT)
        return []

    try:
        change_task(actor, task_id, change)
    except CadreError:
        return False  # its card was deleted, or its project archived: it keeps no other one from its end
    return ended


def _held(actor: Actor, permission: Permission, *, timed_out: bool) -> dict[str, list[IndexRow]]:
    between = ("0", f"{clock.iso()}#~") if timed_out else None

    def begin(ws_id: str) -> ReadFuture[list[IndexRow]]:
        return read_ahead(lambda: list(islice(index_rows(3, held_in(ws_id), between=between), _LOOKED_AT)))

    return {ws_id: read.result() for ws_id, read in by_workspace(actor, begin, permission).items()}
