"""Tasks under races: one holder at a time, whatever agents claim, fail, lose and end; and the counts are what the tasks say."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from graphlib import TopologicalSorter

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core import clock
from shared.core.errors import CadreError, Conflict
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import count_entries, fetch, fetch_all, index_rows, query
from shared.work.tasks.claiming import claim_next, claim_task, complete_task, fail_task, release_task, renew_lease, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.dependencies import add_dependencies, read_graph, refresh_dependents, set_dependencies
from shared.work.tasks.rows import Dependent, GraphRow, Task, tasks_of
from shared.work.tasks.updating import TaskChanges, update_task
from tests.areas.boards_world import World, create_world
from tests.examples import examples
from tests.kills import concurrently, crash_at_every_write
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


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def make(world: World, number: int) -> list[str]:
    card = world.card()
    return [add_task(world.actor, card, new_id(), NewTask(f"Task {one}")).id for one in range(number)]


def check_graph(world: World, ids: list[str]) -> None:
    """No circle; and the graph and the rows of dependents are what the tasks say."""
    tasks = {task.id: task for task in fetch_all(Task, ids)}
    says = {(task.id, needed) for task in tasks.values() for needed in task.depends_on}
    list(TopologicalSorter({task.id: task.depends_on for task in tasks.values()}).static_order())
    assert set(read_graph(world.project.id)[1]) == says
    dependents = {(row.task_id, one) for one in ids for row in query(Dependent, f"TASK#{one}", prefix="NEEDED#").rows}
    assert dependents == says
    for task in tasks.values():
        assert task.waiting == any(tasks[one].status != "completed" for one in task.depends_on)


def test_of_two_edges_that_close_a_circle_together_one_is_written(world):
    """The other one is written between the read of the first and its write."""
    a, b = make(world, 2)
    with concurrently(lambda: add_dependencies(world.actor, b, [a])), pytest.raises(Conflict) as refused:
        add_dependencies(world.actor, a, [b])
    assert refused.value.situation is Situation.DEPENDENCY_CYCLE
    check_graph(world, [a, b])


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=4, max_size=12))
def test_no_circle_comes_of_edges_that_race(world, pairs):
    ids = make(world, 5)
    before = set(read_graph(world.project.id)[1])

    def link(pair: tuple[int, int]) -> bool:
        try:
            add_dependencies(world.actor, ids[pair[0]], [ids[pair[1]]])
        except Conflict:
            return False  # a circle, or too many wrote at once
        return True

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(link, pairs))
    for row in query(GraphRow, GraphRow.partition(world.project.id)).rows:
        assert row.sk == GraphRow.VERSION or row.depends_on
    tasks = fetch_all(Task, ids)
    list(TopologicalSorter({task.id: task.depends_on for task in tasks}).static_order())
    says = {(task.id, needed) for task in tasks for needed in task.depends_on}
    assert set(read_graph(world.project.id)[1]) == before | says


def test_a_task_that_is_completed_while_another_begins_to_wait_for_it(world):
    """Who waits finds it completed, or is found by what follows from its end: nobody waits for ever."""
    a, b, c = make(world, 3)
    with concurrently(lambda: update_task(world.actor, a, TaskChanges(status="completed"))):
        add_dependencies(world.actor, b, [a])
    assert not fetch(Task, b).waiting
    with concurrently(lambda: update_task(world.actor, b, TaskChanges(status="completed"))):
        made = add_task(world.actor, world.card(), new_id(), NewTask("New", depends_on=[b]))
    assert not made.waiting
    add_dependencies(world.actor, c, [made.id])
    update_task(world.actor, made.id, TaskChanges(status="completed"))
    refresh_dependents(made.id)
    refresh_dependents(made.id)
    check_graph(world, [a, b, c, made.id])


def test_whoever_dies_while_a_dependency_is_written_leaves_nothing_half_done(world):
    a, b = make(world, 2)
    for process in crash_at_every_write():
        with process:
            set_dependencies(world.actor, a, [b])
        check_graph(world, [a, b])
        set_dependencies(world.actor, a, [])
