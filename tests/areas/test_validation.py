"""Validation: reviews by agents of clients and by the platform, what they do to a task, and who is told."""

from itertools import count

import pytest

from shared.core.ids import new_id
from shared.delivery.builds.recording import NewBuild, record_build
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.steering import PREFIX
from shared.runs.validation.platform import DIAGNOSIS
from shared.store import fetch
from shared.work.discoveries.listing import list_task_discoveries
from shared.work.items.creating import NewItem, create_item
from shared.work.tasks.claiming import claim_task, complete_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from tests.areas.boards_world import put_on_plan
from tests.areas.driving import Client
from tests.areas.live_agents_world import beat, registered, stored
from tests.areas.running import Machine
from tests.areas.test_cards_progress import Stream
from tests.areas.test_runs import STORY
from tests.areas.validating import MET, follow, review, reviews, row, running, spawn, state, validator, worked_on
from tests.areas.viewers import listen, pushed

CASE = {
    "name": "Checks old links",
    "description": "Opens a link of yesterday",
    "test_type": "integration",
    "steps": [{"step_number": 1, "action": "Open the link", "expected_result": "An error"}],
    "expected_result": "An error is shown",
}


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("omoios")


@pytest.fixture
def stream(world) -> Stream:
    return Stream()


def test_a_task_goes_through_its_states(world, ada):
    waiting, task = validator(ada), running(world)
    assert state(ada, task) == {
        "task_id": task, "state": "in_progress", "iteration": 0, "review_done": False, "last_feedback": None,
    }  # fmt: skip
    assert spawn(ada, task) == {"validator_agent_id": waiting}
    spawn(ada, task, 409)
    assert state(ada, task)["state"] == "validation_in_progress"
    assert review(ada, task, waiting, False, feedback="The error is missing") == {
        "status": "needs_work", "message": "The task needs work; its agent has the feedback", "iteration": 1,
    }  # fmt: skip
    assert state(ada, task) == {
        "task_id": task, "state": "needs_work", "iteration": 1, "review_done": True, "last_feedback": "The error is missing",
    }  # fmt: skip
    review(ada, task, waiting, True, 400)
    spawn(ada, task)
    assert state(ada, task)["review_done"] is False
    assert review(ada, task, waiting, True)["iteration"] == 2
    assert state(ada, task)["state"] == "done"
    assert row(task).status == "completed"
    assert [(one["iteration"], one["passed"]) for one in reviews(ada, task)] == [(2, True), (1, False)]


def test_what_is_under_validation_is_completed_only_by_a_review(world, ada):
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    review(ada, task, waiting, False)
    answer = ada("tasks", "PUT", f"/tasks/{task}", body={"status": "completed"})
    assert answer.status == 409, answer.text
    assert complete_task(world.actor, task, {"summary": MET}).status == "under_review"
    assert state(ada, task)["iteration"] == 2
    assert ada("tasks", "PUT", f"/tasks/{task}", body={"status": "completed"}).status == 409
    review(ada, task, waiting, True)
    assert (row(task).status, row(task).result) == ("completed", {"summary": MET})


def test_only_the_validator_that_has_the_task_may_review_it(world, ada):
    waiting, task = validator(ada), running(world)
    other = registered(ada, agent_type="validator")["agent_id"]
    worker = registered(ada)["agent_id"]
    review(ada, task, waiting, True, 400)
    spawn(ada, task)
    review(ada, task, worker, True, 403)
    review(ada, task, other, True, 403)
    review(ada, task, new_id(), True, 404)
    review(ada, task, waiting, False, 400, feedback=" ")
    spawn(ada, new_id(), 404)
    review(ada, task, waiting, True)


def test_a_task_on_which_nobody_works_cannot_be_validated(world, ada):
    task = add_task(world.actor, world.card(), new_id(), NewTask("A task")).id
    spawn(ada, task, 409)


