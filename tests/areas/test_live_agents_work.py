"""Live agents and tasks: who gets which, what happens when an agent dies, and agents that the platform runs."""

from datetime import timedelta

import pytest

from shared.core import clock
from shared.core.actor import SYSTEM
from shared.core.errors import Conflict, Upstream
from shared.core.ids import new_id
from shared.core.situations import Situation
from shared.people.tenancy.rows import Organization
from shared.runs.agent_runs import queue
from shared.runs.agent_runs.ending import end_run, with_error
from shared.runs.agent_runs.rows import Run
from shared.runs.live_agents.asking import next_task
from shared.runs.live_agents.giving import dispatch, give_work
from shared.runs.live_agents.holding import claim_for, follow_task, worker_actor
from shared.runs.live_agents.task_runs import begin_task
from shared.store import fetch, save, write
from shared.work.items.rows import Item
from shared.work.projects.creating import NewProject, create_project
from shared.work.projects.rows import Project
from shared.work.tasks.claiming import FenceLost, claim_task, complete_task, fail_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World, create_world, put_on_plan
from tests.areas.driving import Client, run_jobs
from tests.areas.live_agents_world import beat, registered, stored
from tests.areas.running import Machine
from tests.areas.test_runs import card_in
from tests.areas.test_runs_control import configure
from tests.areas.viewers import listen, pushed
from tests.kills import concurrently, crash_at_every_write, crash_at_write

BUILD = 6  # the lane in which is built


def task(world: World, title: str = "A task", card: Item | None = None, **more) -> str:
    return add_task(world.actor, card or world.card(BUILD), new_id(), NewTask(title, "Do it well", **more)).id


def row(task_id: str) -> Task:
    found = fetch(Task, task_id)
    assert found is not None
    return found


def ask(ada: Client, agent_id: str) -> dict | None:
    answer = ada("agents", "POST", f"/agents/{agent_id}/next-task")
    assert answer.status == 200, answer.text
    return answer.json["task"]


def watch() -> None:
    run_jobs("heartbeat-watch")


def holder(task_id: str) -> str | None:
    agent = row(task_id).agent
    return agent["id"] if agent else None


def test_an_agent_asks_for_its_next_task_by_priority(ada, world):
    made = registered(ada)["agent_id"]
    low, high = task(world, priority="low"), task(world, priority="high")
    task(world, phase_id="PHASE_TESTING", priority="critical")
    got = ask(ada, made)
    assert (got["id"], got["status"], got["priority"], got["fence"]) == (high, "assigned", "HIGH", 1)
    assert ask(ada, made)["fence"] == 1  # an answer that was lost
    assert (stored(made).status, stored(made).task_ids) == ("running", [high])
    start_task(worker_actor(stored(made)), high, 1)
    assert ask(ada, made) is None  # its capacity is one
    ada("agents", "PATCH", f"/agents/{made}", body={"capacity": 2})
    assert ask(ada, made)["id"] == low


@pytest.mark.parametrize(("status", "after"), [("draft", "in_progress"), ("ready", "in_progress"), ("done", "done")])
def test_a_ticket_is_in_progress_when_an_agent_works_on_a_task_of_it(ada, world, stream, status, after):
    card = world.card(BUILD, status=status)
    made, only = registered(ada)["agent_id"], task(world, card=card)
    stream.flow()
    assert fetch(Item, card.id).status == status  # it has the task, and has not begun
    start_task(worker_actor(stored(made)), only, int(row(only).fence))
    stream.flow()
    assert fetch(Item, card.id).status == after
    stream.flow()
    assert fetch(Item, card.id).status == after


def test_what_an_agent_is_capable_of_comes_first(ada, world):
    task(world, "Draw the logo of Pythonia")
    mine = task(world, "Write the Python parser")
    assert ask(ada, registered(ada)["agent_id"])["id"] == mine


def test_who_watches_does_no_tasks_and_validators_do_their_own(ada, world):
    build, check = task(world), task(world, task_type="validation")
    looks_into = task(world, task_type="discovery_diagnostic_validation_failed")
    assert ask(ada, registered(ada, agent_type="guardian")["agent_id"]) is None
    assert ask(ada, registered(ada, agent_type="validator")["agent_id"])["id"] == check
    assert ask(ada, registered(ada, agent_type="validator")["agent_id"]) is None
    assert ask(ada, registered(ada, agent_type="diagnostic")["agent_id"])["id"] == looks_into
    assert ask(ada, registered(ada)["agent_id"])["id"] == build


