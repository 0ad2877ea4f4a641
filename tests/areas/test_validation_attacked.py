"""Reviews under attack: by strangers, by the worker itself, two at once, by validators that are gone, and by processes that die."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import CadreError
from shared.core.ids import new_id
from shared.people.tenancy.organizations import set_status as set_organization
from shared.runs.live_agents import registering
from shared.runs.live_agents.reading import agents_in
from shared.runs.validation.platform import platform_in
from shared.runs.validation.reviewing import REVIEW_SECONDS, Review, give_review, spawn_validator
from shared.work.projects.updating import archive_project, update_project
from shared.work.tasks.claiming import claim_task, complete_task
from tests.areas.boards_world import World, create_world
from tests.areas.driving import Client
from tests.areas.live_agents_world import beat, registered, stored
from tests.areas.test_cards_progress import Stream
from tests.areas.validating import follow, reviews, row, running, spawn, state, validator
from tests.kills import concurrently, crash_at_every_write

FEEDBACK = "Looked at it"


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("omoios")


@pytest.fixture
def stream(world) -> Stream:
    return Stream()


def give(client: Client, task: str, by: str, passed: bool = True, **more) -> int:
    body = {"task_id": task, "validator_agent_id": by, "validation_passed": passed, "feedback": FEEDBACK} | more
    return client.at("omoios")("validation", "POST", "/validation/give_review", body=body).status


def submit(client: Client, task: str) -> int:
    return client.at("omoios")("validation", "POST", "/validation/spawn_validator", body={"task_id": task}).status


def tried(work: Callable[[], object]) -> str:
    """What came of a call of a service: `done`, or the situation of its error."""
    try:
        work()
    except CadreError as error:
        return error.situation.name
    return "done"


def judged(world: World, task: str, by: str, passed: bool) -> str:
    return tried(lambda: give_review(world.actor, task, by, Review(passed, FEEDBACK)))


def seen(client: Client, task: str) -> list[int]:
    paths = (f"/validation/status?task_id={task}", f"/validation/reviews?task_id={task}")
    return [client.at("omoios")("validation", "GET", path).status for path in paths]


def test_a_stranger_sees_and_does_nothing(world, ada):
    bob = create_world("bob@example.com", "Bob").ada
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    theirs = registered(bob, agent_type="validator")["agent_id"]
    assert (submit(bob, task), give(bob, task, waiting), give(bob, task, theirs), seen(bob, task)) == (404, 404, 404, [404, 404])
    body = {"agent_id": waiting, "feedback": "Hello"}
    assert bob.at("omoios")("validation", "POST", "/validation/send_feedback", body=body).status == 404
    assert give(ada, task, theirs) == 404
    assert (row(task).status, reviews(ada, task)) == ("validating", [])


def test_a_viewer_looks_only(world, ada):
    eve = world.join("Eve Viewer", "eve@example.com", Role.VIEWER)
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    assert (submit(eve, task), give(eve, task, waiting), seen(eve, task)) == (403, 403, [200, 200])
    body = {"agent_id": waiting, "feedback": "Hello"}
    assert eve.at("omoios")("validation", "POST", "/validation/send_feedback", body=body).status == 403


def test_a_suspended_organization_changes_nothing(world, ada, stream):
    waiting, task, other = validator(ada), running(world), running(world)
    spawn(ada, task)
    platforms = spawn(ada, other)["validator_agent_id"]
    set_organization(str(world.project.org_id), "suspended")
    assert (submit(ada, task), give(ada, task, waiting)) == (403, 403)
    follow(stream)
    assert row(other).status in ("validating", "under_review")
    assert reviews(ada, other) == []
    assert stored(platforms).agent_type == "validator"


def test_in_an_archived_project_nothing_is_reviewed(world, ada):
    waiting, task, other = validator(ada), running(world), running(world)
    spawn(ada, task)
    archive_project(world.actor, world.project.id)
    assert (submit(ada, other), give(ada, task, waiting)) == (409, 409)


def test_a_task_of_a_deleted_card_is_none(world, ada, stream):
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    assert world.ada("cards", "DELETE", f"/cards/{row(task).item_id}").status == 204
    assert give(ada, task, waiting) == 404
    follow(stream)
    assert (give(ada, task, waiting), submit(ada, task), seen(ada, task)) == (404, 404, [404, 404])


def test_who_did_the_work_does_not_validate_it(world, ada):
    """Neither by itself nor because it waits as a validator."""
    worker = validator(ada)
    task = running(world, worker)
    chosen = spawn(ada, task)["validator_agent_id"]
    assert chosen != worker
    assert give(ada, task, worker) == 403
    complete_task(world.actor, other := running(world, worker), "Done", fence=1)
    assert row(other).status == "completed"  # nobody asked for a review
    third = running(world, worker, validated=True)
    complete_task(world.actor, third, "Done", fence=1)
    assert give(ada, third, worker) == 403


def test_a_validator_of_another_project_or_one_that_was_terminated_reviews_nothing(world, ada):
    other = ada("projects", "POST", "/projects", body={"name": "Other"}).json["id"]
    theirs = registered(ada, agent_type="validator", project_id=other)["agent_id"]
    gone = validator(ada)
    task = running(world)
    spawn(ada, task)
    assert stored(theirs).proj_id in (other, None)
    assert give(ada, task, theirs) == 403
    assert ada("agents", "PATCH", f"/agents/{gone}", body={"status": "terminated"}).status == 200
    assert give(ada, task, gone) == 403


@pytest.mark.parametrize("first", [True, False])
def test_of_two_reviews_at_once_one_counts(world, ada, first):
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    done: list[str] = []
    with concurrently(lambda: done.append(judged(world, task, waiting, not first))):
        done.append(judged(world, task, waiting, first))
    assert done == ["done", "MALFORMED"]
    assert [one["passed"] for one in reviews(ada, task)] == [not first]
    assert row(task).status == ("needs_work" if first else "completed")


def test_twenty_reviews_and_twenty_submissions_at_once(world, ada):
    task = running(world)
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(lambda _: tried(lambda: spawn_validator(world.actor, task)), range(20)))
    assert done.count("done") == 1
    assert set(done) <= {"done", "TASK_STATUS", "VERSION_CONFLICT"}
    validators = [one.agent for one in agents_in(world.ws_id) if one.agent.agent_type == "validator"]
    chosen = row(task).validation["validator_id"]
    assert [one.id for one in validators] == [chosen]
    with ThreadPoolExecutor(20) as pool:
        by = platform_in(world.ws_id)  # whose validator it is
        review = lambda number: give_review(by, task, chosen, Review(number % 2 == 0, FEEDBACK))  # noqa: E731
        done = list(pool.map(lambda number: tried(lambda: review(number)), range(20)))
    assert done.count("done") == 1
    assert set(done) <= {"done", "MALFORMED", "VERSION_CONFLICT"}
    assert len(reviews(ada, task)) == 1


def test_a_task_completed_at_the_moment_of_a_failing_review_is_not_completed(world, ada):
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    done: list[str] = []
    with concurrently(lambda: done.append(tried(lambda: complete_task(world.actor, task, "Late", fence=1)))):
        done.append(judged(world, task, waiting, passed=False))
    assert done == ["TASK_STATUS", "done"]
    with concurrently(lambda: done.append(tried(lambda: spawn_validator(world.actor, task)))):
        done.append(tried(lambda: complete_task(world.actor, task, "Late", fence=1)))
    assert done[2:] == ["done", "TASK_STATUS"]  # it was handed in before
    assert row(task).status != "completed"
    assert ada("tasks", "PUT", f"/tasks/{task}", body={"status": "completed"}).status == 409


def test_a_project_that_wants_validation_from_the_moment_on(world, ada):
    """Whichever is first: the task was completed before, or needs a review."""
    task = running(world)

    def turn_on() -> None:
        update_project(world.actor, world.project.id, {}, {"validationEnabled": True})

    with concurrently(turn_on):
        done = tried(lambda: complete_task(world.actor, task, "Done", fence=1))
    assert (done, row(task).status) == ("done", "completed")
    assert ada("tasks", "PUT", f"/tasks/{running(world)}", body={"status": "completed"}).status == 409


def test_a_validator_that_is_not_heard_from_any_more_loses_the_task(world, ada):
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    spawn(ada, task, 409)
    with time_machine.travel(clock.now() + timedelta(seconds=120)):
        chosen = spawn(ada, task)["validator_agent_id"]
        assert chosen != waiting
        assert state(ada, task)["iteration"] == 1  # it was submitted once
        assert give(ada, task, waiting) == 403


def test_what_is_reviewed_is_not_taken_from_a_worker_that_is_silent(world, ada):
    """Its work is done; nobody has to do it again, unless the review says so."""
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        other = {"id": "agent-2", "name": "worker-2"}
        assert tried(lambda: claim_task(world.actor, task, other, 60)) == "TASK_STATUS"
        assert judged(world, task, waiting, passed=False) == "done"
        assert tried(lambda: claim_task(world.actor, task, other, 60)) == "done"


def test_what_was_handed_in_stays_when_its_agent_goes(world, ada, stream):
    worker, waiting = registered(ada)["agent_id"], validator(ada)
    task = ada("tasks", "POST", f"/tickets/{world.card().id}/tasks", body={"description": "Do it"}).json["id"]
    assert ada("tasks", "POST", f"/tasks/{task}/claim", body={"agent_id": worker}).status == 200
    spawn(ada, task)
    follow(stream)
    assert ada("agents", "PATCH", f"/agents/{worker}", body={"status": "terminated"}).status in (200, 409)
    assert ada("agents", "PATCH", f"/agents/{worker}", body={"status": "quarantined"}).status in (200, 409)
    assert stored(worker).status in ("terminated", "quarantined")
    follow(stream)
    assert (row(task).status, int(row(task).retry_count)) == ("validating", 0)
    assert give(ada, task, waiting) == 200
    assert row(task).status == "completed"


def test_a_review_of_the_platform_that_was_lost_is_given_up_after_an_hour(world, ada):
    """Its message is gone: nobody has it, and the task does not wait for ever."""
    task = running(world)
    lost = spawn(ada, task)["validator_agent_id"]
    with time_machine.travel(clock.now() + timedelta(seconds=REVIEW_SECONDS - 60)):
        assert tried(lambda: spawn_validator(world.actor, task)) == "TASK_STATUS"
    with time_machine.travel(clock.now() + timedelta(seconds=REVIEW_SECONDS + 60)):
        assert spawn_validator(world.actor, task) != lost
        assert stored(lost).status == "terminated"


def test_a_review_that_dies_at_any_write_counts_once(world, ada, stream):
    waiting = validator(ada)
    number = 1
    for process in crash_at_every_write():
        number += 1
        beat(ada, waiting, number)
        task = running(world)
        spawn(ada, task)
        with process:
            give(ada, task, waiting, passed=False)
        assert give(ada, task, waiting, passed=False) in (200, 400)
        follow(stream)
        assert [one["passed"] for one in reviews(ada, task)] == [False]
        assert row(task).validation["failures"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"feedback": ""},
        {"feedback": "   "},
        {"feedback": "x" * 10_001},
        {"feedback": 5},
        {"validation_passed": "yes"},
        {"evidence": {"log": "x" * 20_001}},
        {"evidence": [1]},
        {"recommendations": ["x"] * 51},
        {"recommendations": [""]},
        {"task_id": "a" * 10_000},
        {"task_id": None},
        {"validator_agent_id": "../../etc/passwd"},
        {"validator_agent_id": {"$ne": None}},
    ],
)
def test_odd_reviews_are_refused(world, ada, body):
    waiting, task = validator(ada), running(world)
    spawn(ada, task)
    assert give(ada, task, waiting, **body) in (400, 404, 422)
    assert reviews(ada, task) == []


@pytest.mark.parametrize("sha", ["", "xyz", "0a1b2c", "g" * 40, "0" * 65, 5, ["0a1b2c3d"]])
def test_an_odd_commit_is_refused(world, ada, sha):
    body = {"task_id": running(world), "commit_sha": sha}
    assert ada("validation", "POST", "/validation/spawn_validator", body=body).status == 422


def test_unknown_ids(world, ada):
    waiting = validator(ada)
    assert (submit(ada, new_id()), give(ada, new_id(), waiting), seen(ada, new_id())) == (404, 404, [404, 404])


def test_a_workspace_without_a_place_for_a_validator_says_so(world: World, ada, stream, monkeypatch):

    monkeypatch.setattr(registering, "LIMIT", 1)
    worker = registered(ada)["agent_id"]
    task = running(world, worker)
    answer = ada("validation", "POST", "/validation/spawn_validator", body={"task_id": task})
    assert answer.status in (403, 409, 429), answer.text
    assert "as many as it may have" in answer.text
    assert row(task).status == "running"
    handed_in = running(world, worker, validated=True)
    complete_task(world.actor, handed_in, "Done", fence=1)
    follow(stream)  # the reaction does not stop the stream
    assert row(handed_in).status == "under_review"
