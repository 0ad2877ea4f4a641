"""Claims: an agent holds a task under a lease.

    claimed = claim_task(actor, task_id, {"id": ..., "name": ...}, seconds=60)      its fence is that of the claim
    renew_lease(actor, task_id, claimed.fence, seconds=60)                           as long as the agent lives
    complete_task(actor, task_id, result, fence=claimed.fence)                       or fail_task, release_task

A lease that has ended makes the task claimable by anybody else, by a condition of the write: nobody has to sweep. From then on the
fence is another one, and whatever the old holder writes is refused. An attempt that failed, or whose holder was lost, is repeated
until `max_retries` of them have failed; then the task has failed.
"""

from collections.abc import Callable, Collection
from functools import partial
from itertools import islice
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import Conflict, NotFound
from shared.store import IndexRow, Operation, index_rows, load, read_ahead, retrying, update, write
from shared.work.boards.lanes import COLUMN_BY_PHASE
from shared.work.tasks.changing import LOST, TIMED_OUT, TaskStatus, change_task, finish, require_ready, set_status
from shared.work.tasks.rows import Task, TaskHead, leased_in, ready_in
from shared.work.tasks.statuses import RANKS, REVIEWED

LOOKED_AT: Final = 200
"""Tasks of a phase that are looked at for one of a wanted type, and as many of those whose holder was lost: one query each."""
MAX_HANDOVERS: Final = 10
"""Of a task since it was claimed. Each begins its time anew, so two agents could pass it to each other for ever."""


class FenceLost(TaskStatus):
    """The holder of an earlier claim may no longer write."""

    def __init__(self) -> None:
        super().__init__("This task is no longer held under this fence: its lease ended, or it was taken back")


def claim_task(
    actor: Actor,
    task_id: str,
    agent: dict[str, str],
    seconds: float,
    *,
    work_run_id: str | None = None,
    first: Task | None = None,
) -> Task:
    """Give a task to an agent, `{id, name}`, for some seconds. The fence of the task that is returned is that of the claim.
    `first`: the task was read already.

    Raises NotFound, Forbidden, Conflict: TASK_STATUS (somebody holds it, it waits for others, it has ended, its attempts are used up),
    CARD_ARCHIVED, PROJECT_ARCHIVED. One read and one transaction, one more read for a task that depends on others.
    """

    def change(task: Task) -> list[Operation]:
        lost = task.is_lost(clock.iso())
        cause = _cause_of_loss(task) if lost else None
        if lost and int(task.retry_count) >= int(task.max_retries):
            _fail(task, actor, _loss(task), cause)
            return []
        if not lost and task.status != "pending":
            raise TaskStatus(f"This task is {task.status}: only one that is pending can be claimed", status=task.status)
        require_ready(task)
        if lost:
            task.error_message = _loss(task)
            task.retry_count += 1
        task.fence += 1
        task.deadline = task.started_at = task.handed_over = None
        task.work_run_id = work_run_id
        holder = {"kind": "agent", "id": agent["id"], "name": agent["name"]}
        set_status(task, "assigned", actor, cause=cause, agent=holder, lease_until=clock.in_seconds(seconds))
        return []

    task = change_task(actor, task_id, change, first=first)
    if not task.is_held:
        raise TaskStatus("This task has failed: the last of its attempts was lost", status=task.status)
    return task


def claim_next(
    actor: Actor,
    proj_id: str,
    agent: dict[str, str],
    seconds: float,
    *,
    phases: Collection[str] = (),
    fits: Callable[[str], bool] = lambda _: True,
) -> Task | None:
    """Give an agent the first task that it can have (`next_claimable`); None if there is none. The caller may edit the project's cards."""
    for row in next_claimable(proj_id, phases=phases, fits=fits):
        try:
            return claim_task(actor, row.id, agent, seconds)
        except (Conflict, NotFound):
            continue  # somebody was faster
    return None


def next_claimable(
    proj_id: str, *, phases: Collection[str] = (), fits: Callable[[str], bool] = lambda _: True, limit: int = 10
) -> list[IndexRow]:
    """Return the first tasks of a project that can be claimed, by priority and age: those that are ready, and those whose holder was lost.

    Without phases all are meant; `fits` tells by a task's type whether it is wanted. LOOKED_AT rows are read of each phase; a query for
    each, side by side.
    """
    wanted = sorted(set(phases) or COLUMN_BY_PHASE)
    reads = [read_ahead(partial(_first, ready_in(proj_id, phase))) for phase in wanted]
    lost = lost_tasks(proj_id)
    rows = [*(row for row in lost if row.f["phase_id"] in wanted), *(row for read in reads for row in read.result())]
    fitting = [row for row in rows if fits(row.f["task_type"])]
    return sorted(fitting, key=lambda row: (RANKS[row.f["priority"]], row.id))[:limit]


def lost_tasks(proj_id: str, number: int = LOOKED_AT) -> list[IndexRow]:
    """Return the first tasks of a project whose holder was lost. One query."""
    return _first(leased_in(proj_id), ("0", f"{clock.iso()}#~"), number)


def _first(partition: str, between: tuple[str, str] | None = None, number: int = LOOKED_AT) -> list[IndexRow]:
    return list(islice(index_rows(4, partition, between=between, limit=number), number))


def start_task(actor: Actor, task_id: str, fence: int) -> Task:
    """Note that the holder of a task has begun to work on it. Raises NotFound, Forbidden, Conflict (TASK_STATUS: the fence is old)."""

    def change(task: Task) -> list[Operation] | None:
        require_fence(task, fence)
        if task.status == "running":
            return None
        set_status(task, "running", actor)
        return []

    return change_task(actor, task_id, change)


