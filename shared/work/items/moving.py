"""Moving a card to another lane. The write itself checks the limits of the lane and its column.

The card and the board's `Counts` change in one transaction, on the condition that the WIP limits allow it: of two requests that race for
the last free slot only one succeeds. Two round trips: one read, one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound, TransitionRefused
from shared.core.ids import bare_id, is_id
from shared.core.wording import Wording
from shared.events import EventType, record
from shared.store import Operation, authorize, fetch, get_many, load, retrying, save, stale, write
from shared.work.boards.counting import BLOCKED_COLUMN, card_location, require_writable
from shared.work.boards.lanes import COLUMN_BY_ID, COLUMN_BY_PHASE, phase_category
from shared.work.boards.reading import assemble_board, board_keys
from shared.work.boards.rows import Lane
from shared.work.boards.updating import record_wip_exceeded
from shared.work.items.dependencies import refuse_open_dependencies
from shared.work.items.filing import filing_of, reindex
from shared.work.items.pending import refuse_unapproved
from shared.work.items.places import move_data
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_archived, refuse_lane_mismatch, wip_limit
from shared.work.items.stays import enter_lane
from shared.work.items.updating import block_item

Rule = Callable[[Item, Lane], None]
"""Raises an error if the card, as it is when it is written, may not move to the lane."""
_FORCED_TRIES = 12  # forced moves into one full column go one after another: each names its own number of cards


@dataclass(frozen=True)
class _MoveRequest:
    """What a caller wants of a move besides the lane."""

    position: float | None = None
    reason: str | None = None
    lane_limit: bool = True
    column_limit: bool = False
    force: bool = False
    unblock: bool = False
    only_from: str | None = None
    rule: Rule | None = None


def move_item(
    actor: Actor,
    item_id: str,
    to_lane_id: str,
    position: float | None = None,
    reason: str | None = None,
    *,
    enforce_lane_limit: bool = True,
    enforce_column_limit: bool = False,
    force: bool = False,
    unblock: bool = False,
    only_from: str | None = None,
    rule: Rule | None = None,
) -> Item:
    """Move a card to a lane of its board. Without `position` it keeps its sort key; in its own lane only the sort key changes.

    `force` ignores both limits, and records `lane.wip_exceeded` if the column's limit is exceeded. `unblock` also unblocks the card.
    `only_from`: nothing happens unless the card is still in this lane. `rule` may refuse, too.

    Raises NotFound, Forbidden, Conflict (archived project or card),
    and TransitionRefused, whose message names the rule: a limit, a blocked card, an open dependency, or a requirement of the lane.
    """
    request = _MoveRequest(position, reason, enforce_lane_limit, enforce_column_limit, force, unblock, only_from, rule)
    return _execute(actor, *_read_rows(actor, item_id, to_lane_id), request)


def move_to_column(actor: Actor, item_id: str, column_id: str, *, force: bool = False) -> Item:
    """Move a card to a column: to the first lane of the column's first phase; a card that is in the column already stays.

    The column's limit applies unless `force`; the lane's limit does not. The column `blocked` blocks the card, any other one unblocks it.
    Three round trips. Raises as `move_item` does, and TransitionRefused for an unknown column.
    """
    if column_id not in COLUMN_BY_ID:
        raise TransitionRefused(f"There is no column '{column_id}'", {"rule": "column"})
    return _enter_column(actor, load(Item, item_id, actor, Permission.CARD_EDIT), column_id, force=force)


def _enter_column(actor: Actor, item: Item, column_id: str, *, force: bool = False, rule: Rule | None = None) -> Item:
    if card_location(item).column_id == column_id:
        return item
    if column_id == BLOCKED_COLUMN:
        return block_item(actor, item.id, "Moved to the blocked column")
    lane = _find_lane(actor, item, column_id)
    return _execute(actor, item, lane, _MoveRequest(lane_limit=False, column_limit=True, force=force, unblock=True, rule=rule))


def move_to_next_column(actor: Actor, item_id: str, rule: Rule | None = None) -> Item | None:
    """Move a card to the column that follows its own automatically. Returns None if there is no such column or the move is refused."""
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    following = COLUMN_BY_ID[card_location(item).column_id].auto_transition_to
    if following is None:
        return None
    try:
        return _enter_column(actor, item, following, rule=rule)
    except TransitionRefused:
        return None


def move_to_phase(actor: Actor, item: Item, phase_id: str, reason: str | None = None, *, rule: Rule | None = None) -> Item:
    """Move a card, which was read and may be edited, to the first lane of a phase, and unblock it; in its own phase it keeps its lane.

    The column's limit applies, the lane's does not. `rule` raises an error if the card may not move as it is when it is written.
    Two round trips. Raises as `move_item` does.
    """
    lanes = assemble_board(get_many(board_keys(item.board_id)), actor).lanes
    lane = next((lane for lane in lanes if lane.id == item.lane_id and lane.phase_id == phase_id), None)
    lane = lane or next((lane for lane in lanes if lane.phase_id == phase_id), None)
    if lane is None:
        raise TransitionRefused(f"This board has no phase {phase_id}", {"rule": "phase", "phase_id": phase_id})
    request = _MoveRequest(reason=reason, lane_limit=False, column_limit=True, unblock=True, rule=rule)
    return _execute(actor, item, lane, request)


def _enter(item: Item, lane: Lane) -> None:
    """Set a card's lane, phase and status for a move: entering a done lane finishes it, leaving one reopens it, and moving from a todo lane
    to a lane of work starts it. A blocked card stays blocked, and its status before the block changes instead."""
    before, after = phase_category(item.phase_id), phase_category(lane.phase_id)
    status = item.status_before_block if item.is_blocked else item.status
    if after == "done":
        status = "done"
        if before != "done":
            item.lane_before_done = item.lane_id
    elif before == "done" or (before == "todo" and after == "in_progress" and status in {"draft", "ready"}):
        status = "in_progress"
    if item.is_blocked:
        item.status_before_block = status
    else:
        item.status = status
    item.completed_at = (item.completed_at or clock.iso()) if status == "done" else None
    enter_lane(item, lane)


def _execute(actor: Actor, item: Item, lane: Lane, request: _MoveRequest) -> Item:
    crowd: int | None = None  # the cards in the column as the last attempt of a forced move found it

    def attempt(number: int) -> Item:
        nonlocal crowd
        card, target = _read_rows(actor, item.id, lane.id) if number else (item, lane)
        refuse_archived(card)
        if request.rule is not None:
            request.rule(card, target)
        if request.only_from is not None and card.lane_id != request.only_from:
            return card
        stays = card.lane_id == target.id and not (request.unblock and card.is_blocked)
        operations = _reposition(actor, card, request) if stays else _move(actor, card, target, request, crowd)
        if not operations:
            return card
        try:
            write(*operations)
        except TransitionRefused as error:
            if not request.force:
                raise
            crowd = (error.details or {})["current_count"]
            raise stale() from error
        return card

    return retrying(attempt, times=_FORCED_TRIES) if request.force else retrying(attempt)


def _read_rows(actor: Actor, item_id: str, lane_id: str) -> tuple[Item, Lane]:
    keys: list[tuple[type[Any], str, str]] = []
    for model, text in ((Item, item_id), (Lane, lane_id)):
        bare = bare_id(text)
        if not is_id(bare):
            raise NotFound(model.NAME)
        keys.append((model, *model.key(bare)))
    item, lane = get_many(keys)
    if not isinstance(item, Item) or item.deleted_at:
        raise NotFound(Item.NAME)
    authorize(item, actor, Permission.CARD_EDIT)
    if not isinstance(lane, Lane) or lane.deleted_at:
        raise NotFound(Lane.NAME)
    return item, authorize(lane, actor)


def _find_lane(actor: Actor, item: Item, column_id: str) -> Lane:
    """Return the card's own lane if it is in the column, else the first lane of the column's first phase."""
    lanes = assemble_board(get_many(board_keys(item.board_id)), actor).lanes
    column = COLUMN_BY_ID[column_id]
    if COLUMN_BY_PHASE[item.phase_id] is column:
        return next(lane for lane in lanes if lane.id == item.lane_id)
    return next(lane for lane in lanes if lane.phase_id == column.phases[0])


def _reposition(actor: Actor, item: Item, request: _MoveRequest) -> list[Operation]:
    if request.position is None or request.position == item.position:
        return []
    record(item, EventType.ITEM_UPDATED, actor, changes={"position": [item.position, request.position]}, board_id=item.board_id)
    item.position = request.position
    return [save(item), require_writable(item.board_id)]


def _move(actor: Actor, item: Item, lane: Lane, request: _MoveRequest, crowd: int | None) -> list[Operation]:
    before, filed = card_location(item), filing_of(item)
    old_values = {"lane_id": item.lane_id, "phase_id": item.phase_id, "status": item.status, "position": item.position}
    if request.unblock and item.is_blocked:
        item.status = item.status_before_block or "in_progress"
        item.status_before_block = item.blocked_reason = None
    _refuse_forbidden_move(item, lane)
    _enter(item, lane)
    item.auto_moves = 0 if actor.is_person else int(item.auto_moves) + 1
    if request.position is not None:
        item.position = request.position
    after = card_location(item)
    record(
        item,
        EventType.ITEM_MOVED if lane.id != before.lane_id else EventType.ITEM_UNBLOCKED,
        actor,
        changes={field: [old, getattr(item, field)] for field, old in old_values.items() if old != getattr(item, field)},
        board_id=item.board_id,
        title=item.title,
        lane_number=lane.number,
        reason=request.reason,
        **move_data(item, old_values, before, after),
    )
    column_limit = COLUMN_BY_ID[after.column_id].wip_limit if request.column_limit or request.force else None
    exceeds = after.column_id != before.column_id and column_limit is not None and crowd is not None and crowd >= column_limit
    operations = [
        save(item),
        *reindex(
            item,
            filed,
            lane_limit=wip_limit(lane) if request.lane_limit and not request.force else None,
            column_limit=None if exceeds else column_limit,
            column_count=crowd if exceeds else None,
        ),
    ]
    if exceeds and crowd is not None:
        record_wip_exceeded(lane, after.column_id, crowd + 1, actor)
        operations.append(save(lane))
    return operations


def _refuse_forbidden_move(item: Item, lane: Lane) -> None:
    refuse_lane_mismatch(item, lane)
    if lane.id != item.lane_id:
        refuse_unapproved(item)
    if item.is_blocked:
        current = fetch(Lane, item.lane_id)
        if current is not None and lane.number > current.number:
            reason = Wording("A blocked {card} may not move forward; unblock it first")
            raise TransitionRefused(reason, {"rule": "blocked"})
    if phase_category(lane.phase_id) == "done" and phase_category(item.phase_id) != "done":
        refuse_open_dependencies(item)