def test_of_two_that_ask_at_once_each_gets_another_task(ada, world):
    one, two = registered(ada)["agent_id"], registered(ada)["agent_id"]
    tasks = {task(world), task(world)}
    with concurrently(lambda: next_task(world.actor, two) and None):
        mine = next_task(world.actor, one)
    assert {mine.id, *stored(two).task_ids} == tasks


def test_an_agent_that_asks_twice_at_once_stays_within_its_capacity(ada, world):
    made = registered(ada)["agent_id"]
    tasks = [task(world), task(world)]
    with concurrently(lambda: next_task(world.actor, made) and None):
        next_task(world.actor, made)
    assert [holder(one) for one in tasks].count(made) == 1
    assert len(stored(made).task_ids) == 1


def test_who_does_not_work_gets_no_task(ada, world):
    made = registered(ada)["agent_id"]
    task(world)
    ada("agents", "POST", f"/agents/{made}/availability", body={"available": False})
    assert ada("agents", "POST", f"/agents/{made}/next-task").status == 409
    spawned = ada("projects", "POST", f"/projects/{world.project.id}/spawn-agent", body={"agent_type": "worker"}).json
    assert ada("agents", "POST", f"/agents/{spawned['id']}/next-task").status == 409


def test_a_task_that_becomes_ready_is_given_to_the_agent_that_fits_best(ada, world, stream):
    registered(ada, phase_id="PHASE_TESTING")
    registered(ada, agent_type="monitor", phase_id=None)
    registered(ada, capabilities=["rust"])
    fits = registered(ada, capabilities=["Python"])["agent_id"]
    stream.flow()
    first = task(world, "Parse with python")
    second = task(world, "Then with python too", depends_on=[first])
    stream.flow()
    assert (holder(first), holder(second), row(first).status) == (fits, None, "assigned")
    assert beat(ada, fits, 1).json["task_ids"] == [first]
    complete_task(worker_actor(stored(fits)), first, {"ok": True}, fence=1)
    stream.flow()
    assert row(first).status == "completed"


def test_an_agent_that_registers_or_ends_a_task_gets_the_next(ada, world, stream):
    one, two = task(world, priority="high"), task(world)
    stream.flow()
    made = registered(ada)["agent_id"]
    stream.flow()
    assert (holder(one), holder(two)) == (made, None)
    assert stored(made).status == "running"
    complete_task(worker_actor(stored(made)), one, None, fence=1)
    stream.flow()
    assert (holder(two), stored(made).task_ids) == (made, [two])
    fail_task(worker_actor(stored(made)), two, "It broke", fence=1)
    stream.flow()
    assert (holder(two), int(row(two).fence), int(row(two).retry_count)) == (made, 2, 1)


def test_the_same_events_twice_give_no_task_twice(ada, world, stream):
    one, two = registered(ada)["agent_id"], registered(ada)["agent_id"]
    only = task(world)
    before = dict(stream.seen)
    stream.flow()
    given = holder(only)
    assert given in (one, two)
    stream.seen = before
    stream.flow()
    assert (holder(only), int(row(only).fence)) == (given, 1)
    assert sorted(map(len, (stored(one).task_ids, stored(two).task_ids))) == [0, 1]


def test_the_work_of_an_agent_that_dies_goes_to_another(ada, world, stream, late):
    """The journey: an agent takes a task, beats, begins, and is heard no more. Nothing sweeps before the other one asks."""
    begun = clock.now()
    dies = registered(ada)["agent_id"]
    only = task(world)
    got = ask(ada, dies)
    start_task(worker_actor(stored(dies)), only, got["fence"])
    stream.flow()
    for number in range(1, 9):
        late.move_to(begun + timedelta(seconds=12 * number))
        assert beat(ada, dies, number, status="running", current_task_id=only).json["task_ids"] == [only]
    heard = clock.now()
    assert clock.parse(row(only).lease_until) > heard + timedelta(seconds=45)  # it outlasts an agent that may still come back
    other = registered(ada)["agent_id"]
    assert ask(ada, other) is None
    late.move_to(heard + timedelta(seconds=76))
    assert ada("agents", "GET", f"/agents/{dies}").json["status"] == "failed"
    again = ask(ada, other)
    assert (again["id"], again["fence"]) == (only, got["fence"] + 1)
    with pytest.raises(FenceLost):
        complete_task(worker_actor(stored(dies)), only, "late", fence=got["fence"])
    done = complete_task(worker_actor(stored(other)), only, "in time", fence=again["fence"])
    assert (done.result, done.agent["id"]) == ("in time", other)
    stream.flow()
    assert stored(dies).task_ids == []


