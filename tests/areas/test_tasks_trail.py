"""The audit trail says what happened to a task, not only that it was changed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.core.ids import new_id
from shared.edge.views.omoios.audit import KINDS
from shared.edge.views.omoios.task_trail import CHANGED, TASK_KINDS
from shared.work.items.archiving import restore_item
from shared.work.tasks import timeouts, updating
from shared.work.tasks.claiming import claim_task, complete_task, fail_task, hand_over, release_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.dependencies import add_dependencies, refresh_dependents
from shared.work.tasks.following import follow_card
from shared.work.tasks.updating import TaskChanges
from tests.areas.boards_world import World
from tests.areas.viewers import project, raw_row, stream_record
from tests.samples.counted import archived

ONE, TWO = ({"id": f"agent-{name}", "name": f"worker-{name}"} for name in ("one", "two"))


@pytest.fixture
def trail(world) -> Callable[..., list[str]]:
    """Calls each function after the other, and returns the types of what the trail of the task's ticket has of it."""

    def play(task_id: str, *steps: Callable[[], object]) -> list[str]:
        for step in steps:
            before = raw_row(f"TASK#{task_id}")
            step()
            project(stream_record(raw_row(f"TASK#{task_id}"), before))
        return types(world)

    return play


def types(world: World) -> list[str]:
    answer = world.ada.at("omoios")("audit", "GET", f"/audit/projects/{world.project.id}")
    return [one["type"] for one in answer.json[::-1] if one["entity_type"] == "task"]


def make(world: World, **more) -> str:
    return add_task(world.actor, world.card(), new_id(), NewTask("A task", **more)).id


def test_every_kind_has_a_name_of_its_own():
    names = [kind.type for kind in (*TASK_KINDS, *KINDS.values())]
    assert len(names) == len(set(names))
    assert all(kind.sentence[0].islower() for kind in TASK_KINDS)


def test_the_way_of_a_task_to_its_end(world, trail):
    me, only = world.actor, make(world)
    assert trail(
        only,
        lambda: claim_task(me, only, ONE, 60),
        lambda: release_task(me, only, 1),
        lambda: claim_task(me, only, ONE, 60),
        lambda: start_task(me, only, 2),
        lambda: fail_task(me, only, "It broke", fence=2),
        lambda: claim_task(me, only, TWO, 60),
        lambda: hand_over(me, only, 3, ONE, 60),
        lambda: complete_task(me, only, "done", fence=4),
    ) == [
        "task_claimed",
        "task_released",
        "task_claimed",
        "task_started",
        "task_attempt_failed",
        "task_claimed",
        "task_handed_over",
        "task_completed",
    ]  # fmt: skip


def test_who_was_lost_and_what_took_too_long(world, trail):
    me, only = world.actor, make(world, timeout_seconds=100, max_retries=2)
    with time_machine.travel(clock.now(), tick=False) as time:

        def later(seconds: int, step: Callable[[], object]) -> Callable[[], object]:
            return lambda: (time.shift(timedelta(seconds=seconds)), step())

        assert trail(
            only,
            lambda: claim_task(me, only, ONE, 60),
            later(61, lambda: claim_task(me, only, TWO, 3_000)),
            lambda: start_task(me, only, 2),
            later(101, lambda: timeouts.end_timed_out(me)),
        ) == ["task_claimed", "task_taken_over", "task_started", "task_timed_out"]  # fmt: skip
        entry = world.ada.at("omoios")("audit", "GET", f"/audit/projects/{world.project.id}?limit=1").json[0]
        assert (entry["description"], entry["details"]["cause"]) == (
            "Ada Lovelace found that the time of a task was up",
            "timed_out",
        )


def test_what_people_do_with_a_task(world, trail):
    me, only, other = world.actor, make(world), make(world)
    assert trail(
        only,
        lambda: updating.update_task(me, only, TaskChanges(title="Another title")),
        lambda: updating.update_task(me, only, TaskChanges(priority="high")),
        lambda: timeouts.set_timeout(me, only, 60),
        lambda: add_dependencies(me, only, [other]),
        lambda: (updating.update_task(me, other, TaskChanges(status="completed")), refresh_dependents(other)),
        lambda: updating.update_task(me, only, TaskChanges(status="cancelled")),
        lambda: updating.update_task(me, only, TaskChanges(status="pending")),
        lambda: claim_task(me, only, ONE, 60),
        lambda: updating.cancel_task(me, only, "Not needed"),
    ) == [
        CHANGED.type,
        "task_priority_changed",
        "task_timeout_set",
        "task_dependency_updated",
        "task_ready",
        "task_cancelled",
        "task_reopened",
        "task_claimed",
        "task_cancelled",
    ]  # fmt: skip


def test_a_task_follows_its_ticket(world, trail):
    card = world.card()
    only = add_task(world.actor, card, new_id(), NewTask("A task")).id
    assert trail(
        only,
        lambda: (archived(card.id), follow_card(card.id)),
        lambda: (restore_item(world.actor, card.id), follow_card(card.id)),
    ) == ["task_archived", "task_restored"]  # fmt: skip
