"""Interventions that race: each is made once or not at all, and what was changed is what the rows of the interventions say."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core.errors import CadreError
from shared.core.ids import new_id
from shared.runs.guardian import acting, listing, reverting
from shared.runs.live_agents.registering import NewAgent, register_agent
from shared.runs.live_agents.rows import LiveAgent
from shared.store import fetch
from shared.work.tasks.claiming import claim_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World, create_world

WHY = acting.Intervention("It goes in circles", "guardian-001")
AT_ONCE = 20


@pytest.fixture
def world(aws) -> World:
    return create_world(f"{new_id()}@example.com")


def at_once(act) -> int:
    """Do something AT_ONCE times at the same time. Return how often it was done."""

    def attempt(number: int) -> bool:
        try:
            act(number)
        except CadreError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(attempt, range(AT_ONCE)))


def held(world: World) -> str:
    task = add_task(world.actor, world.card(), new_id(), NewTask("A task"))
    return claim_task(world.actor, task.id, {"id": "agent-1", "name": "worker-1"}, 3_600).id


def test_of_twenty_cancellations_and_of_twenty_reverts_one_is_made(world):
    task_id = held(world)
    assert at_once(lambda _: acting.cancel_task(world.actor, task_id, WHY)) == 1
    ((action,), total) = listing.list_actions(world.actor, None, task_id, limit=10)
    assert total == 1
    assert at_once(lambda _: reverting.revert(world.actor, action.id, "It was right")) == 1
    task = fetch(Task, task_id)
    assert task is not None
    assert task.status == "pending"


def test_twenty_moves_of_capacity_keep_the_sum(world):
    ids = [register_agent(world.actor, NewAgent("worker", capacity=number), world.project.id).id for number in (8, 1, 1)]

    def move(number: int) -> None:
        giver, taker = ids[number % 3], ids[(number + 1) % 3]
        acting.reallocate(world.actor, giver, taker, 2, WHY)

    made = at_once(move)
    capacities = [int(agent.capacity) for agent_id in ids if (agent := fetch(LiveAgent, agent_id)) is not None]
    assert made >= 3
    assert sum(capacities) == 10
    assert min(capacities) >= 1
    assert listing.list_actions(world.actor, "reallocate", None, limit=100)[1] == made
