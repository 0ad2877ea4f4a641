"""Claims of tasks: leases, fences, attempts, and what an agent may claim next."""

from datetime import timedelta

import pytest

from shared.core import clock
from shared.core.errors import Conflict, NotFound
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.store import LastBlock, count_entries, fetch, load, write
from shared.work.items.deleting import delete_item
from shared.work.tasks.claiming import (
    FenceLost,
    claim_next,
    claim_task,
    complete_task,
    fail_task,
    next_claimable,
    release_task,
    renew_lease,
    renewal,
    start_task,
)
from shared.work.tasks.creating import NewTask, add_task, build_task
from shared.work.tasks.rows import Task, tasks_of
from tests.areas.boards_world import World
from tests.kills import concurrently
from tests.stored_rows import check_rows

ONE, TWO = {"id": "agent-1", "name": "worker-1"}, {"id": "agent-2", "name": "worker-2"}


def add(world: World, title: str = "A task", **more) -> Task:
    return add_task(world.actor, world.card(), new_id(), NewTask(title, **more))


def refused(call, *arguments, **more) -> Situation:
    with pytest.raises(Conflict) as caught:
        call(*arguments, **more)
    return caught.value.situation


def test_a_task_is_claimed_once_and_ends_with_its_result(world):
    task = add(world)
    claimed = claim_task(world.actor, task.id, ONE, 60)
    assert (claimed.status, claimed.fence, claimed.agent["id"]) == ("assigned", 1, "agent-1")
    assert refused(claim_task, world.actor, task.id, TWO, 60) is Situation.TASK_STATUS
    assert start_task(world.actor, task.id, 1).status == "running"
    done = complete_task(world.actor, task.id, {"files": 2}, fence=1)
    assert (done.status, done.result, done.agent["id"], done.lease_until) == ("completed", {"files": 2}, "agent-1", None)
    assert refused(complete_task, world.actor, task.id, fence=1) is Situation.TASK_STATUS
    assert refused(claim_task, world.actor, task.id, TWO, 60) is Situation.TASK_STATUS
    check_rows()


def test_a_lease_that_ended_is_somebody_elses_and_the_old_fence_is_refused(world, late):
    task = add(world)
    first = claim_task(world.actor, task.id, ONE, 30)
    late.shift(29)
    assert next_claimable(world.project.id) == []
    renew_lease(world.actor, task.id, first.fence, 30)
    late.shift(29)
    assert refused(claim_task, world.actor, task.id, TWO, 30) is Situation.TASK_STATUS
    late.shift(1)
    assert [row.id for row in next_claimable(world.project.id)] == [task.id]
    second = claim_task(world.actor, task.id, TWO, 30)
    assert (second.fence, second.agent["id"], second.retry_count) == (2, "agent-2", 1)
    for call in (
        lambda: complete_task(world.actor, task.id, "late", fence=first.fence),
        lambda: fail_task(world.actor, task.id, "late", fence=first.fence),
        lambda: release_task(world.actor, task.id, first.fence),
        lambda: renew_lease(world.actor, task.id, first.fence, 30),
        lambda: start_task(world.actor, task.id, first.fence),
    ):
        with pytest.raises(FenceLost):
            call()
    assert complete_task(world.actor, task.id, "in time", fence=second.fence).result == "in time"


def test_a_holder_may_end_its_task_late_as_long_as_nobody_took_it(world, late):
    task = add(world)
    first = claim_task(world.actor, task.id, ONE, 30)
    late.shift(300)
    assert complete_task(world.actor, task.id, "late", fence=first.fence).status == "completed"


def test_of_two_claimers_one_has_it(world):
    """The other one claims between the read and the write of the first."""
    task = add(world)
    with concurrently(lambda: claim_task(world.actor, task.id, TWO, 60)):
        assert refused(claim_task, world.actor, task.id, ONE, 60) is Situation.TASK_STATUS
    held = fetch(Task, task.id)
    assert (held.agent["id"], held.fence) == ("agent-2", 1)


def test_a_lease_that_is_renewed_in_time_is_not_taken(world, late):
    """The holder renews between the read and the write of who saw that the lease had ended."""
    task = add(world)
    first = claim_task(world.actor, task.id, ONE, 30)
    late.shift(31)
    with concurrently(lambda: renew_lease(world.actor, task.id, first.fence, 30)):
        assert refused(claim_task, world.actor, task.id, TWO, 30) is Situation.TASK_STATUS
    assert fetch(Task, task.id).agent["id"] == "agent-1"


def test_a_failed_attempt_is_repeated_until_they_are_used_up(world):
    task = add(world, max_retries=1)
    for expected in ("pending", "failed"):
        claimed = claim_task(world.actor, task.id, ONE, 60)
        ended = fail_task(world.actor, task.id, "It broke", fence=claimed.fence)
        assert (ended.status, ended.error_message) == (expected, "It broke")
    assert refused(claim_task, world.actor, task.id, ONE, 60) is Situation.TASK_STATUS


