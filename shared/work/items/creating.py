"""Creating a card in two round trips: one reads the board, lane and parent, one transaction writes the card and counts it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import ConditionFailed, FieldError, Invalid, NotFound
from shared.core.ids import bare_id, is_id, new_id
from shared.events import EventType, record
from shared.store import Operation, RowKey, authorize, create, fetch, fetch_all, get_many, stale, write
from shared.work.boards.lanes import LANES, canonical_phase, lane_id_of
from shared.work.boards.rows import Board, Counts, Lane
from shared.work.items import custom_fields
from shared.work.items.assignees import member_summary
from shared.work.items.filing import UNFILED, file_new, reindex
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_lane_mismatch, refuse_oversized, unique_labels, unique_tags, wip_limit


class _ItemExists(ConditionFailed):
    """A card with this id exists already."""


@dataclass(frozen=True)
class NewItem:
    """The values of a new card. Its lane is `lane_id`, or the first lane of `phase_id`; one of the two is required.

    `position` is a sort key in the lane; the default comes after all existing cards of the board.
    """

    title: str
    type: str
    lane_id: str | None = None
    phase_id: str | None = None
    description: str | None = None
    status: str = "draft"
    priority: str = "medium"
    parent_id: str | None = None
    assignee_id: str | None = None
    position: float | None = None
    labels: list[str] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)
    estimated_hours: float | None = None
    due_date: str | None = None
    custom_fields: dict[str, Any] = field(default_factory=dict)
    acceptance_criteria: list[str] = field(default_factory=list)
    external_links: list[dict[str, Any]] = field(default_factory=list)
    approval_status: str | None = None
    approval: dict[str, Any] | None = None
    user_stories: list[dict[str, Any]] | None = None
    effort_points: int | None = None
    complexity_points: int | None = None
    implementation_notes: str | None = None
    context: dict[str, Any] | None = None


def _nothing(_: Item) -> Sequence[Operation]:
    return ()


def create_item(
    actor: Actor,
    board_id: str,
    new: NewItem,
    *,
    item_id: str | None = None,
    force: bool = False,
    beside: Callable[[Item], Sequence[Operation]] = _nothing,
) -> Item:
    """Create a card and count it in one transaction. `force` ignores the lane's WIP limit. `beside` returns what is written with the card.

    Safe to repeat with the same `item_id`: it returns the existing card. Raises NotFound (board, lane, parent), Forbidden, Invalid,
    TransitionRefused (the lane is full, is on another board, or requires other fields), Conflict(PROJECT_ARCHIVED).

    One read and one transaction; one more read for an assignee who is not the caller.
    """
    board_id = bare_id(board_id)
    if not is_id(board_id):
        raise NotFound(Board.NAME)
    board, counts, lane, parent, existing = _read_rows(board_id, new, item_id)
    if board is None or board.deleted_at:
        raise NotFound(Board.NAME)
    authorize(board, actor, Permission.CARD_CREATE)
    if existing is not None:
        return _existing_item(existing, board)
    if lane is None and new.phase_id is not None:
        lane = _first_lane(board, new.phase_id)
    if lane is None:
        raise NotFound(Lane.NAME)
    item = build_item(actor, board, lane, parent, new, item_id or new_id(), int(counts.next if counts else 0) + 1)
    try:
        filed = reindex(item, UNFILED, lane_limit=None if force else wip_limit(lane))
        write(create(item, _ItemExists), *filed, *beside(item))
    except _ItemExists:
        existing = fetch(Item, item.id)
        if existing is None:
            raise stale() from None
        return _existing_item(existing, board)
    return item


def create_items(
    actor: Actor,
    board_id: str,
    new: Mapping[str, NewItem],
    beside: Callable[[Board, list[Item]], Sequence[Operation]],
) -> list[Item]:
    """Create cards with these ids, in this order, in one transaction, whatever the limits of their lanes. `beside` returns what is written
    with them.

    A parent is among the cards or is there already. One read and one transaction. Raises as `create_item` does, and a version conflict
    (`is_stale`) if one of the ids exists.
    """
    lanes = {key: bare_id(one.lane_id) if one.lane_id else _default_lane_id(board_id, one.phase_id) for key, one in new.items()}
    parents = {bare_id(one.parent_id) for one in new.values() if one.parent_id} - new.keys()
    keys: list[RowKey] = [(Board, *Board.key(board_id)), (Counts, f"BOARD#{board_id}", "COUNTS")]
    keys += [(Lane, *Lane.key(one)) for one in dict.fromkeys(lanes.values()) if one]
    board, counts, *rows = get_many(keys + [(Item, *Item.key(one)) for one in sorted(parents)])
    if not isinstance(board, Board) or board.deleted_at:
        raise NotFound(Board.NAME)
    authorize(board, actor, Permission.CARD_CREATE)
    by_id: dict[str | None, Any] = {row.id: row for row in rows if isinstance(row, Lane | Item)}
    position, items = int(counts.next) if isinstance(counts, Counts) else 0, []
    for number, (item_id, one) in enumerate(new.items(), 1):
        lane = by_id.get(lanes[item_id]) or (_first_lane(board, one.phase_id) if one.phase_id else None)
        if lane is None:
            raise NotFound(Lane.NAME)
        parent = by_id.get(bare_id(one.parent_id)) if one.parent_id else None
        by_id[item_id] = build_item(actor, board, lane, parent, one, item_id, position + number)
        items.append(by_id[item_id])
    write(*(create(item, stale) for item in items), *file_new(items), *beside(board, items))
    return items


def build_item(actor: Actor, board: Board, lane: Lane, parent: Item | None, new: NewItem, item_id: str, position: int) -> Item:
    """Return a new card with its event, not yet written. `position`: where it stands if `new` does not say so. Raises as `create_item`."""
    authorize(lane, actor)
    item = _new_item(actor, board, lane, new, item_id)
    if new.position is None:
        item.position = position
    _check_parent(actor, new, parent, board)
    if parent is not None and not actor.is_person:  # else a chain of cards that create cards would begin anew with each
        item.auto_moves, item.root_id = int(parent.auto_moves) + 1, parent.root_id or parent.id
    item.custom_fields = custom_fields.merge(board, {}, new.custom_fields, complete=True)
    if new.assignee_id:
        item.assignee = member_summary(actor, str(board.ws_id), new.assignee_id)
    refuse_oversized(item)
    refuse_lane_mismatch(item, lane)
    record(
        item,
        EventType.ITEM_CREATED,
        actor,
        board_id=board.id,
        lane_id=lane.id,
        lane_number=lane.number,
        phase_id=item.phase_id,
        title=item.title,
        type=item.type,
        status=item.status,
    )
    return item


def _read_rows(board_id: str, new: NewItem, item_id: str | None) -> tuple[Any, Any, Any, Any, Any]:
    keys: dict[str, tuple[Any, str, str]] = {
        "board": (Board, *Board.key(board_id)),
        "counts": (Counts, f"BOARD#{board_id}", "COUNTS"),
    }
    lane_id = bare_id(new.lane_id) if new.lane_id is not None else _default_lane_id(board_id, new.phase_id)
    if lane_id is not None:
        keys["lane"] = (Lane, *Lane.key(lane_id))
    if new.parent_id:
        keys["parent"] = (Item, *Item.key(bare_id(new.parent_id)))
    if item_id is not None:
        keys["existing"] = (Item, *Item.key(item_id))
    rows = dict(zip(keys, get_many(list(keys.values())), strict=True))
    return rows["board"], rows["counts"], rows.get("lane"), rows.get("parent"), rows.get("existing")


def _existing_item(existing: Item, board: Board) -> Item:
    if existing.board_id != board.id:
        raise _ItemExists
    return existing


def _default_lane_id(board_id: str, phase: str | None) -> str | None:
    """Return the derived id of the first lane of a phase; None for a phase that new boards do not have. No round trip."""
    phase = canonical_phase(phase or "")
    return next((lane_id_of(board_id, template.number) for template in LANES if template.phase == phase), None)


def _first_lane(board: Board, phase: str) -> Lane | None:
    """Read the first lane of a phase, given by its name or an alias. Raises Invalid if the board has none."""
    phase_id = canonical_phase(phase)
    lanes = [lane for lane in fetch_all(Lane, board.lane_ids) if lane.phase_id == phase_id]
    if not lanes:
        raise Invalid(FieldError("phase_id", f"This board has no phase {phase}", phase))
    return min(lanes, key=lambda lane: lane.number)


def _check_parent(actor: Actor, new: NewItem, parent: Item | None, board: Board) -> None:
    if not new.parent_id:
        return
    if parent is None or parent.deleted_at:
        raise NotFound(Item.NAME)
    authorize(parent, actor)
    if parent.board_id != board.id:
        raise Invalid(FieldError("parent_id", "The parent is on another board", new.parent_id))


def _new_item(actor: Actor, board: Board, lane: Lane, new: NewItem, item_id: str) -> Item:
    item = Item.new(
        item_id,
        org_id=board.org_id,
        ws_id=board.ws_id,
        proj_id=board.proj_id,
        board_id=board.id,
        lane_id=lane.id,
        phase_id=lane.phase_id,
        type=new.type,
        title=new.title,
        description=new.description,
        status=new.status,
        priority=new.priority,
        parent_id=bare_id(new.parent_id) if new.parent_id else None,
        labels=unique_labels(new.labels),
        tags=unique_tags(new.tags),
        estimated_hours=new.estimated_hours,
        due_date=new.due_date,
        acceptance_criteria=new.acceptance_criteria,
        external_links=new.external_links,
        approval_status=new.approval_status,
        approval=new.approval,
        user_stories=new.user_stories or None,
        effort_points=new.effort_points,
        complexity_points=new.complexity_points,
        implementation_notes=new.implementation_notes,
        context=new.context,
        reporter=actor.summary,
        created_by=actor.summary,
    )
    item.lane_at = clock.epoch_milliseconds()
    if new.position is not None:
        item.position = new.position
    if new.status == "done":
        item.completed_at = item.created_at
    return item
