"""The tools that work on the board: other cards, lanes, dependencies."""

from typing import Any, Final

from shared.agents import tools
from shared.core.actor import Actor, Permission
from shared.core.errors import TransitionRefused
from shared.runs.toolbox.call_context import Done, Surroundings, Work, around
from shared.store import collection, load
from shared.work.boards.rows import MAX_LISTED_CARDS, Lane
from shared.work.items.creating import NewItem, create_item
from shared.work.items.dependencies import create_dependency
from shared.work.items.moving import move_item
from shared.work.items.rows import Item

MOST_SIBLINGS: Final = 500  # cards, about 20,000 tokens: more would leave a model no room for its work


def sibling_facts(card: Item, near: Surroundings) -> list[dict[str, Any]]:
    """The other cards of the board, as the context shows them."""
    rows = collection(1, f"BOARD#{card.board_id}#ITEM", cap=MAX_LISTED_CARDS)
    return [
        {
            "id": row.id,
            "title": row.f["title"],
            "type": row.f["type"],
            "status": row.f["status"],
            "priority": row.f["priority"],
            "lane_number": near.number_of(row.f["lane_id"]),
        }
        for row in rows
        if row.id != card.id
    ]


def read_siblings(work: Work, _: tools.ReadSiblings) -> Done:
    """Of a large board the MOST_SIBLINGS cards that matter most: open ones before finished ones, young ones before old ones."""
    card = load(Item, work.card_id, work.actor, Permission.CARD_READ)
    found = sibling_facts(card, around(work, card))
    if len(found) <= MOST_SIBLINGS:
        return {"cards": found}, None
    nearest = sorted(sorted(found, key=lambda one: str(one["id"]), reverse=True), key=lambda one: one["status"] == "done")
    return {"cards": nearest[:MOST_SIBLINGS], "more": f"{len(found) - MOST_SIBLINGS} cards are not shown"}, None


def create_card(work: Work, given: tools.CreateCard) -> Done:
    """In the lane asked for; when that is full, in one without a limit, and the model is told."""
    card = load(Item, work.card_id, work.actor, Permission.CARD_CREATE)
    near = around(work, card)
    wanted = near.lane(given.lane) if given.lane is not None else near.lane(near.number_of(card.lane_id) or 0)
    note = {}
    try:
        made = _create(work.actor, work, card, given, wanted)
    except TransitionRefused as refused:
        spare = next((lane for lane in near.lanes if lane.wip_limit is None and lane.id != wanted.id), None)
        if spare is None:
            raise
        made = _create(work.actor, work, card, given, spare)
        wanted, note = spare, {"note": f"{refused.message}. The card waits in {spare.name} instead."}
    answer = {"id": made.id, "title": made.title, "lane_number": int(wanted.number)} | note
    return answer, {"kind": "card", "id": made.id, "title": made.title} | ({"ref": given.ref} if given.ref else {})


def _create(actor: Actor, work: Work, card: Item, given: tools.CreateCard, lane: Lane) -> Item:
    new = NewItem(
        title=given.title,
        type=given.type,
        lane_id=lane.id,
        description=given.description,
        priority=given.priority,
        parent_id=card.id,
        estimated_hours=given.estimated_hours,
    )
    return create_item(actor, card.board_id, new, item_id=work.new_id)


def add_dependency(work: Work, given: tools.AddDependency) -> Done:
    dependent, needed = (work.refs.get(one, one) for one in (given.card, given.depends_on))
    link = create_dependency(work.actor, dependent, needed, given.type)
    return {"id": link.dependency.id, "card": dependent, "depends_on": needed, "type": given.type}, None


def move_card(work: Work, given: tools.MoveCard) -> Done:
    card = load(Item, work.card_id, work.actor, Permission.CARD_EDIT)
    lane = around(work, card).lane(given.to_lane)
    moved = move_item(work.actor, card.id, lane.id, reason=given.reason)
    return {"id": moved.id, "lane_number": int(lane.number), "lane_name": lane.name, "status": moved.status}, {
        "kind": "move",
        "id": moved.id,
        "title": lane.name,
    }
