"""Moving a card: the rules of lanes, what follows from a lane, and what is said of it."""

import pytest

from shared.core.actor import Role
from shared.core.errors import Conflict, Forbidden, NotFound, TransitionRefused
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import fetch
from shared.work.boards.rows import Lane
from shared.work.items.creating import NewItem, create_item
from shared.work.items.dependencies import create_dependency
from shared.work.items.moving import move_item, move_to_column, move_to_next_column
from shared.work.items.places import places_of
from shared.work.items.rows import Item
from shared.work.items.updating import block_item
from tests.areas.boards_world import World, create_world
from tests.kills import concurrently
from tests.trips import count_requests


def card(world: World, lane: int = 0, **more) -> Item:
    new = NewItem(**({"title": "A card", "type": "task", "lane_id": world.lanes[lane].id} | more))
    return create_item(world.actor, world.board.id, new)


def move(world: World, item: Item, lane: int, *args, **more) -> Item:
    return move_item(world.actor, item.id, world.lanes[lane].id, *args, **more)


def rule(refused) -> str:
    return refused.value.details["rule"]


def test_a_move_is_counted_and_told(world):
    item = card(world)
    moved = move(world, item, 6, 3, "Ready to build")
    assert (moved.lane_id, moved.phase_id, moved.position) == (world.lanes[6].id, "PHASE_IMPLEMENTATION", 3)
    assert (world.lane_counts(), world.column_counts()) == ({6: 1}, {"building": 1})
    event = fetch(Item, item.id).event
    assert event["type"] == "item.moved"
    assert event["data"]["reason"] == "Ready to build"
    places = places_of(event["changes"], event["data"])
    assert (places["from_lane"], places["to_lane"]) == (world.lanes[0].id, world.lanes[6].id)
    assert (places["from_column"], places["to_column"]) == ("backlog", "building")


def test_in_its_lane_only_the_position_changes(world):
    item = card(world, 1)
    world.set_wip(1, 1)
    assert move(world, item, 1, 9).position == 9
    version = fetch(Item, item.id).version
    assert move(world, item, 1).version == version
    assert move(world, item, 1, 9).version == version
    assert fetch(Item, item.id).event["type"] == "item.updated"
    assert world.lane_counts() == {1: 1}


def test_a_full_lane_refuses_by_name_of_the_rule(world):
    world.set_wip(2, 1)
    move(world, card(world), 2)
    second = card(world)
    with pytest.raises(TransitionRefused) as refused:
        move(world, second, 2)
    assert rule(refused) == "lane_wip_limit"
    assert fetch(Item, second.id).lane_id == world.lanes[0].id
    assert world.lane_counts() == {0: 1, 2: 1}
    assert move(world, second, 2, enforce_lane_limit=False).lane_id == world.lanes[2].id


def test_a_move_by_lane_may_pass_the_columns_limit_but_not_if_asked_to_hold_it(world):
    for _ in range(3):
        move(world, card(world), 8)
    with pytest.raises(TransitionRefused) as refused:
        move(world, card(world), 9, enforce_column_limit=True)
    assert rule(refused) == "column_wip_limit"
    move(world, card(world), 9)
    assert world.column_counts()["deploying"] == 4


def test_status_follows_the_lane(world):
    item = card(world)
    assert item.status == "draft"
    assert move(world, item, 3).status == "in_progress"
    done = move(world, item, 10)
    assert (done.status, done.completed_at is not None) == ("done", True)
    reopened = move(world, item, 7)
    assert (reopened.status, reopened.completed_at) == ("in_progress", None)
    assert move(world, item, 0).status == "in_progress"
    assert move(world, card(world, 5), 6).status == "draft"


def test_a_blocked_card_goes_back_but_not_forward(world):
    item = card(world, 5)
    block_item(world.actor, item.id, "Waiting")
    with pytest.raises(TransitionRefused) as refused:
        move(world, item, 6)
    assert rule(refused) == "blocked"
    back = move(world, item, 4)
    assert (back.status, back.phase_id) == ("blocked", "PHASE_DESIGN")
    assert (world.lane_counts(), world.column_counts()) == ({4: 1}, {"blocked": 1})
    lifted = move(world, item, 6, unblock=True)
    assert (lifted.status, lifted.status_before_block, lifted.blocked_reason) == ("draft", None, None)
    assert world.column_counts() == {"building": 1}