def test_the_job_gives_the_work_of_a_dead_agent_to_one_that_waits(ada, world, stream, late):
    begun = clock.now()
    dies, only = registered(ada)["agent_id"], task(world)
    start_task(worker_actor(stored(dies)), only, ask(ada, dies)["fence"])
    stream.flow()
    late.move_to(begun + timedelta(seconds=60))
    waits = registered(ada)["agent_id"]
    stream.flow()
    assert holder(only) == dies
    watch()
    stream.flow()
    assert (stored(dies).status, stored(dies).task_ids) == ("failed", [])
    assert (holder(only), row(only).status) == (waits, "assigned")
    assert (int(row(only).retry_count), "has failed: Its heartbeats did not come" in row(only).error_message) == (1, True)


def test_a_heartbeat_keeps_what_was_begun_and_not_what_was_never_picked_up(ada, world, stream, late):
    begun = clock.now()
    made, only = registered(ada)["agent_id"], task(world)
    stream.flow()
    assert holder(only) == made
    for number in range(1, 7):
        late.move_to(begun + timedelta(seconds=14 * number))
        assert beat(ada, made, number).status == 200
    watch()
    assert (row(only).status, stored(made).asks_only) == ("pending", True)
    stream.flow()
    assert (holder(only), stored(made).status) == (None, "idle")  # it is given nothing more
    got = ask(ada, made)
    start_task(worker_actor(stored(made)), only, got["fence"])
    stream.flow()
    assert stored(made).asks_only is False


def test_a_terminated_agent_lets_its_tasks_go(ada, world, stream):
    made, only = registered(ada)["agent_id"], task(world)
    fence = ask(ada, made)["fence"]
    stream.flow()
    ada("agents", "PATCH", f"/agents/{made}", body={"status": "quarantined"})
    stream.flow()
    assert (row(only).status, int(row(only).retry_count)) == ("pending", 0)
    with pytest.raises(Conflict):
        complete_task(worker_actor(stored(made)), only, None, fence=fence)


def test_an_agent_whose_request_dies_has_its_task_or_none(ada, world):
    for process in crash_at_every_write():
        made, only = registered(ada)["agent_id"], task(world)
        with process:
            next_task(world.actor, made)
        assert (holder(only) == made) == (stored(made).task_ids == [only])
        if holder(only) is None:
            assert next_task(world.actor, made).id == only
        complete_task(worker_actor(stored(made)), only, None, fence=int(row(only).fence))


def test_a_repeated_request_for_the_next_task_has_the_same_answer(ada, world):
    """The claim, the agent's place and the mark of the key are one transaction."""
    made = registered(ada, capacity=2)["agent_id"]
    first, _ = task(world), task(world)
    headers = {"Idempotency-Key": "once"}
    answers = [ada("agents", "POST", f"/agents/{made}/next-task", headers=headers).json for _ in range(2)]
    start_task(worker_actor(stored(made)), first, 1)
    answers.append(ada("agents", "POST", f"/agents/{made}/next-task", headers=headers).json)
    assert answers == answers[:1] * 3
    assert stored(made).task_ids == [first]


def test_nobody_works_in_an_organization_that_is_suspended(ada, world, stream):
    made, only = registered(ada)["agent_id"], task(world)
    organization = fetch(Organization, world.project.org_id)
    organization.status = "suspended"
    write(save(organization))
    stream.flow()
    assert (holder(only), stored(made).status) == (None, "idle")


def put(ada: Client, task_id: str, **body):
    return ada("tasks", "PUT", f"/tasks/{task_id}", body=body)


