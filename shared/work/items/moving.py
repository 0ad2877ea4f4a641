"""A card goes to another lane: what the lane and its column allow, decided in the write itself.

`Counts` of the board is the judge of WIP limits: the card's new row and the counts change in one transaction, whose condition is
that there is room. Two who race for the last place cannot both get it. Two round trips: one read, one transaction.
"""

from dataclasses import dataclass
from typing import Any

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import NotFound, TransitionRefused
from shared.core.ids import bare_id, is_id
from shared.events import EventType, record
from shared.store import Operation, authorize, fetch, get_many, load, retrying, save, stale, write
from shared.work.boards.counting import BLOCKED_COLUMN, card_location, require_writable, update_counts
from shared.work.boards.lanes import COLUMN_BY_ID, COLUMN_BY_PHASE, phase_category
from shared.work.boards.reading import assemble_board, board_keys
from shared.work.boards.rows import Lane
from shared.work.boards.updating import record_wip_exceeded
from shared.work.items.dependencies import refuse_open_dependencies
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_archived, refuse_lane_mismatch, wip_limit
from shared.work.items.updating import block_item


@dataclass(frozen=True)
class _MoveRequest:
    position: float | None = None
    reason: str | None = None
    lane_limit: bool = True
    column_limit: bool = False
    force: bool = False
    unblock: bool = False
    only_from: str | None = None


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
) -> Item:
    """Put a card into a lane of its board; without `position` it keeps its number there. In its own lane only that changes.

    `force` passes both limits by, and says so (`lane.wip_exceeded`) where the column's is passed. `unblock` lifts the card's block
    with the move. `only_from` names the lane it must be in still, else nothing happens. Raises NotFound, Forbidden, Conflict (archived)
    in an archived project and of an archived card, and TransitionRefused, whose message names the rule: the limits, a blocked card, an
    open dependency, or what the lane asks of a card.
    """
    wish = _MoveRequest(position, reason, enforce_lane_limit, enforce_column_limit, force, unblock, only_from)
    return _execute(actor, *_read_rows(actor, item_id, to_lane_id), wish)


def move_to_column(actor: Actor, item_id: str, column_id: str, *, force: bool = False) -> Item:
    """Put a card into a column of the board: into the first lane of the column's first phase, or nowhere if it is in the column. The
    column's limit holds unless `force`; the lane's does not. A card in `blocked` is blocked; in another column it no longer is.

    Three round trips. Raises as `move_item` does; TransitionRefused for an unknown column.
    """
    if column_id not in COLUMN_BY_ID:
        raise TransitionRefused(f"There is no column '{column_id}'", {"rule": "column"})
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    if card_location(item).column_id == column_id:
        return item
    if column_id == BLOCKED_COLUMN:
        return block_item(actor, item.id, "Moved to the blocked column")
    lane = _find_lane(actor, item, column_id)
    return _execute(actor, item, lane, _MoveRequest(lane_limit=False, column_limit=True, force=force, unblock=True))


def move_to_next_column(actor: Actor, item_id: str) -> Item | None:
    """Put a card into the column that its column passes finished work to. None where there is no such column, or no room in it."""
    item = load(Item, item_id, actor, Permission.CARD_EDIT)
    following = COLUMN_BY_ID[card_location(item).column_id].auto_to
    if following is None:
        return None
    try:
        return move_to_column(actor, item.id, following)
    except TransitionRefused:
        return None


def enter_lane(item: Item, lane: Lane) -> None:
    """The card's lane, phase and status after it went there: a done lane finishes a card, leaving one reopens it, and leaving a todo
    lane for work starts it. A blocked card keeps its block; what it returns to follows the lane."""
    was, becomes = phase_category(item.phase_id), phase_category(lane.phase_id)
    status = item.status_before_block if item.is_blocked else item.status
    if becomes == "done":
        status = "done"
        if was != "done":
            item.lane_before_done = item.lane_id
    elif was == "done" or (was == "todo" and becomes == "in_progress" and status in {"draft", "ready"}):
        status = "in_progress"
    if item.is_blocked:
        item.status_before_block = status
    else:
        item.status = status
    item.completed_at = (item.completed_at or clock.iso()) if status == "done" else None
    if item.lane_id != lane.id:
        item.lane_since = clock.iso()
    item.lane_id, item.phase_id = lane.id, lane.phase_id


