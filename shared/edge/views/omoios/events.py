"""omoios, section 11: events as `{event_type, entity_type, entity_id, payload}`. The payloads are the document's; `event_id` beside them
tells a repeated delivery."""

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

from shared.edge.views.omoios.tickets import ticket_status, upper
from shared.events import EventType
from shared.events.change import Change
from shared.work.boards.lanes import COLUMN_OF_PHASE
from shared.work.discoveries.rows import Discovery
from shared.work.items.rows import PEOPLE, Item
from shared.work.tasks.rows import Task

Told = tuple[str, str, str, dict[str, Any]]
"""event type, entity type, entity id, payload"""


def messages(change: Change) -> list[dict[str, Any]]:
    """What a subscriber of events is told of a change: none, one, or two messages."""
    tell = _TELLERS.get(change.event.type)
    return [
        {
            "event_type": event_type,
            "entity_type": entity_type,
            "entity_id": entity_id,
            "payload": payload,
            "event_id": change.event.id,
            "timestamp": change.event.at,
        }
        for event_type, entity_type, entity_id, payload in (tell(change) if tell else ())
    ]


def _ticket_created(change: Change) -> Iterator[Told]:
    item = change.after(Item)
    payload = {"ticket_id": item.id, "title": item.title, "phase_id": item.phase_id, "status": _status(item)}
    yield "TICKET_CREATED", "ticket", item.id, payload


def _status(item: Item) -> str:
    return ticket_status(item.status, item.status_before_block)


def _ticket_updated(change: Change) -> Iterator[Told]:
    item = change.after(Item)
    changes: dict[str, Any] = {}
    for name, (_, new) in change.event.changes.items():
        if name in PEOPLE:  # as a comment's `author_id` and `author_name`
            changes |= {f"{name}_{part}": new[part] if new else None for part in ("id", "name")}
        elif name not in {"lane_id", "status"}:
            changes[name] = new
    if "priority" in changes:
        changes["priority"] = upper(str(changes["priority"]))
    before = change.before(Item)
    if before is not None and _status(before) != _status(item):
        changes["status"] = _status(item)
    if change.event.type is EventType.ITEM_DELETED:
        changes["deleted_at"] = item.deleted_at or change.event.at
    yield "TICKET_UPDATED", "ticket", item.id, {"ticket_id": item.id, "changes": changes}


def _ticket_moved(change: Change) -> Iterator[Told]:
    item, before = change.after(Item), change.before(Item)
    to_column = COLUMN_OF_PHASE[item.phase_id].id
    from_column = COLUMN_OF_PHASE[before.phase_id].id if before else to_column
    if from_column != to_column:
        payload = {"ticket_id": item.id, "from_column": from_column, "to_column": to_column}
        yield "BOARD_TICKET_MOVED", "ticket", item.id, payload
    yield from _ticket_updated(change)


def _ticket_blocked(change: Change) -> Iterator[Told]:
    item = change.after(Item)
    payload = {"ticket_id": item.id, "blocked_reason": item.blocked_reason or change.event.data.get("reason") or ""}
    yield "TICKET_BLOCKED", "ticket", item.id, payload


def _ticket_unblocked(change: Change) -> Iterator[Told]:
    yield "TICKET_UNBLOCKED", "ticket", change.id, {"ticket_id": change.id}


def _wip(change: Change) -> Iterator[Told]:
    data = change.event.data
    payload = {name: data[name] for name in ("column_id", "current_count", "wip_limit")}
    yield "BOARD_WIP_VIOLATION", "board", str(data.get("board_id") or change.id), payload


def _task_created(change: Change) -> Iterator[Told]:
    task = change.after(Task)
    yield "TASK_CREATED", "task", task.id, {"task_id": task.id, "ticket_id": task.item_id, "dependencies": task.depends_on}


def _task_updated(change: Change) -> Iterator[Told]:
    """What an update means shows in what it changed: the agent, the status, the tasks it waits for."""
    task, before = change.after(Task), change.before(Task)
    agent, had = task.agent, before.agent if before else None
    if agent and (not had or had["id"] != agent["id"]):
        yield "TASK_ASSIGNED", "task", task.id, {"task_id": task.id, "agent_id": agent["id"]}
    was, now = change.status()
    if was != now and now == "completed":
        yield "TASK_COMPLETED", "task", task.id, {"task_id": task.id, "result": task.result}
    if was != now and now == "failed":
        yield "TASK_FAILED", "task", task.id, {"task_id": task.id, "error_message": task.error_message or ""}
    for depended in task.depends_on:
        if before is not None and depended not in before.depends_on:
            yield "TASK_DEPENDENCY_ADDED", "task", task.id, {"task_id": task.id, "depends_on_task_id": depended}


def _discovered(change: Change) -> Iterator[Told]:
    found = change.after(Discovery)
    payload = {
        "discovery_id": found.id,
        "type": found.type,
        "task_id": found.task_id,
        "agent_id": found.agent["id"],
        "description": found.description,
        "spawned_task_id": found.spawned_task_ids[0] if found.spawned_task_ids else None,
    }
    yield "DISCOVERY_MADE", "discovery", found.id, payload


_TELLERS: MappingProxyType[EventType, Callable[[Change], Iterator[Told]]] = MappingProxyType(
    {
        EventType.ITEM_CREATED: _ticket_created,
        EventType.ITEM_UPDATED: _ticket_updated,
        EventType.ITEM_DELETED: _ticket_updated,
        EventType.ITEM_MOVED: _ticket_moved,
        EventType.ITEM_BLOCKED: _ticket_blocked,
        EventType.ITEM_UNBLOCKED: _ticket_unblocked,
        EventType.WIP_EXCEEDED: _wip,
        EventType.TASK_CREATED: _task_created,
        EventType.TASK_UPDATED: _task_updated,
        EventType.DISCOVERY_MADE: _discovered,
    }
)
