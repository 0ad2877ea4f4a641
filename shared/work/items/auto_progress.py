"""Moving cards automatically by the `autoProgressConditions` of their lane.

type                  true when
children_done         the card has children, and all of them are done
dependencies_done     the card depends on others (`blocks`), and all of them are done
agent_run_completed   its latest run since it entered the lane has completed; `value`, if set, names the agent whose run counts. A run of
                      the embedded model that only asked does not count: its card waits for a person
field                 `field` of the card compares with `value` by `operator`: equals (default), not_equals, contains, greater_than,
                      less_than, is_set, is_not_set

The target of a condition is `toLaneId`, or the following lane. All conditions of a lane with the same target must be true; of several
targets the first one wins. The move obeys the same rules as a person's: the requirements of the target lane, its WIP limit, a block and
open dependencies, and a further `rule` that the caller has. A card that a run has leased stays until the run has ended.

A card moves automatically at most MAX_AUTO_MOVES times until a person changes it, so that two lanes which send it to each other do not
loop for ever (and do not start agents without limit). A card that an agent creates goes on counting where its parent is.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.core.actor import Actor, Permission, Role
from shared.core.errors import CadreError
from shared.core.texts import searchable
from shared.store import Entity, fetch_all, fetch_indexed, get, index_rows, query
from shared.work.boards.conditions import Condition, target_lane_id
from shared.work.boards.lanes import lane_key
from shared.work.boards.rows import Lane
from shared.work.items.dependencies import DependencyGraph
from shared.work.items.moving import Rule, move_item
from shared.work.items.rows import Item, ItemHead
from shared.work.items.rules import MAX_AUTO_MOVES, field_value

log = logging.getLogger(__name__)

_MAX_CHILDREN: Final = 500  # a card with more children is never moved automatically
_MAX_CANDIDATES: Final = 25  # cards of a lane that are tried when another lane has room again


def progress_items(item_ids: Sequence[str], rule: Rule | None = None) -> list[Item]:
    """Move those of the cards whose lane conditions are true, and return the moved ones. A card whose move is refused stays.

    One read for the cards, and what `progress_in_lanes` reads.
    """
    return progress_in_lanes(
        {item.id: item.lane_id for item in fetch_all(ItemHead, dict.fromkeys(item_ids)) if _can_progress(item)}, rule
    )


def progress_in_lanes(lane_ids: Mapping[str, str], rule: Rule | None = None) -> list[Item]:
    """Do as `progress_items` does, for cards whose lanes are known: card ids with the ids of their lanes.

    One read for the lanes, and if one of them has conditions, one for its cards and those of the conditions.
    """
    moved: list[Item] = []
    lanes = {lane.id: lane for lane in fetch_all(Lane, dict.fromkeys(lane_ids.values()), to_show=True) if lane.conditions}
    for item in fetch_all(Item, [item_id for item_id, lane_id in lane_ids.items() if lane_id in lanes]):
        lane = lanes.get(item.lane_id)
        target = _find_target(item, lane) if lane is not None and _can_progress(item) else None
        if target is None:
            continue
        try:
            moved_item = move_item(
                _platform_actor(str(item.ws_id)),
                item.id,
                target,
                reason="Its conditions hold",
                only_from=item.lane_id,
                rule=rule,
            )
        except CadreError as error:
            log.info("a card stays where it is", extra={"card": item.id, "lane": target, "reason": error.message})
            continue
        if moved_item.lane_id == target:
            moved.append(moved_item)
    return moved


def list_waiting_items(item: ItemHead) -> list[str]:
    """Return the ids of the cards whose conditions may become true when this card is finished or deleted: its parent and its dependents."""
    graph = get(DependencyGraph, *DependencyGraph.key(item.board_id))
    waiting = [edge[0] for edge in (graph.edges if graph else []) if edge[1] == item.id]
    return [*([item.parent_id] if item.parent_id else []), *waiting]


def after_leaving(item: ItemHead, lane_id: str, rule: Rule | None = None) -> None:
    """After a card has left a lane, move it on if the conditions of its new lane are true; and if the lane that it left has a WIP limit,
    move the first card there whose conditions target it.

    A query for the board's lanes, which says which of them have conditions: what `progress_in_lanes` reads only if the new lane has some.
    """
    lanes = {row.id: row for row in index_rows(1, f"BOARD#{item.board_id}#LANE")}
    if not item.deleted_at and item.lane_id in lanes and lanes[item.lane_id].f["has_conditions"]:
        progress_in_lanes({item.id: item.lane_id}, rule)
    if lane_id in lanes and lanes[lane_id].f["wip_limit"] is not None:
        _pull_next_card(item.board_id, lane_id, [row.id for row in lanes.values() if row.f["has_conditions"]], rule)


def _pull_next_card(board_id: str, lane_id: str, conditional: Sequence[str], rule: Rule | None) -> None:
    """Move the first card whose conditions target the lane. A read of the lanes with conditions, a query for each that targets it."""
    for lane in fetch_all(Lane, conditional, to_show=True):
        if lane.id == lane_id or all(target_lane_id(lane, condition) != lane_id for condition in lane.conditions):
            continue
        page = query(Entity, f"BOARD#{board_id}#ITEM", index=1, prefix=f"{lane_key(board_id, lane.id)}#", limit=_MAX_CANDIDATES)
        for row in page.rows:
            if any(item.lane_id == lane_id for item in progress_items([row.entity_id], rule)):
                return


def _can_progress(item: ItemHead) -> bool:
    unavailable = item.deleted_at or item.archived_at or item.lease_run
    return not unavailable and int(item.auto_moves) < MAX_AUTO_MOVES


def _find_target(item: Item, lane: Lane) -> str | None:
    """Return the id of the first lane whose conditions are all true; None if there is none."""
    by_target: dict[str, list[Condition]] = {}
    for condition in lane.conditions:
        if target := target_lane_id(lane, condition):
            by_target.setdefault(target, []).append(condition)
    return next((lane_id for lane_id, conditions in by_target.items() if all(_is_met(one, item) for one in conditions)), None)


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
    # statuses are read from the rows: those of the index may be late, and no later event would check again
    children = [child for child in fetch_indexed(ItemHead, page.rows) if not child.deleted_at]
    return bool(children) and all(child.status == "done" for child in children)


def _are_dependencies_done(item: Item) -> bool:
    graph = get(DependencyGraph, *DependencyGraph.key(item.board_id))
    blockers = [edge[1] for edge in (graph.edges if graph else []) if edge[0] == item.id]
    return bool(blockers) and all(blocker.status == "done" or blocker.deleted_at for blocker in fetch_all(ItemHead, blockers))


def _is_run_completed(item: Item, agent: Any) -> bool:
    since = item.lane_since or item.created_at
    runs = [run for run in item.recent_runs if run["created_at"] >= since and agent in (None, "", run["agent"]["name"])]
    latest = max(runs, key=lambda run: str(run["created_at"]), default=None)
    return latest is not None and latest["status"] == "completed" and not latest.get("has_only_comments")


def _compare(value: Any, operator: str, expected: Any) -> bool:
    if operator in ("is_set", "is_not_set"):
        return (value not in (None, "", [], {})) is (operator == "is_set")
    if operator == "not_equals":
        return not _equal(value, expected)
    if operator == "contains":
        if isinstance(value, str):
            return searchable(str(expected)) in searchable(value)
        return isinstance(value, list) and any(_equal(one, expected) for one in value)
    if operator in ("greater_than", "less_than"):
        first, second = (value, expected) if operator == "greater_than" else (expected, value)
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, expected))
        texts = all(isinstance(one, str) for one in (value, expected))  # of dates: ISO 8601 sorts as text
        return bool(first > second) if numbers or texts else False
    return _equal(value, expected)


def _equal(value: Any, expected: Any) -> bool:
    """Compare two values: True does not equal 1, and a tag equals the text `key:value`."""
    if isinstance(value, Mapping) and "key" in value:
        value = f"{value['key']}:{value.get('value', '')}"
    return isinstance(value, bool) is isinstance(expected, bool) and bool(value == expected)


def _platform_actor(ws_id: str) -> Actor:
    """Return the system actor with only the permissions that moving a card of this workspace needs."""
    return Actor(
        id="system",
        name="Cadre",
        kind="system",
        workspaces={ws_id: Role.MEMBER},
        scopes=frozenset({Permission.CARD_READ, Permission.CARD_EDIT}),
    )