def test_a_card_is_not_done_before_what_it_waits_for(world):
    first, second = card(world, 7, title="First"), card(world, 7)
    create_dependency(world.actor, second.id, first.id, "blocks")
    with pytest.raises(TransitionRefused) as refused:
        move(world, second, 10)
    assert rule(refused) == "dependency"
    assert "First" in refused.value.message
    assert move(world, second, 8).lane_id == world.lanes[8].id
    move(world, first, 10)
    assert move(world, second, 10).status == "done"


def test_a_lane_says_what_it_takes(world):
    item = card(world)
    world.configure(3, allowedCardTypes=["epic"])
    world.configure(4, requiredFields=["dueDate"])
    for lane in (3, 4):
        with pytest.raises(TransitionRefused):
            move(world, item, lane)
    with pytest.raises(NotFound):
        move_item(world.actor, item.id, new_id())
    with pytest.raises(NotFound):
        move_item(world.actor, item.id, "nonsense")
    assert world.lane_counts() == {0: 1}


def test_a_lane_of_another_board_is_refused_and_of_another_tenant_unknown(world):
    item = card(world)
    foreign = create_world("eve@example.com", "Eve")
    with pytest.raises(NotFound):
        move_item(world.actor, item.id, foreign.lanes[1].id)
    with pytest.raises(NotFound):
        move_item(foreign.actor, item.id, foreign.lanes[1].id)


def test_an_archived_board_stands_still(world):
    item = card(world)
    world.archive()
    for lane, position in ((1, None), (0, 9)):
        with pytest.raises(Conflict) as refused:
            move(world, item, lane, position)
        assert refused.value.situation is Situation.PROJECT_ARCHIVED


def test_a_viewer_moves_nothing(world):
    from dataclasses import replace

    viewer = replace(world.actor, workspaces={world.ws_id: Role.VIEWER})
    with pytest.raises(Forbidden):
        move_item(viewer, card(world).id, world.lanes[1].id)


def test_columns_move_by_their_own_limit(world):
    world.set_wip(5, 1)
    items = [card(world) for _ in range(2)]
    for item in items:
        assert move_to_column(world.actor, item.id, "building").lane_id == world.lanes[5].id
    assert world.lane_counts() == {5: 2}
    assert move(world, items[0], 6).lane_id == world.lanes[6].id
    assert move_to_column(world.actor, items[0].id, "building").lane_id == world.lanes[6].id
    assert move_to_next_column(world.actor, items[0].id).phase_id == "PHASE_TESTING"
    assert move_to_next_column(world.actor, items[0].id) is None


def violation(world: World) -> tuple[int, int] | None:
    """How many cards the last forced move says that the column of lane 8 has, and their limit."""
    event = fetch(Lane, world.lanes[8].id).event
    if not event or event["type"] != "lane.wip_exceeded":
        return None
    return event["data"]["current_count"], event["data"]["wip_limit"]


@pytest.mark.parametrize(("lane", "told", "cards"), [(9, (5, 3), 5), (0, None, 3)])
def test_a_forced_move_judges_anew_when_the_column_changes_meanwhile(world, lane, told, cards):
    held = [move(world, card(world), 8) for _ in range(3)]
    item, other = card(world), card(world) if lane else held[0]
    with concurrently(lambda: move(world, other, lane), number=2):  # after the refusal, before the move beyond the limit
        move_to_column(world.actor, item.id, "deploying", force=True)
    assert (violation(world), world.column_counts()["deploying"]) == (told, cards)


def test_a_forced_move_tells_nothing_of_a_column_in_which_the_card_is_by_now(world):
    for _ in range(3):
        move(world, card(world), 8)
    item = card(world)
    with concurrently(lambda: move(world, item, 9), number=2):
        move_to_column(world.actor, item.id, "deploying", force=True)
    assert (violation(world), world.column_counts()["deploying"]) == (None, 4)


def test_a_move_is_one_read_and_one_transaction(world):
    item = card(world)
    with count_requests() as seen:
        move(world, item, 1)
    assert seen.names == ["BatchGetItem", "TransactWriteItems"]
