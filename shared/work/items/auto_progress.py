"""Cards that go on by themselves: the `autoProgressConditions` of a lane.

type                  holds when
children_done         the card has children, and all of them are done
dependencies_done     the card waits for others (`blocks`), and all of them are done
agent_run_completed   its latest run since it came into the lane has completed; `value` names the agent, where it must be a certain one
field                 `field` of the card compares with `value` by `operator`: equals (usual), not_equals, contains, greater_than,
                      less_than, is_set, is_not_set

A condition leads to `toLaneId`, or to the lane that follows. Those of a lane that lead to the same place must hold together; of several
places the first named one wins. The platform moves the card as anybody else would: what the lane there asks, its limit, a block and
open dependencies all hold. A card in the hands of an agent stays until the run has ended.

A card goes on by itself at most MOST times before a person has it in hand again, so that two lanes which send it to each other come to
rest (and the agents which start there cost no more than that).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_lambda_powertools import Logger

from shared.core.actor import Actor, Permission, Role
from shared.core.errors import CadreError
from shared.store import Entity, fetch_all, fetch_indexed, get, get_many, query
from shared.work.boards.conditions import Condition, target_lane_id
from shared.work.boards.creating import lane_id_of
from shared.work.boards.lanes import LANES
from shared.work.boards.rows import Lane
from shared.work.items.dependencies import DependencyGraph
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.items.rules import field_value

logger = Logger(child=True)

MAX_AUTO_MOVES: Final = len(LANES)  # each lane of a board once
_MAX_CHILDREN: Final = 500  # a card with more of them is moved by hand
_MAX_CANDIDATES: Final = 25  # cards that are asked when a place becomes free in a full lane


def progress_items(item_ids: Sequence[str]) -> list[Item]:
    """Move those of these cards on whose lanes' conditions hold. Answers the moved ones. A read for the cards, one for their lanes,
    and what a condition asks; a card that may not go where it should stays."""
    moved: list[Item] = []
    items = [item for item in fetch_all(Item, dict.fromkeys(item_ids)) if _can_progress(item)]
    lanes = {lane.id: lane for lane in fetch_all(Lane, dict.fromkeys(item.lane_id for item in items))}
    for item in items:
        lane = lanes.get(item.lane_id)
        goes = _find_target(item, lane) if lane is not None else None
        if goes is None:
            continue
        try:
            after = move_item(
                _platform_actor(str(item.ws_id)), item.id, goes, reason="Its conditions hold", only_from=item.lane_id
            )
        except CadreError as refused:
            logger.info("a card stays where it is", extra={"card": item.id, "lane": goes, "reason": refused.message})
            continue
        if after.lane_id == goes:
            moved.append(after)
    return moved


def list_waiting_items(item: Item) -> list[str]:
    """The cards whose conditions may hold since this one is finished, or gone: its parent, and those that wait for it."""
    graph = get(DependencyGraph, *DependencyGraph.key(item.board_id))
    waiting = [edge[0] for edge in (graph.edges if graph else []) if edge[1] == item.id]
    return [*([item.parent_id] if item.parent_id else []), *waiting]


def pull_next_card(board_id: str, lane_id: str) -> None:
    """A card has left a lane: if the lane has a limit, the first card whose conditions lead there takes the place. One read, and a
    query for each lane that leads there."""
    found = get_many([(Lane, *Lane.key(lane_id_of(board_id, kind.number))) for kind in LANES])
    lanes = [lane for lane in found if isinstance(lane, Lane)]
    left = next((lane for lane in lanes if lane.id == lane_id), None)
    if left is None or left.wip_limit is None:
        return
    for lane in lanes:
        if lane.id == lane_id or all(target_lane_id(lane, one) != lane_id for one in _conditions(lane)):
            continue
        page = query(Entity, f"BOARD#{board_id}#ITEM", index=1, prefix=f"{lane.id}#", limit=_MAX_CANDIDATES)
        for row in page.rows:
            if any(one.lane_id == lane_id for one in progress_items([row.entity_id])):
                return


def _can_progress(item: Item) -> bool:
    out = item.deleted_at or item.archived_at or item.lease_run
    return not out and int(item.auto_moves) < MAX_AUTO_MOVES


def _conditions(lane: Lane) -> list[Condition]:
    return lane.settings.get("autoProgressConditions") or []


def _find_target(item: Item, lane: Lane) -> str | None:
    """Where the card goes from this lane, if it goes anywhere."""
    together: dict[str, list[Condition]] = {}
    for condition in _conditions(lane):
        if goes := target_lane_id(lane, condition):
            together.setdefault(goes, []).append(condition)
    return next((place for place, conditions in together.items() if all(_is_met(one, item) for one in conditions)), None)


def _is_met(condition: Condition, item: Item) -> bool:
    kind = condition.get("type")
    if kind == "children_done":
        return _are_children_done(item)
    if kind == "dependencies_done":
        return _are_dependencies_done(item)
    if kind == "agent_run_completed":
        return _is_run_completed(item, condition.get("value"))
    if kind == "field":
        return _compare(
            field_value(item, str(condition.get("field"))), condition.get("operator") or "equals", condition.get("value")
        )
    return False


def _are_children_done(item: Item) -> bool:
    page = query(Entity, f"PARENT#{item.id}", index=3, limit=_MAX_CHILDREN)
    if page.next_key is not None:
        return False
    # the index says who they are; how they are it may say a moment late, and nobody would ask again
    children = [one for one in fetch_indexed(Item, page.rows) if not one.deleted_at]
    return bool(children) and all(one.status == "done" for one in children)


def _are_dependencies_done(item: Item) -> bool:
    graph = get(DependencyGraph, *DependencyGraph.key(item.board_id))
    waits_for = [edge[1] for edge in (graph.edges if graph else []) if edge[0] == item.id]
    return bool(waits_for) and all(one.status == "done" or one.deleted_at for one in fetch_all(Item, waits_for))


def _is_run_completed(item: Item, agent: Any) -> bool:
    since = item.lane_since or item.created_at
    runs = [one for one in item.recent_runs if one["created_at"] >= since and agent in (None, "", one["agent"]["name"])]
    return bool(runs) and max(runs, key=lambda one: str(one["created_at"]))["status"] == "completed"


def _compare(held: Any, operator: str, wanted: Any) -> bool:
    if operator in ("is_set", "is_not_set"):
        return (held not in (None, "", [], {})) is (operator == "is_set")
    if operator == "not_equals":
        return not _equal(held, wanted)
    if operator == "contains":
        if isinstance(held, str):
            return str(wanted).casefold() in held.casefold()
        return isinstance(held, list) and any(_equal(one, wanted) for one in held)
    if operator in ("greater_than", "less_than"):
        first, second = (held, wanted) if operator == "greater_than" else (wanted, held)
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (held, wanted))
        texts = all(isinstance(one, str) for one in (held, wanted))  # of dates: ISO 8601 sorts as text
        return bool(first > second) if numbers or texts else False
    return _equal(held, wanted)


def _equal(held: Any, wanted: Any) -> bool:
    """True is no 1, and a tag is named as lists name it: `key:value`."""
    if isinstance(held, Mapping) and "key" in held:
        held = f"{held['key']}:{held.get('value', '')}"
    return isinstance(held, bool) is isinstance(wanted, bool) and bool(held == wanted)


def _platform_actor(ws_id: str) -> Actor:
    """The platform, with what moving a card of this workspace takes and nothing else."""
    return Actor(
        id="system",
        name="Cadre",
        kind="system",
        workspaces={ws_id: Role.MEMBER},
        scopes=frozenset({Permission.CARD_READ, Permission.CARD_EDIT}),
    )
