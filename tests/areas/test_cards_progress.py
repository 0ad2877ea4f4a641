"""Cards that go on by themselves: every condition, and what stops them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.actor import Role
from shared.events import get_event
from shared.runs.agent_runs.rows import Run
from shared.store import fetch
from shared.store.client import dynamodb
from shared.work.boards.conditions import OPERATORS
from shared.work.items.auto_progress import _compare, progress_items
from shared.work.items.deleting import delete_item
from shared.work.items.dependencies import create_dependency, delete_dependency
from shared.work.items.moving import move_item
from shared.work.items.rows import Item
from shared.work.items.rules import MAX_AUTO_MOVES
from shared.work.items.updating import update_item
from tests.areas.boards_world import World, create_world
from tests.areas.running import connected
from tests.areas.test_runs import card_in, started
from tests.areas.viewers import project, stream_record
from tests.examples import examples


class Stream:
    """What changed since it was last looked at, given to the stream consumer until nothing changes any more."""

    def __init__(self) -> None:
        self.seen = self._rows()

    def _rows(self) -> dict:
        pages = dynamodb().get_paginator("scan").paginate(TableName="core")
        return {(row["PK"]["S"], row["SK"]["S"]): row for page in pages for row in page["Items"] if "event_id" in row}

    def flow(self) -> int:
        """How many rounds it took."""
        for round_ in range(5 * MAX_AUTO_MOVES):
            now = self._rows()
            changed = [key for key, row in now.items() if row["event_id"] != self.seen.get(key, {}).get("event_id")]
            records = [stream_record(now[key], self.seen.get(key), number) for number, key in enumerate(changed)]
            self.seen = now
            if not records:
                return round_
            assert project(*records) == []
        raise AssertionError("the stream never comes to rest")


@pytest.fixture
def world(aws) -> World:
    world = create_world()
    for number in range(11):
        world.set_wip(number, None)
    return world


@pytest.fixture
def stream(world) -> Stream:
    return Stream()


def conditions(world: World, lane: int, *wanted: dict):
    path = f"/lanes/{world.lanes[lane].id}"
    answer = world.ada("boards", "PUT", path, body={"settings": {"autoProgressConditions": list(wanted)}})
    assert answer.status == 200, answer.text


def lane_of(world: World, card: Item) -> int:
    found = fetch(Item, card.id)
    return next(int(lane.number) for lane in world.lanes if lane.id == found.lane_id)


def finish(world: World, card: Item) -> None:
    update_item(world.actor, card.id, {"status": "done"})


def test_a_parent_goes_on_when_its_children_are_done(world, stream):
    conditions(world, 4, {"type": "children_done"})
    parent = world.card(4)
    children = [world.card(6, parent_id=parent.id) for _ in range(3)]
    stream.flow()
    finish(world, children[0])
    stream.flow()
    assert lane_of(world, parent) == 4
    finish(world, children[1])
    delete_item(world.actor, children[2].id)  # what is gone is waited for by nobody
    stream.flow()
    assert lane_of(world, parent) == 5
    event = get_event(fetch(Item, parent.id))
    assert (event.actor["kind"], event.actor["name"], event.data["reason"]) == ("system", "Cadre", "Its conditions hold")
    childless = world.card(4)
    stream.flow()
    assert lane_of(world, childless) == 4


def test_a_card_goes_on_when_all_it_waits_for_is_done(world, stream):
    conditions(world, 2, {"type": "dependencies_done", "toLaneId": world.lanes[6].id})
    card, other, third = world.card(2), world.card(0), world.card(0)
    create_dependency(world.actor, card.id, other.id, "blocks")
    link = create_dependency(world.actor, card.id, third.id, "blocks")
    stream.flow()
    finish(world, other)
    stream.flow()
    assert lane_of(world, card) == 2
    delete_dependency(world.actor, link.dependency.id)
    stream.flow()
    assert lane_of(world, card) == 6


def test_a_field_that_gets_its_value_lets_a_card_go_on(world, stream):
    conditions(
        world,
        0,
        {"type": "field", "field": "status", "value": "ready"},
        {"type": "field", "field": "assigneeId", "operator": "is_set"},
        {"type": "field", "field": "risk", "value": "high", "toLaneId": world.lanes[3].id},
    )
    card, risky = world.card(0), world.card(0)
    update_item(world.actor, card.id, {"status": "ready"})
    stream.flow()
    assert lane_of(world, card) == 0  # of two that lead to the same lane one is not enough
    update_item(world.actor, card.id, {"assignee_id": world.ada.user["id"]})
    update_item(world.actor, risky.id, {"custom_fields": {"risk": "high"}})
    stream.flow()
    assert (lane_of(world, card), lane_of(world, risky)) == (1, 3)


def test_a_run_that_completed_since_the_card_came_lets_it_go_on(world, stream, monkeypatch):
    machine = connected(monkeypatch)
    conditions(world, 1, {"type": "agent_run_completed", "value": "prd"})
    conditions(world, 2, {"type": "agent_run_completed"})
    world.project = fetch(type(world.project), world.project.id)
    card = card_in(world, 1, "doc")
    stream.flow()
    run_id = started(world, card, "prd")
    update_item(world.actor, card.id, {"priority": "high"})
    stream.flow()
    assert lane_of(world, card) == 1  # in the agent's hands
    assert machine.play(run_id).status == "completed"
    stream.flow()
    # in the next lane the old run counts for nothing; the lane's own agent has taken the card up
    assert lane_of(world, card) == 2
    assert fetch(Run, fetch(Item, card.id).lease_run).agent["name"] == "research"


@pytest.mark.parametrize("rule", [{"type": "agent_run_completed"}, {"type": "field", "field": "status", "value": "ready"}])
def test_a_run_that_only_asked_moves_nothing_and_starts_nothing(world, stream, monkeypatch, rule):
    machine = connected(monkeypatch)
    conditions(world, 1, rule)
    world.project = fetch(type(world.project), world.project.id)
    card = world.card(1, "Make onboarding better", description="It should feel nicer.")
    stream.flow()
    run_id = started(world, card, "prd")
    assert machine.play(run_id).status == "completed"
    stream.flow()
    run = fetch(Run, run_id)
    assert set(run.result_data) == {"comments"}
    assert lane_of(world, card) == 1
    assert [one["id"] for one in fetch(Item, card.id).recent_runs] == [run_id]


def test_a_full_lane_is_waited_for_and_taken_when_there_is_room(world, stream):
    conditions(world, 5, {"type": "field", "field": "status", "value": "ready"})
    world.set_wip(6, 1)
    inside, first, second = world.card(6), world.card(5), world.card(5)
    for card in (first, second):
        update_item(world.actor, card.id, {"status": "ready"})
    stream.flow()
    assert (lane_of(world, first), lane_of(world, second)) == (5, 5)
    move_item(world.actor, inside.id, world.lanes[7].id)
    stream.flow()
    assert (lane_of(world, first), lane_of(world, second)) == (6, 5)
    delete_item(world.actor, first.id)
    stream.flow()
    assert lane_of(world, second) == 6
    assert world.lane_counts()[6] == 1


def test_what_may_not_move_stays(world, stream):
    conditions(world, 5, {"type": "field", "field": "priority", "value": "high"})
    world.configure(6, requiredFields=["assigneeId"])
    bare, blocked = world.card(5), world.card(5)
    update_item(world.actor, blocked.id, {"status": "blocked", "assignee_id": world.ada.user["id"]})
    for card in (bare, blocked):
        update_item(world.actor, card.id, {"priority": "high"})
    stream.flow()
    assert (lane_of(world, bare), lane_of(world, blocked)) == (5, 5)
    update_item(world.actor, blocked.id, {"status": "in_progress"})
    update_item(world.actor, bare.id, {"assignee_id": world.ada.user["id"]})
    stream.flow()
    assert (lane_of(world, bare), lane_of(world, blocked)) == (6, 6)


def test_two_lanes_that_send_a_card_to_each_other_come_to_rest(world, stream):
    always = {"type": "field", "field": "title", "operator": "is_set"}
    conditions(world, 5, always | {"toLaneId": world.lanes[6].id})  # two lanes without an agent of their own
    conditions(world, 6, always | {"toLaneId": world.lanes[5].id})
    card = world.card(5)
    stream.flow()
    assert fetch(Item, card.id).auto_moves == MAX_AUTO_MOVES
    update_item(world.actor, card.id, {"title": "Another"})  # a person has it in hand: it may go on again
    stream.flow()
    assert fetch(Item, card.id).auto_moves == MAX_AUTO_MOVES
    events = dynamodb().scan(TableName="core", Select="COUNT")["Count"]
    assert stream.flow() == 0
    assert dynamodb().scan(TableName="core", Select="COUNT")["Count"] == events


def test_a_card_that_was_moved_meanwhile_is_left_where_it_is(world, monkeypatch):
    conditions(world, 2, {"type": "field", "field": "title", "operator": "is_set"})
    card = world.card(2)
    real = fetch

    def moved_first(actor, item_id, lane, **about):
        move_item(world.actor, card.id, world.lanes[7].id)
        return move_item(actor, item_id, lane, **about)

    monkeypatch.setattr("shared.work.items.auto_progress.move_item", moved_first)
    assert progress_items([card.id]) == []
    assert real(Item, card.id).lane_id == world.lanes[7].id


@pytest.mark.parametrize(
    ("lane", "condition", "field"),
    [
        (1, {"type": "when_it_rains"}, "type"),
        (1, {"type": "field", "value": 1}, "field"),
        (1, {"type": "field", "field": "title"}, "value"),
        (1, {"type": "field", "field": "title", "operator": "rhymes", "value": "x"}, "operator"),
        (1, {"type": "children_done", "toLaneId": "0190a0a0-0000-7000-8000-000000000000"}, "toLaneId"),
        (10, {"type": "children_done"}, "toLaneId"),
    ],
)
def test_a_condition_that_can_never_hold_is_refused(world, lane, condition, field):
    path = f"/lanes/{world.lanes[lane].id}"
    answer = world.ada("boards", "PUT", path, body={"settings": {"autoProgressConditions": [condition]}})
    assert answer.status == 422
    assert [one["field"] for one in answer.json["validationErrors"]] == [f"settings.autoProgressConditions.0.{field}"]


def test_a_condition_to_the_lane_itself_is_refused_and_members_set_them(world):
    vera = world.join("Vera", "vera@example.com", Role.VIEWER)
    lane = world.lanes[1].id
    body = {"settings": {"autoProgressConditions": [{"type": "children_done", "toLaneId": lane}]}}
    assert world.ada("boards", "PUT", f"/lanes/{lane}", body=body).status == 422
    body["settings"]["autoProgressConditions"][0].pop("toLaneId")
    assert vera("boards", "PUT", f"/lanes/{lane}", body=body).status == 403


@pytest.mark.parametrize(
    ("held", "operator", "wanted", "holds"),
    [
        (5, "equals", 5.0, True),
        (True, "equals", 1, False),
        (None, "equals", "", False),
        ("b", "not_equals", "a", True),
        (["ui", "api"], "contains", "ui", True),
        ([{"key": "team", "value": "web"}], "contains", "team:web", True),
        ("Login page", "contains", "login", True),
        (None, "contains", "x", False),
        (8, "greater_than", 5, True),
        ("2026-12-01", "less_than", "2027-01-01", True),
        ("8", "greater_than", 5, False),
        (0, "is_set", None, True),
        ([], "is_set", None, False),
        (None, "is_not_set", None, True),
    ],
)
def test_how_values_compare(held, operator, wanted, holds):
    assert _compare(held, operator, wanted) is holds


_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=3))


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=_VALUES, operator=st.sampled_from(OPERATORS), wanted=_VALUES)
def test_any_value_compares_with_any_other(held, operator, wanted):
    """Custom fields hold anything: a comparison is true or false and never an error that stops the stream."""
    assert _compare(held, operator, wanted) in (True, False)