def test_the_platforms_validator_gives_the_verdicts_of_tests_and_builds(world, ada, stream):
    """From a test case and a build of enterprise to a task that is done."""
    new = NewItem("Reset", "feature", world.board.lane_ids[6], acceptance_criteria=["Checks old links", "The build passes"])
    feature = create_item(world.actor, world.board.id, new)
    task = worked_on(world, feature)
    enterprise = world.ada.at("enterprise")
    case = enterprise("planning", "POST", f"/features/{feature.id}/tests", body=CASE)
    assert case.status == 201, case.text
    ran = enterprise("planning", "POST", f"/testcases/{case.json['data']['id']}/results", body={"status": "passed"})
    assert ran.status == 201, ran.text
    record_build(world.actor, feature.id, NewBuild("1.0", "0a1b2c3d" * 5, "main", status="success"))
    made = spawn(ada, task)["validator_agent_id"]
    assert (stored(made).agent_type, stored(made).status) == ("validator", "running")
    follow(stream)
    assert row(task).status == "completed"
    assert stored(made).status == "terminated"
    (found,) = reviews(ada, task)
    assert [(one["result"], one["source"]) for one in found["criteria"]] == [
        ("passed", "test Checks old links"),
        ("passed", "build 1"),
    ]


def test_what_is_only_claimed_needs_evidence_and_then_a_person(world, ada, stream):
    worker = registered(ada)["agent_id"]
    task = running(world, worker)
    assert ada("tasks", "PUT", f"/tasks/{task}", body={"result": {"summary": MET}}).status == 200
    spawn(ada, task)
    follow(stream)
    assert row(task).status == "needs_work"
    assert [(one["result"], one["evidence"]) for one in reviews(ada, task)[0]["criteria"]] == [
        ("unknown", "An old reset link shows an error."),
        ("unknown", "An unknown address gets the same answer."),
    ]
    assert "no evidence: An unknown address gets the same answer" in beat(ada, worker, 1).json["message"]
    spawn(ada, task)
    follow(stream)
    assert state(ada, task)["state"] == "under_review"
    assert "A person has to judge" in state(ada, task)["last_feedback"]
    person = registered(ada, agent_type="validator")["agent_id"]
    review(ada, task, person, True)
    assert row(task).status == "completed"


def test_what_the_result_admits_needs_work(world, ada, stream):
    task = running(world)
    body = {"result": {"summary": "An old reset link shows no error."}}
    assert ada("tasks", "PUT", f"/tasks/{task}", body=body).status == 200
    spawn(ada, task)
    follow(stream)
    assert row(task).status == "needs_work"
    assert [one["result"] for one in reviews(ada, task)[0]["criteria"]] == ["failed", "unknown"]


def test_without_criteria_the_platform_does_not_judge(world, ada, stream):
    task = running(world, criteria=[])
    made = spawn(ada, task)["validator_agent_id"]
    follow(stream)
    assert state(ada, task)["state"] == "under_review"
    assert "no acceptance criteria" in state(ada, task)["last_feedback"]
    assert stored(made).status == "terminated"
    assert reviews(ada, task) == []


def test_after_three_failures_it_is_looked_into_why(world, ada, stream):
    waiting, task = validator(ada), running(world)
    for number in range(3):
        spawn(ada, task)
        review(ada, task, waiting, False, feedback=f"Try {number}")
        follow(stream)
        beat(ada, waiting, number + 2)
        found = [one for one in list_task_discoveries(world.actor, task, None, limit=10)[0] if one.type == DIAGNOSIS]
        assert len(found) == int(number == 2)
    (spawned,) = found[0].spawned_task_ids
    assert (row(spawned).task_type, row(spawned).priority) == (f"discovery_{DIAGNOSIS}", "critical")
    assert "Try 2" in row(spawned).description


def test_a_diagnosis_whose_own_reviews_fail_brings_no_other_one(world, ada, stream):
    """Each brought the next, until the card had all the tasks that it takes."""
    waiting, task = validator(ada), running(world)
    beats = count(2)

    def fail_thrice(one: str) -> list[str]:
        for number in range(3):
            spawn(ada, one)
            review(ada, one, waiting, False, feedback=f"Try {number}")
            follow(stream)
            beat(ada, waiting, next(beats))
        found = [one for one in list_task_discoveries(world.actor, one, None, limit=10)[0] if one.type == DIAGNOSIS]
        return [spawned for one in found for spawned in one.spawned_task_ids]

    (spawned,) = fail_thrice(task)
    assert row(spawned).status == "pending"  # no validator looks into it
    claimed = claim_task(world.actor, spawned, {"id": "agent-2", "name": "worker-2"}, 3_600)
    start_task(world.actor, spawned, int(claimed.fence))
    assert fail_thrice(spawned) == []


