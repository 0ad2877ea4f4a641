"""Tools for the board: other cards, lanes, dependencies."""

from typing import Any, Final

from shared.agents import tools
from shared.core.actor import Actor, Permission
from shared.core.errors import TransitionRefused
from shared.runs.toolbox.call_context import BoardLanes, CallContext, ToolOutput, get_board_lanes
from shared.store import IndexRow, first_index_rows, get, load
from shared.work.boards.lanes import lane_key
from shared.work.boards.rows import Counts, Lane
from shared.work.items.creating import NewItem, create_item
from shared.work.items.dependencies import create_dependency
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.tasks.held_cards import refuse_held

MAX_SIBLINGS: Final = 500  # cards, about 20,000 tokens: more would leave a model no room for its work
_MAX_SINGLE_QUERY: Final = 1_000  # cards: their index rows fit into the megabyte of a query


def nearest_siblings(card: Item, board: BoardLanes) -> tuple[list[dict[str, Any]], int]:
    """Return the other cards of the board as the context shows them, and how many are not shown.

    Of a large board only MAX_SIBLINGS are shown: open cards before finished ones, new ones before old ones.
    """
    rows, total = _board_rows(board)
    others = [row for row in rows if row.id != card.id]
    if len(others) > MAX_SIBLINGS:
        others.sort(key=lambda row: row.id, reverse=True)
        others.sort(key=lambda row: row.f["status"] == "done")
    shown = [
        {
            "id": row.id,
            "title": row.f["title"],
            "type": row.f["type"],
            "status": row.f["status"],
            "priority": row.f["priority"],
            "lane_number": board.lane_number(row.f["lane_id"]),
        }
        for row in others[:MAX_SIBLINGS]
    ]
    return shown, max(total - 1 - len(shown), 0)


def _board_rows(board: BoardLanes) -> tuple[list[IndexRow], int]:
    """Return the board's cards as index rows, and their number. Of more than a thousand cards only the last ones of each lane are read:
    one query for each lane, and the counts."""
    partition = f"BOARD#{board.board.id}#ITEM"
    rows, more = first_index_rows(1, partition, _MAX_SINGLE_QUERY)
    if not more:
        return rows, len(rows)
    rows = []
    for lane in board.lanes:
        prefix = f"{lane_key(board.board.id, lane.id)}#"
        rows += first_index_rows(1, partition, MAX_SIBLINGS + 1, prefix, newest_first=True)[0]
    counts = get(Counts, *Counts.key(board.board.id))
    return rows, counts.cards if counts else len(rows)


def read_siblings(context: CallContext, _: tools.ReadSiblings) -> ToolOutput:
    """Return the other cards, and how many are not shown."""
    card = load(Item, context.card_id, context.actor, Permission.CARD_READ)
    shown, hidden = nearest_siblings(card, get_board_lanes(context, card))
    return {"cards": shown} | ({"more": f"{hidden} cards are not shown"} if hidden else {}), None


def create_card(context: CallContext, arguments: tools.CreateCard) -> ToolOutput:
    """Create a card in the requested lane; if that is full, in a lane without a limit, with a note for the model."""
    card = load(Item, context.card_id, context.actor, Permission.CARD_CREATE)
    board = get_board_lanes(context, card)
    lane = board.find_lane(arguments.lane if arguments.lane is not None else board.lane_number(card.lane_id) or 0)
    note = {}
    try:
        created = _create(context.actor, context, card, arguments, lane)
    except TransitionRefused as error:
        spare = next((other for other in board.lanes if other.wip_limit is None and other.id != lane.id), None)
        if spare is None:
            raise
        created = _create(context.actor, context, card, arguments, spare)
        lane, note = spare, {"note": f"{error.message}. The card waits in {spare.name} instead."}
    answer = {"id": created.id, "title": created.title, "lane_number": int(lane.number)} | note
    return answer, {"kind": "card", "id": created.id, "title": created.title} | ({"ref": arguments.ref} if arguments.ref else {})


def _create(actor: Actor, context: CallContext, card: Item, arguments: tools.CreateCard, lane: Lane) -> Item:
    new = NewItem(
        title=arguments.title,
        type=arguments.type,
        lane_id=lane.id,
        description=arguments.description,
        priority=arguments.priority,
        parent_id=card.id,
        estimated_hours=arguments.estimated_hours,
    )
    return create_item(actor, card.board_id, new, item_id=context.new_id)


def add_dependency(context: CallContext, arguments: tools.AddDependency) -> ToolOutput:
    dependent, needed = (context.refs.get(one, one) for one in (arguments.card, arguments.depends_on))
    link = create_dependency(context.actor, dependent, needed, arguments.type)
    return {"id": link.dependency.id, "card": dependent, "depends_on": needed, "type": arguments.type}, None


def move_card(context: CallContext, arguments: tools.MoveCard) -> ToolOutput:
    card = load(Item, context.card_id, context.actor, Permission.CARD_EDIT)
    lane = get_board_lanes(context, card).find_lane(arguments.to_lane)
    moved = move_item(context.actor, card.id, lane.id, reason=arguments.reason, rule=refuse_held)
    return {"id": moved.id, "lane_number": int(lane.number), "lane_name": lane.name, "status": moved.status}, {
        "kind": "move",
        "id": moved.id,
        "title": lane.name,
    }
