"""Updating a card. A new status can also move the card: finishing moves it to the done lane, reopening moves it back.

new status       the card was                  effect
done             in any lane                   it moves to the board's done lane, whose limit is ignored: finished work is not in progress
not done         done, in a done lane          it returns to its earlier lane, else to the last lane that is not done; the limit applies
blocked          draft, ready, in_progress     it keeps its lane; `status_before_block` stores its status
not blocked      blocked                       it is unblocked
open             in any lane                   it is ready; a draft stays one, also one that was blocked
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import TransitionRefused
from shared.core.ids import bare_id
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.store import Operation, fetch, get_many, load, update_with_retry
from shared.work.boards.counting import card_location, require_writable
from shared.work.boards.lanes import COLUMN_BY_ID, phase_category
from shared.work.boards.reading import BoardSnapshot, assemble_board, board_keys
from shared.work.boards.rows import Lane
from shared.work.items import custom_fields
from shared.work.items.assignees import member_summary
from shared.work.items.dependencies import refuse_open_dependencies
from shared.work.items.filing import filing_of, reindex
from shared.work.items.pending import refuse_unapproved
from shared.work.items.places import move_data
from shared.work.items.rows import PERSON_FIELDS, Item
from shared.work.items.rules import (
    refuse_archived,
    refuse_lane_mismatch,
    refuse_oversized,
    refuse_type,
    unique_labels,
    unique_tags,
    wip_limit,
)
from shared.work.items.stays import enter_lane

PLAIN_FIELDS: Final = (
    "title",
    "description",
    "type",
    "priority",
    "labels",
    "tags",
    "estimated_hours",
    "due_date",
    "acceptance_criteria",
    "external_links",
    "approval_status",
    "context",
)
_RECORDED_FIELDS: Final = (
    *PLAIN_FIELDS,
    "status",
    "lane_id",
    "phase_id",
    "assignee",
    "custom_fields",
    "blocked_reason",
)
_UNIQUE: Final[Mapping[str, Callable[[Any], Any]]] = {"labels": unique_labels, "tags": unique_tags}
_MAX_EVENT_VALUE = 500  # characters of a value that an event stores


def update_item(actor: Actor, item_id: str, changes: Mapping[str, Any], *, read: Callable[[], Item] | None = None) -> Item:
    """Change the given fields of a card: PLAIN_FIELDS, `status` (with `blocked_reason`), `assignee_id` (None: nobody), `custom_fields`
    (merged key by key). `read` loads the card in another way than by its id alone.

    Raises NotFound, Forbidden, Invalid, TransitionRefused (a lane's rule, an open dependency) and Conflict (archived).
    One read and one write; one more read for custom fields or a status that moves the card, and one for a new assignee.
    """

    return change_item(read or (lambda: load(Item, item_id, actor, Permission.CARD_EDIT)), actor, lambda _: changes)


def _nothing(_: Item) -> Sequence[Operation]:
    return ()


def change_item(
    read: Callable[[], Item],
    actor: Actor,
    decide: Callable[[Item], Mapping[str, Any]],
    *,
    beside: Callable[[Item], Sequence[Operation]] = _nothing,
    first: Item | None = None,
    column_limit: bool = False,
) -> Item:
    """Change a card as `update_item` does; `decide` returns what to change of the card as it is, and is asked again if another writer was
    faster. It may set other attributes itself. `beside` returns what is written with the change. `first`: the card was read already.
    `column_limit`: a column that it enters must have room."""

    def change(item: Item) -> list[Operation] | None:
        attempt = _Change(actor, item, column_limit)
        operations = attempt.apply(decide(item))
        return None if operations is None else [*operations, *beside(item)]

    return update_with_retry(read, change, first=first)


def block_item(actor: Actor, item_id: str, reason: str) -> Item:
    """Block a card; for a blocked card only the reason changes. Raises as `update_item` does."""
    return update_item(actor, item_id, {"status": "blocked", "blocked_reason": reason})


def unblock_item(actor: Actor, item_id: str) -> Item:
    """Unblock a card and restore its earlier status; a card that is not blocked stays as it is. Raises as `update_item` does, and
    TransitionRefused if its column has filled up meanwhile."""

    def read() -> Item:
        return load(Item, item_id, actor, Permission.CARD_EDIT)

    return change_item(read, actor, lambda _: {"status": "unblocked"}, column_limit=True)


class _Change:
    """One attempt to change one card."""

    def __init__(self, actor: Actor, item: Item, column_limit: bool = False) -> None:
        self.actor, self.item, self.has_column_limit = actor, item, column_limit
        self.before = {name: getattr(item, name) for name in _RECORDED_FIELDS}
        self.location, self.filed = card_location(item), filing_of(item)
        self.lane_limit: int | None = None
        self._board: BoardSnapshot | None = None

    def apply(self, changes: Mapping[str, Any]) -> list[Operation] | None:
        item = self.item
        refuse_archived(item)
        for name in PLAIN_FIELDS:
            if name in changes:
                setattr(item, name, _UNIQUE[name](changes[name]) if name in _UNIQUE else changes[name])
        if "assignee_id" in changes:
            assignee_id = changes["assignee_id"]
            if not assignee_id:
                item.assignee = None
            elif item.assignee is None or item.assignee["id"] != bare_id(assignee_id):
                item.assignee = member_summary(self.actor, str(item.ws_id), assignee_id)
        if changes.get("custom_fields") is not None:
            item.custom_fields = custom_fields.merge(self.board().board, item.custom_fields, changes["custom_fields"])
        refuse_oversized(item)
        if item.type != self.before["type"] and (lane := fetch(Lane, item.lane_id)):
            refuse_type(item, lane)
        if changes.get("status") is not None:
            self.set_status(changes["status"], changes.get("blocked_reason"), changes.get("blocker_type"))
        return self.operations()

    def board(self) -> BoardSnapshot:
        if self._board is None:
            self._board = assemble_board(get_many(board_keys(self.item.board_id)), self.actor)
        return self._board

    def set_status(self, status: str, reason: str | None, blocker_type: str | None = None) -> None:
        item = self.item
        if status == "unblocked":
            status = (item.status_before_block or "in_progress") if item.is_blocked else item.status
        if status == "open":
            status = "draft" if "draft" in (item.status, item.status_before_block) else "ready"
        if status == "blocked":
            self.block(reason, blocker_type)
            return
        if status == item.status:
            return
        if status not in ("draft", "ready", item.status_before_block):
            refuse_unapproved(item)
        item.status_before_block = item.blocked_reason = None
        in_done_lane = phase_category(item.phase_id) == "done"
        if status == "done" and not in_done_lane:
            refuse_open_dependencies(item)
            came_from = item.lane_id
            self.enter(self.done_lane())
            item.lane_before_done = came_from
        elif item.status == "done" and in_done_lane:
            lane = self.lane_to_return_to()
            self.lane_limit = wip_limit(lane)
            self.enter(lane)
        item.status = status
        item.completed_at = clock.iso() if status == "done" else None

    def block(self, reason: str | None, blocker_type: str | None) -> None:
        item = self.item
        if item.status == "done":
            raise TransitionRefused(Wording("A finished {card} cannot be blocked; reopen it first"), {"rule": "done"})
        if not item.is_blocked:
            item.status_before_block, item.status = item.status, "blocked"
            item.blocked_reason = item.blocker_type = None
        if reason is not None:
            item.blocked_reason = reason
        if blocker_type is not None:
            item.blocker_type = blocker_type

    def enter(self, lane: Lane) -> None:
        refuse_lane_mismatch(self.item, lane)
        enter_lane(self.item, lane)

    def done_lane(self) -> Lane:
        lanes = [lane for lane in self.board().lanes if phase_category(lane.phase_id) == "done"]
        if not lanes:
            raise TransitionRefused(Wording("This board has no {lane} for finished {cards}"))
        return lanes[0]

    def lane_to_return_to(self) -> Lane:
        lanes = [lane for lane in self.board().lanes if phase_category(lane.phase_id) != "done"]
        earlier = next((lane for lane in lanes if lane.id == self.item.lane_before_done), None)
        if earlier is None and not lanes:
            raise TransitionRefused(Wording("This board has no {lane} for open {cards}"))
        return earlier or lanes[-1]

    def operations(self) -> list[Operation] | None:
        """Record the event and return the operations for the same write as the card; None if nothing changed."""
        item = self.item
        changed = {name: [old, getattr(item, name)] for name, old in self.before.items() if old != getattr(item, name)}
        if not changed:
            return None
        if self.actor.is_person:
            item.auto_moves = 0
        after = card_location(item)
        data: dict[str, Any] = {"board_id": item.board_id, "title": item.title}
        kind = EventType.ITEM_UPDATED
        if "lane_id" in changed:
            kind = EventType.ITEM_MOVED
            lane = next(lane for lane in self.board().lanes if lane.id == item.lane_id)
            data |= {"lane_number": lane.number, **move_data(item, self.before, self.location, after)}
        elif "status" in changed and item.is_blocked:
            kind, data["reason"] = EventType.ITEM_BLOCKED, item.blocked_reason
        elif "status" in changed and self.before["status"] == "blocked":
            kind = EventType.ITEM_UNBLOCKED
        event_changes = {name: pair if name in PERSON_FIELDS else [*map(_truncate, pair)] for name, pair in changed.items()}
        record(item, kind, self.actor, changes=event_changes, **data)
        column_limit = COLUMN_BY_ID[after.column_id].wip_limit if self.has_column_limit else None
        filed = reindex(item, self.filed, lane_limit=self.lane_limit, column_limit=column_limit)
        return [require_writable(item.board_id), *filed] if after == self.location else filed


def _truncate(value: Any) -> Any:
    """Shorten a long value for an event, so that many changes of a long description do not fill the log."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _MAX_EVENT_VALUE else text[:_MAX_EVENT_VALUE] + "…"
