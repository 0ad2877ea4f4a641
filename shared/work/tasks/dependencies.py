"""What a task depends on: tasks of its project that must be completed first. They are an order, so they must never contain a cycle.

Nothing depends on a new task, so only an edge between tasks that exist can close a cycle. Who adds one reads both tasks first, then all
edges of the project, consistently; and writes it on the condition that nobody else has added one since (`GraphRow.VERSION`). Of two
edges that would close a cycle together the slower one is refused, reads again, and sees the cycle.

A task waits as long as one of those tasks is not completed. Whoever notes that it waits does so on the condition that one of them is still
open: when that one is completed, its dependents are found by a consistent read, and looked at as a whole.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import Conflict, FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id
from shared.core.situations import Situation
from shared.store import (
    Operation,
    authorize,
    delete,
    fetch,
    fetch_all,
    get_many,
    id_of,
    load,
    pages,
    put,
    query,
    read_ahead,
    retrying,
    save,
    stale,
    update,
    update_with_retry,
    write,
)
from shared.work.items.dependencies import find_path
from shared.work.tasks.changing import TaskStatus, open_dependencies, record_update, refuse_archived
from shared.work.tasks.creating import needed_tasks, still_waiting, task_conditions
from shared.work.tasks.rows import MAX_DEPENDENCIES, Dependent, GraphRow, Task, TaskHead
from shared.work.tasks.statuses import ENDED

MAX_SHOWN: Final = 500
"""Dependents of a task that are shown; how many there are is counted whatever their number."""


@dataclass(frozen=True)
class Dependencies:
    """A task, the tasks that it depends on, and the first that depend on it, with the number of all."""

    task: TaskHead
    needed: list[TaskHead]
    dependents: list[TaskHead]
    dependent_count: int

    @property
    def complete(self) -> bool:
        return not any(one.is_open for one in self.needed)


def get_dependencies(actor: Actor, task_id: str) -> Dependencies:
    """Return what a task depends on and what depends on it, without deleted tasks. Two round trips. Raises NotFound, Forbidden."""
    bare = id_of(Task, task_id)
    waiting = read_ahead(
        lambda: [row.task_id for page in pages(Dependent, f"TASK#{bare}", prefix="NEEDED#") for row in page.rows]
    )
    task = load(TaskHead, bare, actor, Permission.CARD_READ)
    ids = waiting.result()
    rows = {row.id: row for row in fetch_all(TaskHead, [*task.depends_on, *ids[:MAX_SHOWN]]) if not row.deleted_at}
    return Dependencies(
        task,
        [rows[one] for one in task.depends_on if one in rows],
        [rows[one] for one in ids[:MAX_SHOWN] if one in rows],
        len(ids) - sum(one not in rows for one in ids[:MAX_SHOWN]),
    )


def add_dependencies(actor: Actor, task_id: str, needed: Sequence[str]) -> Task:
    """Let a task depend on these tasks too. Raises as `set_dependencies` does."""
    return _change(actor, task_id, needed, lambda before: list(dict.fromkeys([*before, *map(bare_id, needed)])))


def set_dependencies(actor: Actor, task_id: str, needed: Sequence[str]) -> Task:
    """Let a task depend on these tasks of its project and on no others. Three round trips.

    Raises NotFound (any of the tasks), Forbidden, Invalid (too many), Conflict: DEPENDENCY_CYCLE, TASK_STATUS (it has ended),
    CARD_ARCHIVED, PROJECT_ARCHIVED.
    """
    return _change(actor, task_id, needed, lambda _: list(dict.fromkeys(map(bare_id, needed))))


def remove_dependency(actor: Actor, task_id: str, needed_id: str) -> Task:
    """Let a task no longer depend on another one. Raises as `set_dependencies` does, and NotFound if it does not."""
    bare = bare_id(needed_id)

    def without(before: list[str]) -> list[str]:
        if bare not in before:
            raise NotFound("dependency")
        return [one for one in before if one != bare]

    return _change(actor, task_id, [], without)


def find_cycle(actor: Actor, task_id: str, needed: Sequence[str]) -> list[str]:
    """Return the ids on the cycle that there would be if a task depended on these tasks; empty if there would be none. It begins and ends
    with the task. Two round trips. Raises NotFound, Forbidden."""
    task = _read(actor, task_id, needed, Permission.CARD_READ)
    return _cycle(task.id, map(bare_id, needed), read_graph(str(task.proj_id))[1])


def _change(actor: Actor, task_id: str, named: Sequence[str], choose: Callable[[list[str]], list[str]]) -> Task:
    def attempt(_: int) -> Task:
        task = _read(actor, task_id, named, Permission.CARD_EDIT)
        refuse_archived(task)
        before: list[str] = task.depends_on
        wanted = choose(before)
        if wanted == before:
            return task
        if task.status in ENDED:
            raise TaskStatus(f"This task is {task.status}: what it depends on stays as it is", status=task.status)
        if len(wanted) > MAX_DEPENDENCIES:
            raise Invalid(FieldError("depends_on", f"A task depends on at most {MAX_DEPENDENCIES} others"))
        _write(actor, task, wanted)
        return task

    return retrying(attempt, times=8)


def _write(actor: Actor, task: Task, wanted: list[str]) -> None:
    """Write what a task depends on with the graph. Raises `stale` if either was changed since it was read."""
    proj_id, before = str(task.proj_id), task.depends_on
    added = [one for one in wanted if one not in before]
    version: list[Operation] = []
    open_read = read_ahead(partial(_open_tasks, wanted))
    if added:
        seen, graph = read_graph(proj_id)
        if cycle := _cycle(task.id, added, graph):
            reason = f"Circular dependency detected: {' -> '.join(cycle)}"
            raise Conflict(Situation.DEPENDENCY_CYCLE, reason, {"cycle": cycle})
        unchanged = GraphRow.version == seen if seen else GraphRow.version.does_not_exist()
        version = [update(GraphRow.version_of(proj_id), [GraphRow.version.add(1)], unchanged, stale)]
    open_tasks = open_read.result()
    task.depends_on, task.waiting = wanted, bool(open_tasks)
    record_update(task, actor, {"depends_on": [before, wanted]})
    edges = GraphRow.of(proj_id, task.id, wanted)
    write(
        save(task, stale),
        *task_conditions(task),
        *version,
        put(edges) if wanted else delete(edges),
        *(put(Dependent.of(one, task.id)) for one in added),
        *(delete(Dependent.of(one, task.id)) for one in before if one not in wanted),
        *still_waiting(open_tasks),
    )


def _open_tasks(ids: Iterable[str]) -> list[TaskHead]:
    return [one for one in fetch_all(TaskHead, ids) if one.is_open]


def _read(actor: Actor, task_id: str, named: Sequence[str], permission: Permission) -> Task:
    """Read a task; the others that a caller names must be of its project. Raises NotFound, Forbidden."""
    bare = id_of(Task, task_id)
    others = list(dict.fromkeys(map(bare_id, named)))
    if len(others) > MAX_DEPENDENCIES:
        raise Invalid(FieldError("depends_on", f"A task depends on at most {MAX_DEPENDENCIES} others"))
    if not all(map(is_id, others)):
        raise NotFound(Task.NAME)
    rows = get_many([(Task, *Task.key(bare)), *((TaskHead, *TaskHead.key(one)) for one in others if one != bare)])
    task = rows[0]
    if not isinstance(task, Task) or task.deleted_at:
        raise NotFound(Task.NAME)
    authorize(task, actor, permission)
    needed_tasks(actor, task, rows[1:])
    return task


def read_graph(proj_id: str, *, consistent: bool = True) -> tuple[int, list[tuple[str, str]]]:
    """Return the version of a project's graph, and its edges from a task to one that it depends on. One query for each megabyte,
    which holds some 4,000 tasks; the version comes first, so the edges are of then or later."""
    version, edges = 0, []
    for page in pages(GraphRow, GraphRow.partition(proj_id), consistent=consistent):
        for row in page.rows:
            if row.sk == GraphRow.VERSION:
                version = int(row.version)
            else:
                edges += [(str(row.sk), needed) for needed in row.depends_on]
    return version, edges


def _cycle(task_id: str, needed: Iterable[str], edges: Sequence[tuple[str, str]]) -> list[str]:
    """Return the way from a task through one of the needed ones back to it; empty if there is none. One walk, whatever their number."""
    path = find_path(edges, [*needed], task_id)
    return [task_id, *path] if path else []


def refresh_dependents(needed_id: str) -> None:
    """Note of all tasks that depend on one whether they wait, after it was completed, deleted, archived or restored. It may be repeated."""
    start = None
    while True:
        page = query(Dependent, f"TASK#{needed_id}", prefix="NEEDED#", consistent=True, limit=100, start=start)
        for row in page.rows:
            _refresh(row.task_id)
        start = page.next_key
        if start is None:
            return


def _refresh(task_id: str) -> None:
    """Note whether a task waits."""

    def change(task: Task) -> list[Operation]:
        open_tasks = [] if task.deleted_at else open_dependencies(task)
        if bool(task.waiting) == bool(open_tasks):
            return []
        task.waiting = bool(open_tasks)
        record_update(task, SYSTEM, {"waiting": [not open_tasks, bool(open_tasks)]})
        return still_waiting(open_tasks)

    found = fetch(Task, task_id)
    if found is not None:
        update_with_retry(lambda: fetch(Task, task_id) or found, change, first=found)