def test_the_journey_of_two_agents_over_http(ada, world, stream, late):
    """One takes a task, begins, and falls silent; the other does it; what the first one says in the end is refused."""
    begun = clock.now()
    dies, only = registered(ada)["agent_id"], task(world)
    got = ask(ada, dies)
    assert put(ada, only, status="in_progress", fence=got["fence"]).status == 200
    stream.flow()
    assert beat(ada, dies, 1, status="running", current_task_id=only).status == 200
    late.move_to(begun + timedelta(seconds=80))
    lives = registered(ada)["agent_id"]
    again = ask(ada, lives)
    assert again["assigned_agent_id"] == lives
    refused = put(ada, only, status="completed", result={"by": "the dead"}, fence=got["fence"])
    assert (refused.status, "fence" in refused.json["detail"]) == (409, True)
    done = put(ada, only, status="completed", result={"by": "the living"}, fence=again["fence"])
    assert (done.status, done.json["result"], done.json["status"]) == (200, {"by": "the living"}, "completed")
    stream.flow()
    assert ada("agents", "GET", f"/agents/{lives}").json["status"] == "idle"
    assert put(ada, only, status="completed", fence=got["fence"]).status == 409


def test_who_listens_sees_agents_and_their_tasks(ada, world, stream):
    listen(world.ws_id)
    made = registered(ada)["agent_id"]
    stream.flow()
    only = task(world)
    stream.flow()
    beat(ada, made, 1, status="running")
    ada("agents", "PATCH", f"/agents/{made}", body={"status": "degraded"})
    stream.flow()
    seen = [(one["event_type"], one["entity_type"], one["entity_id"], one["payload"]) for one in pushed("omoios")]
    shown = [one for one in seen if one[0].startswith("AGENT") or one[0] == "TASK_ASSIGNED"]
    assert [shown[0], *sorted(shown[1:3], key=lambda one: one[0], reverse=True), *shown[3:]] == [  # two of one transaction
        (
            "AGENT_REGISTERED",
            "agent",
            made,
            {"agent_id": made, "agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION"},
        ),
        ("TASK_ASSIGNED", "task", only, {"task_id": only, "agent_id": made}),
        ("AGENT_STATUS_CHANGED", "agent", made, {"agent_id": made, "old_status": "idle", "new_status": "running"}),
        (
            "AGENT_HEARTBEAT",
            "agent",
            made,
            {"agent_id": made, "health_metrics": {"cpu": 0.5, "memory": {"used": 5, "free": 3}}},
        ),
        ("AGENT_STATUS_CHANGED", "agent", made, {"agent_id": made, "old_status": "running", "new_status": "degraded"}),
    ]


@pytest.fixture
def platform(ada, world, monkeypatch) -> Client:
    put_on_plan(world.ws_id, "enterprise")
    monkeypatch.setattr(queue, "is_execution_running", lambda _: False)
    return ada


def spawn(ada: Client, world: World, **more) -> str:
    body = {"agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION", "capabilities": ["python", "fastapi"], "capacity": 1}
    answer = ada("projects", "POST", f"/projects/{world.project.id}/spawn-agent", body=body | more)
    assert answer.status == 201, answer.text
    assert (answer.json["id"], answer.json["run_by"]) == (answer.json["agent_id"], "platform")
    return answer.json["id"]


def play(task_id: str) -> Run:
    run_id = row(task_id).work_run_id
    assert run_id is not None
    return Machine(execution=f"execution-{run_id}").play(run_id)


def test_a_spawned_agent_does_the_tasks_of_its_phase_one_after_the_other(platform, world, stream):
    card, other = (card_in(world, BUILD, "feature") for _ in range(2))
    one, two = task(world, "Write the parser", card, priority="high"), task(world, "Write the printer", other)
    elsewhere = task(world, phase_id="PHASE_TESTING")
    stream.flow()
    made = spawn(platform, world)
    stream.flow()
    assert (holder(one), holder(two), stored(made).status) == (made, None, "running")
    run = play(one)
    assert (run.status, run.task_id, run.trigger, run.agent["name"]) == ("completed", one, "task", "dev_backend")
    assert "Do this task of the card: Write the parser" in run.input_context["context"]
    stream.flow()
    assert (row(one).status, row(one).error_message) == ("completed", None)
    assert (row(one).result["run_id"], row(one).result["agent"]) == (run.id, "dev_backend")
    assert holder(two) == made
    assert play(two).status == "completed"
    stream.flow()
    assert (row(two).status, stored(made).status, stored(made).task_ids) == ("completed", "idle", [])
    assert row(elsewhere).status == "pending"
    assert platform("agents", "GET", f"/agents/{made}").json["health_status"] == "healthy"


