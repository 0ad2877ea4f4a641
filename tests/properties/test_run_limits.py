"""Limits of runs under races and kills: whoever comes at once, no counter is passed; whatever dies, nothing is counted without its run."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core import clock
from shared.core.errors import CadreError
from shared.core.plans import PLANS
from shared.runs.agent_runs import queue, run_limits
from shared.runs.agent_runs.requesting import RunRequest, request_run
from shared.runs.agent_runs.rows import ActiveRuns, RunCount
from shared.store import get, save, write
from shared.work.items.rows import Item
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.kills import crash_at_every_write

CROWD = 12


@pytest.fixture
def world(aws, monkeypatch) -> World:
    monkeypatch.setattr(queue, "enqueue", lambda *_: None)
    world = create_world()
    world.set_wip(4, None)
    world.project.settings = world.project.settings | {"maxConcurrentRuns": 100}
    write(save(world.project))
    return world


def race(world: World, cards: list[Item], request: RunRequest) -> int:
    def ask(card: Item) -> bool:
        try:
            request_run(world.actor, card.id, "planner", request)
        except CadreError:
            return False
        return True

    with ThreadPoolExecutor(len(cards)) as pool:
        return sum(pool.map(ask, cards))


def running(world: World) -> int:
    row = get(ActiveRuns, f"PROJ#{world.project.id}", "RUNS")
    return len(row.run_ids) if row else 0


def counted(pk: str, sk: str) -> int:
    row = get(RunCount, pk, sk)
    return int(row.runs) if row else 0


def today(world: World) -> int:
    return counted(f"ORG#{world.project.org_id}", f"RUNS#{clock.epoch() // 86_400}")


def test_of_many_who_start_runs_at_once_as_many_do_as_the_plan_allows_a_day(world):
    begun = race(world, [world.card(4) for _ in range(CROWD)], RunRequest())
    assert begun == running(world) == today(world) == PLANS["free"].runs_per_day


def test_of_many_automatic_runs_of_one_root_at_once_as_many_begin_as_are_allowed(world, monkeypatch):
    monkeypatch.setattr(run_limits, "AUTO_RUNS_PER_ROOT", 3)
    put_on_plan(world.ws_id, "enterprise")
    root = world.card(4)
    cards = [world.card(4) for _ in range(CROWD)]
    for card in cards:
        card.root_id = root.id
        write(save(card))
    begun = race(world, cards, RunRequest(trigger="lane", automatic=True))
    assert begun == running(world) == counted(f"ITEM#{root.id}", f"RUNS#AUTO#{clock.epoch() // 3_600}") == 3


def test_a_request_that_dies_counts_its_run_once_or_not_at_all(world):
    """The count is in the transaction of the run: the day's count is always the number of runs."""
    for process in crash_at_every_write():
        card = world.card(4)
        with process:
            request_run(world.actor, card.id, "planner", RunRequest())
        assert today(world) == running(world)
    assert today(world) > 0
