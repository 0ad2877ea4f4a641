"""Creating tasks of a card."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import starmap
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid, LimitExceeded, NotFound
from shared.core.ids import bare_id, is_id, new_id
from shared.core.situations import Situation
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.store import (
    LastBlock,
    Operation,
    authorize,
    check,
    create,
    enter,
    fetch,
    get_many,
    load,
    put,
    retrying,
    update,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.items.pending import refuse_unapproved
from shared.work.items.rows import Item, ItemHead
from shared.work.items.rules import refuse_archived
from shared.work.tasks.rows import (
    MAX_CARD_TASKS,
    MAX_DEPENDENCIES,
    MAX_RETRIES,
    CardTasks,
    Dependent,
    GraphRow,
    Task,
    TaskHead,
    tasks_of,
)

_TITLE = 100  # characters of a title that is made of a description


@dataclass(frozen=True)
class NewTask:
    """The values of a new task. Without a title the beginning of the description is its title, without a phase the card's is its phase."""

    title: str | None
    description: str | None = None
    task_type: str = "implementation"
    priority: str = "medium"
    phase_id: str | None = None
    depends_on: Sequence[str] = ()
    timeout_seconds: int | None = None
    max_retries: int = MAX_RETRIES
    run_id: str | None = None
    discovery_id: str | None = None
    validated: bool = False
    """Whether only a review that passes completes it."""


def create_task(
    actor: Actor,
    card: Item,
    task_id: str,
    title: str,
    description: str | None,
    *,
    task_type: str = "implementation",
    priority: str = "medium",
    depends_on: Sequence[str] = (),
    run_id: str | None = None,
) -> Task:
    """Create a task as `add_task` does, from its single values."""
    new = NewTask(title, description, task_type, priority, depends_on=depends_on, run_id=run_id)
    return add_task(actor, card, task_id, new)


def create_card_task(actor: Actor, item_id: str, new: NewTask) -> Task:
    """Create a task of a card as `add_task` does. Three round trips. Raises also Forbidden and Conflict (CARD_ARCHIVED)."""

    def attempt(_: int) -> Task:
        card = load(ItemHead, item_id, actor, Permission.CARD_EDIT)
        refuse_archived(card)
        return add_task_once(actor, card, new_id(), new, LastBlock(tasks_of(str(card.ws_id))))

    return retrying(attempt)


def add_task(actor: Actor, card: ItemHead, task_id: str, new: NewTask) -> Task:
    """Create a task of a card; the caller has checked that the actor may edit the card. Safe to repeat with the same id.

    `depends_on` names tasks of the card's project that must be completed first: nothing depends on a new task, so it closes no cycle.
    Raises NotFound for any other, Invalid for too many, LimitExceeded (the card has MAX_CARD_TASKS), Conflict (archived project). Two round
    trips, three if it depends on others.
    """

    def attempt(_: int) -> Task:
        last = LastBlock(tasks_of(str(card.ws_id)))
        existing = fetch(Task, task_id)
        if existing is not None and existing.item_id == card.id:
            return existing
        return add_task_once(actor, card, task_id, new, last)

    return retrying(attempt)


def add_task_once(
    actor: Actor, card: ItemHead, task_id: str, new: NewTask, last: LastBlock, beside: Sequence[Operation] = ()
) -> Task:
    """Create a task as `add_task` does, with a new id, and with what is written in the same transaction. `last`: the last block of the
    workspace's tasks, which is being read. Raises a version conflict too (`is_stale`)."""
    needed = list(dict.fromkeys(map(bare_id, new.depends_on)))
    if len(needed) > MAX_DEPENDENCIES:
        raise Invalid(FieldError("depends_on", f"A task depends on at most {MAX_DEPENDENCIES} others"))
    if not all(map(is_id, needed)):
        raise NotFound(Task.NAME)
    others = get_many([(TaskHead, *TaskHead.key(one)) for one in needed])
    open_tasks = [one for one in needed_tasks(actor, card, others) if one.is_open]
    task, operations = build_task(actor, card, task_id, new, last, needed, waiting=bool(open_tasks))
    write(*operations, *task_conditions(task), *order_rows(task), *still_waiting(open_tasks), *beside)
    return task


def build_task(
    actor: Actor,
    card: ItemHead,
    task_id: str,
    new: NewTask,
    last: LastBlock,
    depends_on: Sequence[str] = (),
    *,
    waiting: bool = False,
) -> tuple[Task, list[Operation]]:
    """Return a task with its event, not yet written, and what creates and counts it: for a transaction that writes its card."""
    task = make_task(actor, card, task_id, new, depends_on, waiting=waiting)
    return task, file_tasks([task], last)