def _execute(actor: Actor, item: Item, lane: Lane, wish: _MoveRequest) -> Item:
    passed: int | None = None  # the cards in a column after a forced move past its limit

    def attempt(number: int) -> Item:
        nonlocal passed
        card, place = _read_rows(actor, item.id, lane.id) if number else (item, lane)
        refuse_archived(card)
        if wish.only_from is not None and card.lane_id != wish.only_from:
            return card
        stays = card.lane_id == place.id and not (wish.unblock and card.is_blocked)
        operations = _reposition(actor, card, wish) if stays else _move(actor, card, place, wish, passed)
        if not operations:
            return card
        try:
            write(*operations)
        except TransitionRefused as refused:
            if not wish.force or passed is not None:
                raise
            passed = (refused.details or {})["current_count"] + 1
            raise stale() from refused
        return card

    return retrying(attempt)


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
    """The lane the card is in if the column has it, else the first lane of the column's first phase."""
    lanes = assemble_board(get_many(board_keys(item.board_id)), actor).lanes
    column = COLUMN_BY_ID[column_id]
    if COLUMN_BY_PHASE[item.phase_id] is column:
        return next(lane for lane in lanes if lane.id == item.lane_id)
    return next(lane for lane in lanes if lane.phase_id == column.phases[0])


def _reposition(actor: Actor, item: Item, wish: _MoveRequest) -> list[Operation]:
    if wish.position is None or wish.position == item.position:
        return []
    record(item, EventType.ITEM_UPDATED, actor, changes={"position": [item.position, wish.position]}, board_id=item.board_id)
    item.position = wish.position
    return [save(item), require_writable(item.board_id)]


def _move(actor: Actor, item: Item, lane: Lane, wish: _MoveRequest, passed: int | None) -> list[Operation]:
    before = card_location(item)
    came_from = {"lane_id": item.lane_id, "phase_id": item.phase_id, "status": item.status, "position": item.position}
    if wish.unblock and item.is_blocked:
        item.status = item.status_before_block or "in_progress"
        item.status_before_block = item.blocked_reason = None
    _refuse_forbidden_move(item, lane)
    enter_lane(item, lane)
    item.auto_moves = 0 if actor.is_person else int(item.auto_moves) + 1
    if wish.position is not None:
        item.position = wish.position
    after = card_location(item)
    record(
        item,
        EventType.ITEM_MOVED if lane.id != before.lane_id else EventType.ITEM_UNBLOCKED,
        actor,
        changes={field: [old, getattr(item, field)] for field, old in came_from.items() if old != getattr(item, field)},
        board_id=item.board_id,
        title=item.title,
        lane_number=lane.number,
        from_lane=before.lane_id,
        to_lane=after.lane_id,
        from_phase=came_from["phase_id"],
        to_phase=item.phase_id,
        from_column=before.column_id,
        to_column=after.column_id,
        reason=wish.reason,
    )
    column_limit = COLUMN_BY_ID[after.column_id].wip_limit if wish.column_limit or wish.force else None
    operations = [
        save(item),
        update_counts(
            item.board_id,
            leaves=before,
            enters=after,
            lane_limit=wip_limit(lane) if wish.lane_limit and not wish.force else None,
            column_limit=column_limit if passed is None else None,
        ),
    ]
    if passed is not None:
        record_wip_exceeded(lane, after.column_id, passed, actor)
        operations.append(save(lane))
    return operations


def _refuse_forbidden_move(item: Item, lane: Lane) -> None:
    refuse_lane_mismatch(item, lane)
    if item.is_blocked:
        here = fetch(Lane, item.lane_id)
        if here is not None and lane.number > here.number:
            raise TransitionRefused("A blocked card may not move forward; unblock it first", {"rule": "blocked"})
    if phase_category(lane.phase_id) == "done" and phase_category(item.phase_id) != "done":
        refuse_open_dependencies(item)