def test_attempts_whose_holder_was_lost_are_used_up_too(world, late):
    task = add(world, max_retries=0)
    claim_task(world.actor, task.id, ONE, 60)
    late.shift(61)
    assert refused(claim_task, world.actor, task.id, TWO, 60) is Situation.TASK_STATUS
    failed = fetch(Task, task.id)
    assert (failed.status, failed.error_message) == ("failed", "Not heard from worker-1 in time")
    assert next_claimable(world.project.id) == []


def test_a_task_that_takes_too_long_is_claimable_though_its_holder_lives(world, late):
    task = add(world, timeout_seconds=50)
    first = claim_task(world.actor, task.id, ONE, 60)
    start_task(world.actor, task.id, first.fence)
    late.shift(40)
    renew_lease(world.actor, task.id, first.fence, 60)
    late.shift(10)
    assert refused(renew_lease, world.actor, task.id, first.fence, 60) is Situation.TASK_STATUS
    assert claim_next(world.actor, world.project.id, TWO, 60).fence == 2


def test_a_task_waits_for_those_that_it_depends_on(world):
    first = add(world, "First")
    second = add(world, "Second", depends_on=[first.id])
    assert [row.id for row in next_claimable(world.project.id)] == [first.id]
    assert refused(claim_task, world.actor, second.id, ONE, 60) is Situation.TASK_STATUS
    claimed = claim_task(world.actor, first.id, ONE, 60)
    complete_task(world.actor, first.id, fence=claimed.fence)
    assert claim_task(world.actor, second.id, ONE, 60).status == "assigned"  # before anything reacted to it
    check_rows()


def test_what_can_be_claimed_comes_by_priority_and_age(world):
    made = [add(world, priority=one).id for one in ("low", "high", "critical", "high", "medium")]
    assert [row.id for row in next_claimable(world.project.id)] == [made[place] for place in (2, 1, 3, 4, 0)]
    assert [row.id for row in next_claimable(world.project.id, limit=2)] == [made[2], made[1]]
    assert claim_next(world.actor, world.project.id, ONE, 60).id == made[2]


def test_what_can_be_claimed_is_of_a_phase_and_a_type(world):
    build = add(world, phase_id="PHASE_IMPLEMENTATION", task_type="implementation")
    check = add(world, phase_id="PHASE_TESTING", task_type="review")
    assert [row.id for row in next_claimable(world.project.id, phases=["PHASE_TESTING"])] == [check.id]
    assert [row.id for row in next_claimable(world.project.id, fits=lambda one: one == "implementation")] == [build.id]
    assert claim_next(world.actor, world.project.id, ONE, 60, phases=["PHASE_DESIGN"]) is None


def test_a_renewal_can_be_part_of_another_write(world, late):
    claimed = claim_task(world.actor, add(world).id, ONE, 30)
    late.shift(20)
    operation = renewal(claimed, claimed.fence, 30)
    write(operation)
    assert fetch(Task, claimed.id).lease_until == clock.iso(clock.now() + timedelta(seconds=30))
    check_rows()


def test_no_task_of_a_deleted_card_or_an_archived_project_is_claimed(world):
    card = world.card()
    task = add_task(world.actor, card, new_id(), NewTask("One"))
    delete_item(world.actor, card.id)
    with pytest.raises(NotFound):
        claim_task(world.actor, task.id, ONE, 60)
    other = add(world)
    world.archive()
    assert refused(claim_task, world.actor, other.id, ONE, 60) is Situation.PROJECT_ARCHIVED


def test_tasks_are_counted_by_what_they_are(world):
    tasks = [add(world) for _ in range(3)]
    claimed = claim_task(world.actor, tasks[0].id, ONE, 60)
    release_task(world.actor, tasks[0].id, claimed.fence)
    complete_task(world.actor, claim_task(world.actor, tasks[1].id, ONE, 60).id)
    counted = tasks_of(world.ws_id)
    for status, number in (("pending", 2), ("assigned", 0), ("completed", 1)):
        assert count_entries(counted, lambda label, status=status: label.startswith(f"{status} ")) == number
    assert load(Task, tasks[0].id, world.actor).agent is None


def test_adding_a_task_again_changes_nothing(world):
    card, task_id = world.card(), new_id()
    first = add_task(world.actor, card, task_id, NewTask(None, "Do it\nand more"))
    again = add_task(world.actor, card, task_id, NewTask(None, "Do it\nand more"))
    assert (first.title, again.version) == ("Do it", first.version)
    assert count_entries(tasks_of(world.ws_id), lambda _: True) == 1


def test_a_task_may_be_part_of_another_transaction(world):
    card = world.card()
    last = LastBlock(tasks_of(world.ws_id))
    task, operations = build_task(world.actor, card, new_id(), NewTask("First", task_type="analyze_requirements"), last)
    write(*operations)
    assert [row.id for row in next_claimable(world.project.id)] == [task.id]
    assert count_entries(tasks_of(world.ws_id), lambda _: True) == 1
    check_rows()
