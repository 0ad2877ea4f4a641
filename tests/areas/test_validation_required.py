"""Tasks that must be validated, because they or their project say so: whoever completes them hands them in, and only a review ends them."""

import pytest

from shared.core.actor import Role
from shared.runs.validation.reviewing import MAX_FAILURES
from shared.work.tasks.claiming import complete_task
from tests.areas.boards_world import World
from tests.areas.driving import Client
from tests.areas.live_agents_world import beat, registered
from tests.areas.test_cards_progress import Stream
from tests.areas.validating import follow, review, row, running, spawn, state, validator


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("omoios")


@pytest.fixture
def stream(world) -> Stream:
    return Stream()


def put(ada: Client, task: str, code: int = 200, **changes) -> dict:
    answer = ada("tasks", "PUT", f"/tasks/{task}", body=changes)
    assert answer.status == code, answer.text
    return answer.json


def turn(ada: Client, world: World, on: bool, status: int = 200) -> dict:
    answer = ada("projects", "PATCH", f"/projects/{world.project.id}", body={"validation_enabled": on})
    assert answer.status == status, answer.text
    return answer.json


def test_a_project_wants_each_task_to_be_validated(world, ada):
    task, waiting = running(world), validator(ada)
    assert ada("projects", "GET", f"/projects/{world.project.id}").json["validation_enabled"] is False
    assert turn(ada, world, on=True)["validation_enabled"] is True
    refused = put(ada, task, 409, status="completed")
    assert "only a review that passes" in str(refused)
    assert put(ada, task, status="completed", fence=1, result="Done")["status"] == "in_progress"
    assert state(ada, task)["state"] == "under_review"
    assert row(task).result == "Done"
    review(ada, task, waiting, True)
    assert row(task).status == "completed"
    turn(ada, world, on=False)
    free = running(world)
    assert put(ada, free, status="completed")["status"] == "completed"


def test_a_task_handed_in_gets_a_validator_by_itself(world, ada, stream):
    turn(ada, world, on=True)
    waiting, task = validator(ada), running(world)
    complete_task(world.actor, task, "Done", fence=1)
    follow(stream)
    assert (row(task).status, row(task).validation["validator_id"]) == ("validating", waiting)


def test_a_task_that_was_submitted_stays_so_when_the_project_wants_it_no_more(world, ada):
    turn(ada, world, on=True)
    task = running(world)
    complete_task(world.actor, task, "Done", fence=1)
    turn(ada, world, on=False)
    put(ada, task, 409, status="completed")


def test_the_setting_stays_when_other_settings_change(world, ada):
    turn(ada, world, on=True)
    body = {"settings": {"maxConcurrentRuns": 2}}
    assert world.ada("projects", "PUT", f"/projects/{world.project.id}", body=body).status == 200
    assert ada("projects", "GET", f"/projects/{world.project.id}").json["validation_enabled"] is True


def test_one_task_can_be_validated(world, ada):
    made = ada("tasks", "POST", f"/tickets/{world.card().id}/tasks", body={"description": "Do it", "validation_enabled": True})
    assert made.json["validation_enabled"] is True
    task, waiting = made.json["id"], validator(ada)
    put(ada, task, status="in_progress")
    put(ada, task, 409, status="completed")
    put(ada, task, 409, status="completed", validation_enabled=True)
    spawn(ada, task)
    review(ada, task, waiting, True)
    assert row(task).status == "completed"


def test_it_can_be_asked_for_while_the_work_goes_on_and_not_in_the_request_that_completes(world, ada):
    task = running(world)
    put(ada, task, 409, status="completed", validation_enabled=True)
    assert put(ada, task, validation_enabled=True)["validation_enabled"] is True
    put(ada, task, 409, status="completed")


def test_only_who_may_approve_runs_turns_it_off_and_not_after_the_first_submission(world, ada):
    eve = world.join("Eve Member", "eve@example.com", Role.MEMBER).at("omoios")
    task = running(world, validated=True)
    put(eve, task, 403, validation_enabled=False)
    put(eve, task, 403, validation_enabled=False, status="completed")
    assert put(ada, task, validation_enabled=False)["validation_enabled"] is False
    put(eve, task, validation_enabled=True)
    spawn(ada, task)
    put(ada, task, 409, validation_enabled=False)
    assert turn(eve, world, on=True, status=403)


def test_with_the_last_failure_the_task_has_failed_and_who_opens_it_begins_anew(world, ada):
    waiting, task = validator(ada), running(world)
    for number in range(MAX_FAILURES):
        spawn(ada, task)
        review(ada, task, waiting, False, feedback=f"Try {number}")
        beat(ada, waiting, number + 2)
        assert row(task).status == ("needs_work" if number < MAX_FAILURES - 1 else "failed")
    assert row(task).error_message == f"{MAX_FAILURES} reviews have failed. The last one says: Try {MAX_FAILURES - 1}"
    spawn(ada, task, 409)
    put(ada, task, status="pending")
    put(ada, task, status="in_progress")
    put(ada, task, 409, status="completed")
    spawn(ada, task)
    review(ada, task, waiting, False)
    assert row(task).status == "needs_work"


def test_an_agent_of_a_client_hands_in_and_hears_of_it(world, ada, stream):
    turn(ada, world, on=True)
    worker, waiting = registered(ada)["agent_id"], validator(ada)
    task = running(world, worker)
    put(ada, task, status="completed", fence=1, result={"summary": "Done"})
    follow(stream)
    review(ada, task, waiting, False, feedback="Where are the tests?")
    follow(stream)
    assert "Where are the tests?" in beat(ada, worker, 1).json["message"]
    put(ada, task, status="in_progress", fence=1)
    put(ada, task, status="completed", fence=1, result={"summary": "With tests"})
    assert state(ada, task)["iteration"] == 2
