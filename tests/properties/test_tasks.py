"""Tasks under races: one holder at a time, whatever agents claim, fail, lose and end; and the counts are what the tasks say."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import CadreError, Conflict
from shared.core.ids import new_id
from shared.store import count_entries, fetch, fetch_all, index_rows
from shared.work.tasks.claiming import claim_next, claim_task, complete_task, fail_task, release_task, renew_lease, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task, tasks_of
from tests.areas.boards_world import World, create_world
from tests.examples import examples
from tests.stored_rows import check_rows

LEASE = 30  # seconds
STEPS = st.lists(
    st.tuples(st.sampled_from(["claim", "start", "renew", "complete", "fail", "release", "wait"]), st.integers(0, 2)),
    max_size=30,
)


@pytest.fixture
def world(aws: None) -> World:
    return create_world()


def agent(number: int) -> dict[str, str]:
    return {"id": f"agent-{number}", "name": f"worker-{number}"}


def check_counts(world: World, tasks: list[Task]) -> None:
    """Each status has as many entries as tasks, and the rows are in order."""
    counted = tasks_of(world.ws_id)
    for status, number in Counter(task.status for task in tasks).items():
        assert count_entries(counted, lambda label, status=status: label.startswith(f"{status} ")) == number
    assert count_entries(counted, lambda _: True) == len(tasks)
    check_rows()


def test_of_many_agents_each_task_has_one(world):
    """Eight agents want four tasks at the same time: each task is claimed once, and nobody holds what another one was given."""
    card = world.card()
    ids = [add_task(world.actor, card, new_id(), NewTask(f"Task {number}")).id for number in range(4)]

    def claim(number: int) -> list[Task]:
        held = []
        while (task := claim_next(world.actor, world.project.id, agent(number), LEASE)) is not None:
            held.append(task)
        return held

    with ThreadPoolExecutor(8) as threads:
        held = [task for tasks in threads.map(claim, range(8)) for task in tasks]
    assert sorted(task.id for task in held) == sorted(ids)
    rows = [fetch(Task, task.id) for task in held]
    assert [(row.agent["id"], row.fence) for row in rows] == [(task.agent["id"], 1) for task in held]
    check_counts(world, rows)


def test_of_two_who_claim_what_was_lost_one_has_it(world):
    task = add_task(world.actor, world.card(), new_id(), NewTask("A task"))
    claim_task(world.actor, task.id, agent(0), LEASE)

    def take(number: int) -> int | None:
        try:
            return int(claim_task(world.actor, task.id, agent(number), LEASE).fence)
        except Conflict:
            return None

    with time_machine.travel(clock.now() + timedelta(seconds=LEASE + 1)), ThreadPoolExecutor(6) as threads:
        fences = list(threads.map(take, range(1, 7)))
    assert sorted(fence for fence in fences if fence) == [2]


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_agents_do_only_the_last_claim_counts(world, steps):
    """A model with one holder says what each step of three agents may do, in any order and however late."""
    task = add_task(world.actor, world.card(), new_id(), NewTask("A task"))
    fences: dict[int, int] = {}
    holder, lease_until, failures, fence, status = None, None, 0, 0, "pending"
    with time_machine.travel(clock.now(), tick=False) as time:
        for step, number in steps:
            mine = fences.get(number, -1)
            holds = holder == number and mine == fence
            lost = status == "held" and lease_until <= clock.now()
            try:
                if step == "wait":
                    time.shift(LEASE * 2 / 3)
                elif step == "claim":
                    fences[number] = int(claim_task(world.actor, task.id, agent(number), LEASE).fence)
                elif step == "start":
                    start_task(world.actor, task.id, mine)
                elif step == "renew":
                    renew_lease(world.actor, task.id, mine, LEASE)
                elif step == "complete":
                    complete_task(world.actor, task.id, number, fence=mine)
                elif step == "fail":
                    fail_task(world.actor, task.id, "It broke", fence=mine)
                else:
                    release_task(world.actor, task.id, mine)
                worked = True
            except CadreError:
                worked = False
            if step == "claim":
                assert worked == (status == "pending" or (lost and failures < task.max_retries))
                if lost and not worked:
                    status, holder = "failed", None
                if worked:
                    failures += lost
                    fence, holder, status = fence + 1, number, "held"
                    assert fences[number] == fence
                    lease_until = clock.now() + timedelta(seconds=LEASE)
            elif step != "wait":
                assert worked == holds
                if worked and step == "renew":
                    lease_until = clock.now() + timedelta(seconds=LEASE)
                elif worked and step != "start":
                    status = {"complete": "completed", "release": "pending"}.get(step) or (
                        "pending" if failures < task.max_retries else "failed"
                    )
                    failures += step == "fail" and status == "pending"
                    holder = None
            row = fetch(Task, task.id)
            assert (row.status in {"assigned", "running"}) == (status == "held")
            assert status in ("held", row.status)
            assert (row.retry_count, row.fence) == (failures, fence)
    check_counts(world, fetch_all(Task, [row.id for row in index_rows(1, tasks_of(world.ws_id).partition)]))
