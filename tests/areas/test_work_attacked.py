"""omoios: what an attack on tasks, live agents, tickets and validation has found."""

from typing import Any

import pytest

from shared.core import clock
from shared.core.errors import Conflict
from shared.planning.tickets.approving import time_out_due
from shared.runs.live_agents import task_runs
from shared.runs.live_agents.rows import UNOCCUPIED
from shared.source.repositories import pushes, remarks
from shared.store import fetch, put_many, stale, update, write
from shared.work.items.pending import APPROVALS, PendingApproval
from shared.work.items.rows import Item
from shared.work.projects.updating import archive_project
from shared.work.tasks.claiming import LOOKED_AT, claim_task, lost_tasks
from shared.work.tasks.rows import MAX_CARD_TASKS, CardTasks
from tests.areas.github_world import run_worker, taken
from tests.areas.live_agents_world import beat, registered, stored
from tests.areas.test_live_agents_work import spawn as spawned
from tests.areas.test_tasks_omoios import add, ask, put
from tests.areas.validating import review, reviews, row, running, spawn, validator
from tests.stored_rows import check_rows
from tests.trips import count_requests


def take(ada: Any, agent_id: str) -> Any:
    answer = ada("agents", "POST", f"/agents/{agent_id}/next-task")
    assert answer.status == 200, answer.text
    return answer.json["task"]


def hand_in(world: Any, task: dict[str, Any]) -> None:
    for status in ("in_progress", "completed"):
        assert put(world, task["id"], status=status, fence=task["fence"]).status == 200
    assert row(task["id"]).status == "under_review"


def test_what_is_reviewed_stands_in_nobodys_way(world, ada, late):
    """The heartbeats of who has handed it in renew its lease; it is not among what others may claim, whatever comes of that agent."""
    card, worker = world.card(lane=6), registered(ada, capacity=5)["agent_id"]
    for _ in range(5):
        add(world, card.id, priority="CRITICAL", validation_enabled=True)
    free = add(world, card.id, priority="LOW")["id"]
    beat(ada, worker, 1)
    for _ in range(5):
        hand_in(world, take(ada, worker))
    late.shift(25)
    assert beat(ada, worker, 2, status="running").json["received"]
    check_rows()
    late.shift(300)
    assert lost_tasks(world.project.id, LOOKED_AT) == []
    assert take(ada, registered(ada)["agent_id"])["id"] == free


def test_the_time_of_a_task_stands_still_while_it_is_reviewed(world, ada, late):
    card, worker, judge = world.card(lane=6), registered(ada)["agent_id"], validator(ada)
    task = add(world, card.id, validation_enabled=True, timeout_seconds=60)["id"]
    hand_in(world, take(ada, worker))
    late.shift(120)
    beat(ada, worker, 1, status="running")
    beat(ada, judge, 2)
    assert not ask(world, "GET", f"/tasks/{task}/timeout-status").json["is_timed_out"]
    assert ask(world, "GET", "/tasks/timed-out").json == []
    assert ask(world, "POST", "/tasks/cleanup-timed-out").json == {"cleaned_count": 0, "total_timed_out": 0}
    assert ask(world, "POST", f"/tasks/{task}/set-timeout", {"timeout_seconds": 70}).status == 200
    assert row(task).deadline is None
    spawn(ada, task)
    review(ada, task, judge, passed=False)
    assert (row(task).status, row(task).deadline) == ("needs_work", clock.in_seconds(70))
    assert lost_tasks(world.project.id) == []
    late.shift(71)
    assert ask(world, "GET", f"/tasks/{task}/timeout-status").json["is_timed_out"]


def test_nobody_speaks_for_a_validator_of_the_platform(world, ada):
    task = running(world)
    chosen = spawn(ada, task)["validator_agent_id"]
    review(ada, task, chosen, passed=True, status=403)
    assert (row(task).status, reviews(ada, task)) == ("validating", [])


@pytest.mark.parametrize("passed", [True, False])
def test_a_result_says_whether_a_review_has_verified_it(world, ada, passed):
    task, judge = running(world), validator(ada)
    assert put(world, task, result={"summary": "Done"}).status == 200

    def shown() -> Any:
        (one,) = ask(world, "GET", f"/tasks/{task}/results").json
        return one["verification_status"], one["verified_by_validation_id"], one["verified_at"]

    assert shown() == ("unverified", None, None)
    spawn(ada, task)
    assert put(world, task, result={"summary": "Something else"}).status == 409  # what is judged stays
    review(ada, task, judge, passed)
    (one,) = reviews(ada, task)
    kept = row(task).validation["reviewed_at"]
    assert shown() == (("verified", one["review_id"], kept) if passed else ("disputed", None, None))
    assert put(world, task, result={"summary": "Something else"}).status == (409 if passed else 200)
    if not passed:
        put(world, task, status="in_progress")
        spawn(ada, task)
        assert shown() == ("unverified", None, None)