def test_a_run_that_only_asks_does_no_task(platform, world, stream):
    only, made = task(world, card=world.card(BUILD, "?")), spawn(platform, world)
    stream.flow()
    assert play(only).has_only_comments
    stream.flow()
    assert (row(only).status, "a person has to answer" in row(only).error_message) == ("failed", True)
    assert stored(made).status == "idle"


def test_a_run_that_fails_is_an_attempt_of_the_task(platform, world, stream):
    only = task(world, max_retries=1)
    made = spawn(platform, world)
    stream.flow()
    for fence in (1, 2):
        assert int(row(only).fence) == fence
        run = fetch(Run, row(only).work_run_id)
        end_run(run, "failed", SYSTEM, with_error("TIMEOUT", "It took too long"))
        stream.flow()
    assert (row(only).status, stored(made).status) == ("failed", "idle")
    assert row(only).error_message == "It took too long"


def test_a_run_that_a_person_cancels_is_not_begun_again(platform, world, stream):
    only = task(world)
    spawn(platform, world)
    stream.flow()
    answer = world.ada("runs", "POST", f"/runs/{row(only).work_run_id}/cancel")
    assert answer.status == 202, answer.text
    stream.flow()
    assert (row(only).status, row(only).error_message.startswith("The run was cancelled")) == ("failed", True)


def test_what_keeps_a_run_from_beginning_is_told_and_tried_again(platform, world, stream):
    platform.at("agentworks")("projects", "PUT", f"/projects/{world.project.id}", body={"settings": {"maxConcurrentRuns": 1}})
    one, two = task(world, priority="high"), task(world)
    first, second = spawn(platform, world), spawn(platform, world)
    stream.flow()
    assert (holder(one), holder(two)) == (first, None)
    told = platform("agents", "GET", f"/agents/{second}").json
    assert (told["status"], "runs under way" in told["waits_because"]) == ("idle", True)
    play(one)
    watch()
    assert (holder(two), stored(second).waits_because) == (second, None)


def test_an_agent_without_a_budget_says_so_and_no_amount(platform, world, stream):
    """Everybody in the workspace sees an agent; what may be spent is not for everybody."""
    configure(world, maxMonthlyUsage=0)
    only, agent_id = task(world), spawn(platform, world)
    stream.flow()
    told = platform("agents", "GET", f"/agents/{agent_id}").json
    assert (holder(only), told["waits_because"]) == (None, "A budget has no room for a run")


def test_a_terminated_worker_s_run_is_stopped(platform, world, stream):
    only, made = task(world), spawn(platform, world)
    stream.flow()
    run_id = row(only).work_run_id
    assert platform("agents", "PATCH", f"/agents/{made}", body={"status": "quarantined"}).status == 200
    stream.flow()
    assert (fetch(Run, run_id).status, row(only).status) == ("cancelled", "pending")


def test_a_run_whose_worker_died_before_the_claim_is_not_repeated(platform, world, stream):
    """The run is requested first. Whoever comes after it finds it under way, or done."""
    made, card = spawn(platform, world), card_in(world, BUILD, "feature")
    only = task(world, card=card)
    with crash_at_write(1) as process:
        dispatch(only)
    assert process.dead
    run_id = fetch(Item, card.id).lease_run
    assert (holder(only), Machine(execution="execution").play(run_id).status) == (None, "completed")
    dispatch(only)
    assert (holder(only), row(only).status, row(only).result["run_id"]) == (made, "completed", run_id)


def test_a_run_that_could_not_be_queued_does_not_bar_the_next(platform, world, stream, monkeypatch):
    made, only = spawn(platform, world), task(world)
    with monkeypatch.context() as patch:
        patch.setattr(queue, "enqueue", unavailable)
        with pytest.raises(Upstream):
            dispatch(only)
    dispatch(only)
    assert holder(only) == made
    assert fetch(Run, row(only).work_run_id).status == "pending"


def unavailable(*_: object) -> None:
    raise Upstream(Situation.UNAVAILABLE, "The queue is away")


def test_a_task_is_in_progress_when_its_run_begins(platform, world, stream):
    spawn(platform, world)
    only = task(world, timeout_seconds=60)
    stream.flow()
    assert (row(only).status, row(only).deadline) == ("assigned", None)
    begin_task(fetch(Run, row(only).work_run_id))
    assert (row(only).status, row(only).deadline is not None) == ("running", True)