def renewal(task: TaskHead, fence: int, seconds: float) -> Operation:
    """Return the operation that lets the lease of a task, as it was read, end so many seconds from now. It has no event.

    Refused (FenceLost) if the task is not held under this fence; by a version conflict (`is_stale`) if it was changed since it was read.
    """
    require_fence(task, fence)
    now, until = clock.iso(), clock.in_seconds(seconds)
    if task.is_timed_out(now):
        raise TaskStatus("The time of this task is up", deadline=task.deadline)
    actions: list[Any] = [TaskHead.lease_until.set(until), TaskHead.version.add(1), TaskHead.updated_at.set(now)]
    if task.status not in REVIEWED:  # nobody may claim that, so it stands among the lost ones at no time
        claimable_at = min(until, task.deadline) if task.deadline else until
        actions += [TaskHead.gsi4pk.set(leased_in(str(task.proj_id))), TaskHead.gsi4sk.set(f"{claimable_at}#{task.id}")]
    held = (TaskHead.fence == fence) & (TaskHead.version == task.version)
    return update(TaskHead(*TaskHead.key(task.id)), actions, held)


def renew_lease(actor: Actor, task_id: str, fence: int, seconds: float) -> str:
    """Let a lease end so many seconds from now. Return when. Raises NotFound, Forbidden, Conflict (TASK_STATUS: the fence is old, or the
    time of the task is up). One read, one write."""

    def attempt(_: int) -> str:
        task = load(TaskHead, task_id, actor, Permission.CARD_EDIT)
        write(renewal(task, fence, seconds))
        return clock.in_seconds(seconds)

    return retrying(attempt)


def hand_over(
    actor: Actor, task_id: str, fence: int, agent: dict[str, str], seconds: float, *, first: Task | None = None
) -> Task:
    """Give a task that is held under a fence to another agent, `{id, name}`, under a new one: it begins anew, and no attempt has failed.

    `first`: the task, if it was loaded already.
    Raises NotFound, Forbidden, Conflict (TASK_STATUS: the fence is old, the lease has ended, the work is being checked, or it was handed
    over MAX_HANDOVERS times). One read and one transaction.
    """

    def change(task: Task) -> list[Operation]:
        require_fence(task, fence)
        if task.is_lost(clock.iso()):
            raise FenceLost
        if task.status not in {"assigned", "running"}:
            raise TaskStatus(f"A task that is {task.status} stays with its agent", status=task.status)
        if int(task.handed_over or 0) >= MAX_HANDOVERS:
            reason = f"This task was handed over {MAX_HANDOVERS} times: its agent does it, or gives it back"
            raise TaskStatus(reason, status=task.status)
        task.handed_over = int(task.handed_over or 0) + 1
        task.fence += 1
        task.deadline = task.started_at = task.work_run_id = None
        holder = {"kind": "agent", "id": agent["id"], "name": agent["name"]}
        set_status(task, "assigned", actor, agent=holder, lease_until=clock.in_seconds(seconds))
        return []

    return change_task(actor, task_id, change, first=first)


def release_task(actor: Actor, task_id: str, fence: int | None = None) -> Task:
    """Give a task back: it is pending again, and no attempt has failed. Raises as `complete_task` does."""

    def change(task: Task) -> list[Operation]:
        require_fence(task, fence)
        set_status(task, "pending", actor, agent=None)
        return []

    return change_task(actor, task_id, change)


def complete_task(actor: Actor, task_id: str, result: Any = None, *, fence: int | None = None) -> Task:
    """End a task that is held with its result. With a fence only its holder can. One that needs a review is submitted for it.

    Raises NotFound, Forbidden, Conflict (TASK_STATUS: the fence is old, nobody holds the task; CARD_ARCHIVED, PROJECT_ARCHIVED).
    """

    def change(task: Task) -> list[Operation]:
        require_fence(task, fence)
        finish(task, actor, result)
        return []

    return change_task(actor, task_id, change)


def fail_task(actor: Actor, task_id: str, error_message: str, *, fence: int | None = None) -> Task:
    """End an attempt that has failed: the task is pending again, or has failed if its attempts are used up. Raises as `complete_task`."""

    def change(task: Task) -> list[Operation]:
        require_fence(task, fence)
        fail_attempt(task, actor, error_message)
        return []

    return change_task(actor, task_id, change)


def fail_attempt(task: Task, actor: Actor, error_message: str, cause: str | None = None) -> None:
    """Set what follows from a failed attempt, and record it."""
    if int(task.retry_count) >= int(task.max_retries):
        _fail(task, actor, error_message, cause)
    else:
        retry_count = int(task.retry_count) + 1
        set_status(task, "pending", actor, cause=cause, agent=None, error_message=error_message, retry_count=retry_count)


def _fail(task: Task, actor: Actor, error_message: str, cause: str | None) -> None:
    set_status(task, "failed", actor, cause=cause, error_message=error_message)


def _cause_of_loss(task: Task) -> str:
    return TIMED_OUT if task.is_timed_out(clock.iso()) else LOST


def _loss(task: Task) -> str:
    """Return why somebody else may claim a task."""
    name = task.agent["name"] if task.agent else "its holder"
    return (
        f"Not heard from {name} in time" if not task.is_timed_out(clock.iso()) else f"Took longer than {task.timeout_seconds} s"
    )


def require_fence(task: TaskHead, fence: int | None) -> None:
    """Raise FenceLost unless a task is held, and under this fence if one is given."""
    if not task.is_held:
        if fence is not None:
            raise FenceLost
        raise TaskStatus(f"This task is {task.status}: nobody works on it", status=task.status)
    if fence is not None and int(task.fence) != fence:
        raise FenceLost