def make_task(
    actor: Actor, card: ItemHead, task_id: str, new: NewTask, depends_on: Sequence[str] = (), *, waiting: bool = False
) -> Task:
    """Return a task with its event, neither written nor counted."""
    refuse_unapproved(card)
    description = new.description
    task = Task.new(
        task_id,
        org_id=card.org_id,
        ws_id=card.ws_id,
        proj_id=card.proj_id,
        item_id=card.id,
        board_id=card.board_id,
        title=new.title or title_of(description or ""),
        description=description,
        task_type=new.task_type,
        priority=new.priority,
        phase_id=new.phase_id or card.phase_id,
        depends_on=list(depends_on),
        waiting=waiting,
        timeout_seconds=new.timeout_seconds,
        max_retries=new.max_retries,
        run_id=new.run_id,
        discovery_id=new.discovery_id,
        validation={"enabled": True} if new.validated else None,
        created_by=actor.summary,
    )
    record(
        task,
        EventType.TASK_CREATED,
        actor,
        title=task.title,
        task_type=task.task_type,
        priority=task.priority,
        phase_id=task.phase_id,
        card_id=card.id,
        run_id=task.run_id,
        discovery_id=task.discovery_id,
    )
    return task


def file_tasks(tasks: Sequence[Task], last: LastBlock) -> list[Operation]:
    """Return what creates tasks of one workspace, counts them there, and takes their places on their cards.

    Several are a millisecond apart, so that they are listed in this order.
    """
    first = clock.parse(tasks[0].created_at)
    for number, task in enumerate(tasks):
        task.created_at = clock.iso(first + timedelta(milliseconds=number))
    place = enter(tasks_of(str(tasks[0].ws_id)), last.result(), *(task.label for task in tasks))
    for task in tasks:
        task.counted_in = place.start
    by_card = Counter(task.item_id for task in tasks)
    return [*map(create, tasks), *place.operations, *starmap(_take_places, by_card.items())]


def order_rows(task: Task) -> list[Operation]:
    """Return the rows of a new task in the graph of its project, and at the tasks that it depends on."""
    if not task.depends_on:
        return []
    graph = GraphRow.of(str(task.proj_id), task.id, task.depends_on)
    return [put(graph), *(put(Dependent.of(one, task.id)) for one in task.depends_on)]


def _take_places(item_id: str, number: int) -> Operation:
    """Return the operation that counts new tasks of a card. Refused with LimitExceeded if the card would have more than it takes."""
    room = CardTasks.made.does_not_exist() | (CardTasks.made <= MAX_CARD_TASKS - number)
    return update(CardTasks.of(item_id), [CardTasks.made.add(number)], room, _too_many)


def _too_many(_: dict[str, Any] | None) -> LimitExceeded:
    reason = Wording("A {card} takes at most {limit} tasks; divide it into several", limit=MAX_CARD_TASKS)
    return LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_CARD_TASKS})


def needed_tasks(actor: Actor, card: ItemHead | TaskHead, rows: Sequence[object]) -> list[TaskHead]:
    """Return the rows if all are tasks of the project of a card or a task. Raises NotFound."""
    tasks = [row for row in rows if isinstance(row, TaskHead) and not row.deleted_at]
    if len(tasks) < len(rows) or any(authorize(one, actor).proj_id != card.proj_id for one in tasks):
        raise NotFound(Task.NAME)
    return tasks


def still_waiting(open_tasks: Sequence[TaskHead]) -> list[Operation]:
    """Return the condition that the first of these tasks is still open. When it no longer is, its dependents are looked at as a whole."""
    still_open = (TaskHead.status != "completed") & TaskHead.deleted_at.does_not_exist() & TaskHead.archived_at.does_not_exist()
    return [check(TaskHead(*TaskHead.key(task.id)), still_open) for task in open_tasks[:1]]


def task_conditions(task: TaskHead) -> list[Operation]:
    """Return the conditions for changing a task: its card is not deleted and its project is not archived."""
    card = check(ItemHead(*ItemHead.key(task.item_id)), ItemHead.deleted_at.does_not_exist(), NotFound(Task.NAME))
    return [card, require_writable(task.board_id)]


def title_of(description: str) -> str:
    """Return the first line of a description, cut at a word, as a title."""
    line = description.strip().partition("\n")[0].strip()
    if len(line) <= _TITLE:
        return line
    return line[: _TITLE - 1].rpartition(" ")[0].rstrip(" ,.;:") + "…" if " " in line[: _TITLE - 1] else line[: _TITLE - 1] + "…"