@pytest.mark.parametrize("why", ["the card is full", "the project is archived"])
def test_what_cannot_be_looked_into_stops_no_stream(world, ada, stream, why):
    task, judge = running(world), validator(ada)
    for _ in range(3):
        stream.flow()
        spawn(ada, task)
        review(ada, task, judge, passed=False)
    if why == "the card is full":
        write(update(CardTasks.of(row(task).item_id), [CardTasks.made.set(MAX_CARD_TASKS)]))
    else:
        archive_project(world.actor, world.project.id)
    stream.flow()
    assert len(ask(world, "GET", f"/tasks?ticket_id={row(task).item_id}").json) == 1


def test_an_agent_of_the_platform_is_running_by_its_tasks_only(world, ada):
    """Else it would be in no list of those that wait for work, and nothing would bring it back."""
    made = spawned(ada, world)
    assert beat(ada, made, 2**53 - 1, status="running").status == 409
    assert ada("agents", "PATCH", f"/agents/{made}", body={"status": "running"}).status == 409
    assert (stored(made).status, stored(made).gsi3pk) == ("idle", UNOCCUPIED.partition_of(made))
    assert ada("agents", "GET", f"/agents/{made}").json["last_heartbeat"] is None


def test_a_card_with_all_its_tasks_can_be_blocked(world, ada):
    card = world.card(lane=3)
    write(update(CardTasks.of(card.id), [CardTasks.made.set(MAX_CARD_TASKS)]))
    answer = ada("cards", "POST", f"/tickets/{card.id}/block?blocker_type=dependency")
    assert answer.status == 200, answer.text
    assert fetch(Item, card.id).is_blocked
    assert ask(world, "GET", f"/tasks?ticket_id={card.id}").json == []


def test_the_job_of_deadlines_reads_no_more_than_it_does(world, monkeypatch):
    """However many are due: the first of each partition, in one query each."""
    monkeypatch.setattr("shared.planning.tickets.approving._EVENTS_AT_ONCE", 3)
    card = world.card()
    rows = [PendingApproval.of(card, f"2020-01-01T00:00:00.{number:03d}Z#{card.id}") for number in range(10)]
    put_many(rows)
    with count_requests() as seen:
        time_out_due(float("inf"))
    queries = seen.by_name["Query"]
    assert queries == len(APPROVALS.partitions())


def lost_race(*_: object, **__: object) -> None:
    raise stale()


@pytest.mark.parametrize(
    ("status", "service"), [("completed", "complete_task"), ("failed", "fail_task"), ("cancelled", "give_up")]
)
def test_the_end_of_a_run_comes_again_when_others_change_its_task(world, monkeypatch, status, service):
    """Else the task is in the hands of a run that has ended, for as long as a run may last."""
    card = world.card(lane=6)
    run, task = world.run(card), add(world, card.id)["id"]
    claim_task(world.actor, task, {"id": "agent-1", "name": "worker-1"}, 60, work_run_id=run.id)
    run.task_id, run.status = task, status
    with monkeypatch.context() as patch:
        patch.setattr(task_runs, service, lost_race)
        with pytest.raises(Conflict):
            task_runs.end_task(run)
    task_runs.end_task(run)
    assert not row(task).is_held


@pytest.mark.parametrize("event", ["push", "commit_comment"])
def test_what_github_tells_comes_again_when_others_change_the_card(octo, monkeypatch, event):
    card = octo.world.card()
    sha = octo.github.commit(f"ticket-{card.id}")
    if event == "push":
        payload, service = octo.github.push(sha), (pushes, "link_commit")
    else:
        octo.happens("push", octo.github.push(sha))
        said = {"id": 7, "commit_id": sha, "body": "Why?", "html_url": "https://github.com/x"}
        payload, service = octo.github.payload(action="created", comment=said), (remarks, "create_comment")
    with monkeypatch.context() as patch:
        patch.setattr(*service, lost_race)
        assert octo.deliver(event, payload).status == 200
        (body,) = taken()
        assert run_worker(body)
    assert run_worker(body) == []
    if event == "push":
        assert [one["commit_sha"] for one in octo.commits(card.id)] == [sha]
    else:
        (comment,) = octo.world.ada.at("omoios")("comments", "GET", f"/tickets/{card.id}/comments").json
        assert comment["content"].startswith("Why?")


@pytest.mark.parametrize("body", [{"agent_id": "system"}, {"agent_id": "Guardian"}, {"agent_id": "a-1", "agent_name": " CADRE "}])
def test_nobody_works_in_the_name_of_the_platform(world, body):
    task = add(world)["id"]
    answer = ask(world, "POST", f"/tasks/{task}/claim", body)
    assert answer.status == 422
    assert "platform itself" in answer.text
    assert not row(task).is_held


def test_who_gives_a_task_back_takes_no_failed_attempt_back(world):
    task = add(world)["id"]
    for failed in range(2):
        fence = ask(world, "POST", f"/tasks/{task}/claim", {"agent_id": "agent-1"}).json["fence"]
        assert put(world, task, status="failed", error_message="No", fence=fence).status == 200
        assert row(task).retry_count == failed + 1
    fence = ask(world, "POST", f"/tasks/{task}/claim", {"agent_id": "agent-1"}).json["fence"]
    assert put(world, task, status="pending", fence=fence).status == 200
    assert (row(task).status, row(task).retry_count) == ("pending", 2)