def test_an_agent_that_gets_room_gets_work(ada, world, stream):
    made = registered(ada)["agent_id"]
    tasks = [task(world), task(world)]
    stream.flow()
    assert len(stored(made).task_ids) == 1
    ada("agents", "PATCH", f"/agents/{made}", body={"capacity": 2})
    stream.flow()
    assert stored(made).task_ids == sorted(tasks)


def test_a_task_of_the_platform_has_one_run_however_often_its_reaction_dies(platform, world, stream):
    made = spawn(platform, world, capacity=50)
    for process in crash_at_every_write():
        only = task(world)
        with process:
            dispatch(only)
        dispatch(only)
        assert holder(only) == made
        runs = [run for run in (fetch(Item, row(only).item_id).recent_runs) if run["status"] != "failed"]
        assert [run["id"] for run in runs] == [row(only).work_run_id]


def claim(caller: Client, task: Task, agent_id: str):
    return caller.at("omoios")("tasks", "POST", f"/tasks/{task.id}/claim", body={"agent_id": agent_id})


def test_nobody_claims_a_task_for_an_agent_of_somebody_else(world, ada, stream):
    eve = create_world("eve@example.com", "Eve")
    agent = registered(ada, phase_id=None)["agent_id"]
    task = add_task(eve.actor, eve.card(), new_id(), NewTask("A task"))
    foreign, unknown = claim(eve.ada, task, agent), claim(eve.ada, task, new_id())
    assert [(one.status, one.json["detail"]) for one in (foreign, unknown)] == [(404, foreign.json["detail"])] * 2
    assert claim(eve.ada, add_task(world.actor, world.card(), new_id(), NewTask("Ada's")), agent).status == 404
    assert stored(agent).task_ids == []


def test_what_is_written_of_a_foreign_agent_does_not_follow(world, ada):
    eve = create_world("eve@example.com", "Eve")
    agent = registered(ada, phase_id=None)["agent_id"]
    task = add_task(eve.actor, eve.card(), new_id(), NewTask("A task"))
    claim_task(eve.actor, task.id, {"id": agent, "name": "worker"}, 60)
    assert follow_task(agent, task.id) is None
    assert (stored(agent).task_ids, stored(agent).status) == ([], "idle")


def test_a_claim_by_name_takes_the_place_of_a_live_agent(world, ada):
    one = registered(ada, phase_id=None, project_id=world.project.id)["agent_id"]
    tasks = [add_task(world.actor, world.card(), new_id(), NewTask(f"Task {number}")) for number in range(2)]
    assert claim(ada, tasks[0], one).status == 200
    assert (stored(one).task_ids, stored(one).status) == ([tasks[0].id], "running")
    full = claim(ada, tasks[1], one)
    assert (full.status, full.json["detail"]) == (409, "The agent has 1 tasks, as many as it takes at the same time"), full.text
    other = create_project(world.actor, world.ws_id, NewProject("Other", slug="other"))
    elsewhere = registered(ada, phase_id=None, project_id=other.id)["agent_id"]
    assert claim(ada, tasks[1], elsewhere).status == 404
    ada("agents", "PATCH", f"/agents/{elsewhere}", body={"status": "terminated"})
    assert claim(ada, tasks[1], "any-name").status == 200


def test_two_claims_at_once_leave_an_agent_within_its_capacity(world, ada):
    one = registered(ada, phase_id=None)["agent_id"]
    first, second = (add_task(world.actor, world.card(), new_id(), NewTask(f"Task {number}")) for number in range(2))
    with concurrently(lambda: claim_for(world.actor, first.id, {"id": one, "name": one}, 60)):
        assert claim(ada, second, one).status == 409
    assert stored(one).task_ids == [first.id]
    assert fetch(Task, second.id).status == "pending"


@pytest.mark.parametrize("what", ["archived", "deleted"])
def test_an_agent_of_the_platform_ends_with_its_project(platform, world, what):
    made, other = spawn(platform, world), registered(platform, project_id=world.project.id)["agent_id"]
    row = fetch(Project, world.project.id)
    row.status = what
    write(save(row))
    for one in (made, other):
        give_work(one)
    assert stored(made).status == ("terminated" if what == "deleted" else "idle")
    assert stored(other).status == "idle"
