"""omoios: the events of tickets: made, changed, moved, blocked, decided on."""

from collections.abc import Iterator
from typing import Any, Final

from shared.edge.views.omoios.tickets import ticket_status, upper
from shared.events import EventType
from shared.events.change import Change
from shared.work.boards.counting import card_location
from shared.work.items.places import places_of
from shared.work.items.rows import PENDING, PERSON_FIELDS, ItemHead

EventFields = tuple[str, str, str, dict[str, Any]]
"""Event type, entity type, entity id, payload."""


_DECISIONS: Final = {"approved": "TICKET_APPROVED", "rejected": "TICKET_REJECTED", "timed_out": "TICKET_TIMED_OUT"}


def ticket_created(change: Change) -> Iterator[EventFields]:
    item = change.after(ItemHead)
    payload = {"ticket_id": item.id, "title": item.title, "phase_id": item.phase_id, "status": _status(item)}
    yield "TICKET_CREATED", "ticket", item.id, payload
    if item.approval_status == PENDING:
        yield "TICKET_APPROVAL_PENDING", "ticket", item.id, {"ticket_id": item.id, "status": PENDING}


def _status(item: ItemHead) -> str:
    return ticket_status(item.status, item.status_before_block)


def ticket_updated(change: Change) -> Iterator[EventFields]:
    item = change.after(ItemHead)
    yield "TICKET_UPDATED", "ticket", item.id, {"ticket_id": item.id, "changes": _changes(change)}
    decided = _DECISIONS.get(str(item.approval_status)) if "approval_status" in change.event.changes else None
    if decided is not None:
        payload = {"ticket_id": item.id, "status": item.approval_status, "decided_by": change.event.actor["id"]}
        yield decided, "ticket", item.id, payload


def _changes(change: Change) -> dict[str, Any]:
    item = change.after(ItemHead)
    changes: dict[str, Any] = {}
    for name, (_, new) in change.event.changes.items():
        if name in PERSON_FIELDS:  # as a comment's `author_id` and `author_name`
            changes |= {f"{name}_{part}": new[part] if new else None for part in ("id", "name")}
        elif name not in {"lane_id", "status"}:
            changes[name] = new
    if "priority" in changes:
        changes["priority"] = upper(str(changes["priority"]))
    before = change.before(ItemHead)
    if before is not None and _status(before) != _status(item):
        changes["status"] = _status(item)
    if change.event.type is EventType.ITEM_DELETED:
        changes["deleted_at"] = item.deleted_at or change.event.at
    return changes


def ticket_moved(change: Change) -> Iterator[EventFields]:
    yield from _place_changes(change)
    yield from ticket_updated(change)


def block_changed(change: Change) -> Iterator[EventFields]:
    """Yield the events of a ticket that was blocked or unblocked where it was. What else changed with it is an update."""
    yield from _place_changes(change)
    if set(_changes(change)) - {"blocked_reason"}:
        yield from ticket_updated(change)


def _place_changes(change: Change) -> Iterator[EventFields]:
    """Yield what follows from where the ticket is: another column (a blocked ticket is in `blocked`), and whether it is blocked."""
    item = change.after(ItemHead)
    from_column, to_column = _columns(change, item)
    if from_column != to_column:
        payload = {"ticket_id": item.id, "from_column": from_column, "to_column": to_column}
        yield "BOARD_TICKET_MOVED", "ticket", item.id, payload
    was, now = change.event.changes.get("status", [None, None])
    if now == "blocked" or change.event.type is EventType.ITEM_BLOCKED:
        payload = {"ticket_id": item.id, "blocked_reason": item.blocked_reason or change.event.data.get("reason") or ""}
        yield "TICKET_BLOCKED", "ticket", item.id, payload
    elif was == "blocked" or change.event.type is EventType.ITEM_UNBLOCKED:
        yield "TICKET_UNBLOCKED", "ticket", item.id, {"ticket_id": item.id}


def _columns(change: Change, item: ItemHead) -> tuple[str, str]:
    """Return the ticket's column before and after: as the event says, or as the rows do."""
    said, before = places_of(change.event.changes, change.event.data), change.before(ItemHead)
    to_column = card_location(item).column_id
    from_column = card_location(before).column_id if before else to_column
    return said.get("from_column") or from_column, said.get("to_column") or to_column