def test_feedback_reaches_an_agent_with_its_next_heartbeat(world, ada, stream):
    worker, waiting = registered(ada)["agent_id"], validator(ada)
    task = running(world, worker)
    spawn(ada, task)
    review(ada, task, waiting, False, feedback="The error is missing")
    follow(stream)
    told = beat(ada, worker, 1).json["message"]
    assert "The error is missing" in told
    assert "The error is missing" not in (beat(ada, worker, 2).json["message"] or "")
    answer = ada("validation", "POST", "/validation/send_feedback", body={"agent_id": worker, "feedback": "Hurry"})
    assert answer.json == {"delivered": True}
    assert "Hurry" in beat(ada, worker, 3).json["message"]


def test_feedback_to_an_agent_that_is_gone_is_not_delivered(world, ada):
    worker = registered(ada)["agent_id"]
    assert ada("agents", "PATCH", f"/agents/{worker}", body={"status": "terminated"}).status == 200
    body = {"agent_id": worker, "feedback": "Hurry"}
    assert ada("validation", "POST", "/validation/send_feedback", body=body).json == {"delivered": False}
    assert ada("validation", "POST", "/validation/send_feedback", body=body | {"agent_id": new_id()}).status == 404


def test_listeners_are_told_in_the_documents_words(world, ada, stream):
    listen(world.ws_id)
    waiting, task = validator(ada), running(world)
    follow(stream)
    pushed("omoios")
    spawn(ada, task)
    follow(stream)
    assert [(one["event_type"], sorted(one["payload"])) for one in pushed("omoios")] == [
        ("VALIDATION_STARTED", ["iteration", "task_id", "timestamp"])
    ]
    review(ada, task, waiting, False, feedback="No")
    follow(stream)
    told = {one["event_type"]: one["payload"] for one in pushed("omoios")}
    assert told["VALIDATION_REVIEW_SUBMITTED"] | {"timestamp": ""} == {
        "task_id": task, "iteration": 1, "passed": False, "validator_agent_id": waiting, "timestamp": "",
    }  # fmt: skip
    assert told["VALIDATION_FAILED"] | {"timestamp": ""} == {"task_id": task, "iteration": 1, "feedback": "No", "timestamp": ""}
    spawn(ada, task)
    review(ada, task, waiting, True)
    follow(stream)
    told = {one["event_type"]: one["payload"] for one in pushed("omoios")}
    assert told["VALIDATION_PASSED"] | {"timestamp": ""} == {"task_id": task, "iteration": 2, "timestamp": ""}
    assert "TASK_COMPLETED" in told


def test_a_run_whose_result_is_not_enough_is_told_and_its_task_is_tried_again(world, ada, stream, monkeypatch):
    """From the agent that the platform runs to its second attempt, which begins with what the review has said."""
    put_on_plan(world.ws_id, "enterprise")
    monkeypatch.setattr(queue, "is_execution_running", lambda _: False)
    new = NewItem(
        "Reset links", "feature", world.board.lane_ids[6], description=STORY, acceptance_criteria=["Zebras are striped"]
    )
    task = add_task(
        world.actor, create_item(world.actor, world.board.id, new), new_id(), NewTask("Reset links", validated=True)
    ).id
    body = {"agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION", "capabilities": ["python"], "capacity": 1}
    worker = ada("projects", "POST", f"/projects/{world.project.id}/spawn-agent", body=body).json["agent_id"]
    follow(stream)
    body = {"agent_id": worker, "feedback": "Hurry"}
    assert ada("validation", "POST", "/validation/send_feedback", body=body).json == {"delivered": True}
    first = str(row(task).work_run_id)
    run = Machine(execution="execution-1").play(first)
    assert run.status == "completed"
    assert [(one["rule"], one["turn"]) for one in run.steering] == [("feedback", 0)]
    assert run.steering[0]["message"].startswith(PREFIX)
    follow(stream)
    tried = row(task)
    assert (tried.agent["id"], tried.status, int(tried.retry_count)) == (worker, "assigned", 1)
    assert tried.error_message.startswith("The validation has failed: ")
    assert [(one["iteration"], one["passed"]) for one in reviews(ada, task)] == [(1, False)]
    second = fetch(Run, str(tried.work_run_id))
    assert second is not None
    assert second.id != first
    assert "An earlier result was reviewed" in second.input_context["context"]
