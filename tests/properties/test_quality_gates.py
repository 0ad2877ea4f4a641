"""Quality gates that block: by whatever way a task is completed or a card goes on by itself, none passes that is not good enough."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core.errors import CadreError, TransitionRefused
from shared.core.ids import new_id
from shared.insight.quality.gating import define_gate
from shared.insight.quality.measuring import NewMetric, record_metric
from shared.planning.phases.moving import progress
from shared.source.repositories.pulls import complete_merged
from shared.source.repositories.rows import PullRequest
from shared.store import create, fetch, write
from shared.work.items.moving import move_to_next_column
from shared.work.items.rows import Item
from shared.work.quality_gates.rules import Gate, Requirement
from shared.work.tasks.claiming import claim_task, complete_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.held_cards import refuse_held
from shared.work.tasks.rows import Task
from shared.work.tasks.updating import TaskChanges, update_task
from tests.areas.boards_world import World, create_world
from tests.areas.test_cards_progress import conditions
from tests.areas.test_runs import card_in
from tests.areas.viewers import project, raw_row, stream_record
from tests.examples import examples
from tests.stored_rows import check_rows

LEAST = 75.0
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["measure low", "measure high", "set", "claim", "cancel", "column", "progress", "lane"]),
        st.integers(0, 1),
    ),
    min_size=4,
    max_size=14,
)
AGENT = {"id": "agent-1", "name": "worker"}


@pytest.fixture
def world(aws: None) -> World:
    world = create_world()
    for number in range(11):
        world.set_wip(number, None)
    requirement = Requirement("coverage", ">=", LEAST)
    define_gate(world.actor, Gate("release", "Coverage", "quality", [requirement], "block"), world.project.id)
    return world


class Board:
    """A card with two tasks of its phase, in a lane that it would leave by itself."""

    def __init__(self, world: World) -> None:
        self.world, self.card = world, world.card(6)
        self.tasks = [
            add_task(world.actor, self.card, new_id(), NewTask(f"Task {number}", phase_id=self.card.phase_id)).id
            for number in (0, 1)
        ]
        self.values: dict[str, float] = {}

    def step(self, name: str, task_id: str) -> None:
        actor = self.world.actor
        if name.startswith("measure"):
            value = 90.0 if name.endswith("high") else 10.0
            record_metric(actor, task_id, NewMetric("coverage", "coverage_total", value))
            self.values[task_id] = value
        elif name == "set":
            update_task(actor, task_id, TaskChanges(status="completed"))
        elif name == "claim":
            complete_task(actor, task_id, fence=int(claim_task(actor, task_id, AGENT, 600).fence))
        elif name == "cancel":
            update_task(actor, task_id, TaskChanges(status="cancelled"))
        elif name == "column":
            move_to_next_column(actor, self.card.id, refuse_held)
        elif name == "progress":
            progress(actor, self.card.id)
        else:  # the stream consumer looks at the conditions of its lane again
            assert project(stream_record(raw_row(f"ITEM#{self.card.id}"))) == []

    def is_held(self) -> bool:
        """Whether a task that counts was measured as not good enough."""
        tasks = [fetch(Task, one) for one in self.tasks]
        return any(self.values.get(one.id, LEAST) < LEAST for one in tasks if one.status != "cancelled")


@settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_nothing_passes_a_gate_that_blocks(world, steps):
    conditions(world, 6, {"type": "field", "field": "priority", "operator": "is_set", "toLaneId": world.lanes[8].id})
    board = Board(world)
    for name, number in steps:
        task_id = board.tasks[number]
        before, was, held = fetch(Item, board.card.id), fetch(Task, task_id).status, board.is_held()
        with suppress(CadreError):
            board.step(name, task_id)
        after, now = fetch(Item, board.card.id), fetch(Task, task_id).status
        if held and before.phase_id == board.card.phase_id:
            assert after.phase_id == before.phase_id, (steps, name)
        if now == "completed" != was:
            assert board.values.get(task_id, 0) >= LEAST, (steps, name)
    check_rows()


def test_a_card_goes_on_by_itself_when_nothing_holds_it_any_more(world):
    """Also one of which a task was cancelled that was never good enough, and back it may always go."""
    conditions(world, 6, {"type": "field", "field": "priority", "operator": "is_set", "toLaneId": world.lanes[8].id})
    board = Board(world)
    board.step("measure low", board.tasks[0])
    board.step("lane", board.tasks[0])
    assert fetch(Item, board.card.id).lane_id == world.lanes[6].id
    refuse_held(fetch(Item, board.card.id), world.lanes[1])
    board.step("cancel", board.tasks[0])
    board.step("lane", board.tasks[0])
    assert fetch(Item, board.card.id).lane_id == world.lanes[8].id


def test_a_merged_pull_request_passes_no_gate(world):
    board = Board(world)
    about = {"ws_id": world.ws_id, "proj_id": world.project.id, "repository_id": "r", "repo": "octo/shop", "title": "A change"}
    pull = PullRequest.new(new_id(), **about, number=5, url="https://github.test/5", merge_sha="0" * 40, task_id=board.tasks[0])
    pull.pk, pull.sk = PullRequest.key_in("r", "5")
    write(create(pull))
    complete_merged(world.actor, pull)
    assert fetch(Task, board.tasks[0]).status == "pending"
    board.step("measure high", board.tasks[0])
    complete_merged(world.actor, pull)
    assert fetch(Task, board.tasks[0]).status == "completed"


def test_an_agents_tool_passes_no_gate(world):
    card = card_in(world, 6)
    task = add_task(world.actor, card, new_id(), NewTask("Task", phase_id=card.phase_id)).id
    record_metric(world.actor, task, NewMetric("coverage", "c", 1))
    with pytest.raises(TransitionRefused, match="A quality gate holds this"):
        refuse_held(fetch(Item, card.id), world.lanes[7])
