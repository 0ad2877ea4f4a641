"""Discoveries become tasks, and are resolved when these are done."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.core import clock
from shared.core.actor import SYSTEM, Actor, Permission
from shared.core.errors import LimitExceeded, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.store import (
    Entity,
    LastBlock,
    Operation,
    check,
    create,
    fetch,
    fetch_all,
    load,
    pages,
    retrying,
    save,
    update_with_retry,
    write,
)
from shared.work.boards.counting import require_writable
from shared.work.discoveries.rows import Discovery
from shared.work.items.rows import ItemHead
from shared.work.items.rules import refuse_archived
from shared.work.tasks.creating import NewTask, add_task_once
from shared.work.tasks.rows import Task, TaskHead, tasks_of
from shared.work.tasks.statuses import ENDED, RANKS

MAX_SPAWNED: Final = 50
_BY_RANK: Final = tuple(RANKS)


@dataclass(frozen=True)
class SpawnedTask:
    """The values of a task that a discovery becomes. Without a priority it is one level above the discovery's, without a phase the card's
    is its phase."""

    description: str
    priority: str | None = None
    phase_id: str | None = None


def boosted(priority: str) -> str:
    """Return the priority one level above."""
    return _BY_RANK[max(0, RANKS[priority] - 1)]


def spawn_task(actor: Actor, discovery_id: str, new: SpawnedTask) -> Task:
    """Create a task for a discovery, which is then in progress. Three round trips.

    Raises NotFound, Forbidden, LimitExceeded (MAX_SPAWNED tasks), Conflict: CARD_ARCHIVED, PROJECT_ARCHIVED.
    """
    task_id = new_id()
    return retrying(lambda _: _spawn(actor, discovery_id, new, task_id))


def _spawn(actor: Actor, discovery_id: str, new: SpawnedTask, task_id: str) -> Task:
    discovery = load(Discovery, discovery_id, actor, Permission.CARD_EDIT)
    last = LastBlock(tasks_of(str(discovery.ws_id)))
    card = fetch(ItemHead, discovery.item_id)
    if card is None or card.deleted_at:
        raise NotFound(Discovery.NAME)
    refuse_archived(card)
    if len(discovery.spawned_task_ids) >= MAX_SPAWNED:
        raise LimitExceeded(Situation.LIMIT_REACHED, f"A discovery becomes at most {MAX_SPAWNED} tasks", {"limit": MAX_SPAWNED})
    before = discovery.status
    discovery.spawned_task_ids = [*discovery.spawned_task_ids, task_id]
    discovery.status, discovery.resolved_at = "in_progress", None
    _record(discovery, actor, before, spawned_task_id=task_id)
    values = NewTask(
        None,
        new.description,
        f"discovery_{discovery.type}",
        new.priority or boosted(discovery.priority),
        new.phase_id,
        discovery_id=discovery.id,
    )
    return add_task_once(actor, card, task_id, values, last, [save(discovery)])


def set_resolution(actor: Actor, discovery_id: str, status: str) -> Discovery:
    """Set the status of a discovery by hand. One read, one transaction. Raises NotFound, Forbidden, Conflict (archived project)."""

    def change(discovery: Discovery) -> list[Operation]:
        if discovery.status == status:
            return []
        before, discovery.status = discovery.status, status
        discovery.resolved_at = clock.iso() if status in {"resolved", "invalid"} else None
        _record(discovery, actor, before)
        return [_card_is_there(discovery), require_writable(discovery.board_id)]

    return update_with_retry(lambda: load(Discovery, discovery_id, actor, Permission.CARD_EDIT), change)


def resolve_by_task(task: TaskHead) -> None:
    """Resolve the discovery of a task that has ended, if none of its tasks goes on and one was completed. It may be repeated."""
    found = fetch(Discovery, str(task.discovery_id))
    if found is None or found.deleted_at:
        return

    def change(discovery: Discovery) -> None:
        tasks = [one for one in fetch_all(TaskHead, discovery.spawned_task_ids) if not one.deleted_at]
        goes_on = any(one.status not in ENDED for one in tasks)
        if discovery.status == "in_progress" and not goes_on and any(one.status == "completed" for one in tasks):
            discovery.status, discovery.resolved_at = "resolved", clock.iso()
            _record(discovery, SYSTEM, "in_progress")

    update_with_retry(partial(_again, found), change, first=found)


def delete_of_card(item_id: str) -> None:
    """Delete the discoveries of a deleted card. Repeating it changes nothing."""
    for page in pages(Entity, f"ITEM#{item_id}", index=1, prefix="DSC#", limit=100):
        for row in page.rows:
            found = fetch(Discovery, row.entity_id)
            if found is not None:
                update_with_retry(partial(_again, found), _delete, first=found)


def _again(discovery: Discovery) -> Discovery:
    return fetch(Discovery, discovery.id) or discovery


def _delete(discovery: Discovery) -> None:
    if not discovery.deleted_at:
        discovery.deleted_at = clock.iso()
        _record(discovery, SYSTEM, discovery.status)


def _record(discovery: Discovery, actor: Actor, before: str, spawned_task_id: str | None = None) -> None:
    changes = {"status": [before, discovery.status]} if before != discovery.status else {}
    record(
        discovery,
        EventType.DISCOVERY_UPDATED,
        actor,
        changes=changes,
        type=discovery.type,
        card_id=discovery.item_id,
        spawned_task_id=spawned_task_id,
    )


def _card_is_there(discovery: Discovery) -> Operation:
    card = ItemHead(*ItemHead.key(discovery.item_id))
    return check(card, ItemHead.deleted_at.does_not_exist(), NotFound(Discovery.NAME))


@dataclass(frozen=True)
class NewDiscovery:
    """The values of a discovery that an agent reports. `agent`: `{id, name}`, the caller itself unless given."""

    type: str
    description: str
    priority: str = "medium"
    agent: dict[str, str] | None = None


def report_discovery(actor: Actor, task_id: str, new: NewDiscovery) -> Discovery:
    """Record a discovery that was made while working on a task. One read, one transaction.

    Raises NotFound, Forbidden, Conflict (archived project).
    """
    task = load(TaskHead, task_id, actor, Permission.CARD_EDIT)
    agent = {"kind": "agent"} | new.agent if new.agent else actor.summary
    discovery = Discovery.new(
        new_id(),
        org_id=task.org_id,
        ws_id=task.ws_id,
        proj_id=task.proj_id,
        type=new.type,
        description=new.description,
        priority=new.priority,
        item_id=task.item_id,
        board_id=task.board_id,
        task_id=task.id,
        run_id=task.work_run_id,
        agent=agent,
    )
    record(
        discovery,
        EventType.DISCOVERY_MADE,
        actor,
        type=new.type,
        description=new.description[:500],
        priority=new.priority,
        card_id=task.item_id,
    )
    write(create(discovery), _card_is_there(discovery), require_writable(task.board_id))
    return discovery
