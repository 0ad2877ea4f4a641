"""The guardian and agents of clients: what they say of their work, what they are told, when they are stopped, and how unusual they are."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from functions.scheduled.handler import handler as scheduled
from shared.core import clock
from shared.core.actor import Role
from shared.core.ids import new_id
from shared.insight.alerts.rows import Alert, open_alerts_of
from shared.people.tenancy.organizations import set_status
from shared.runs.agent_runs.steering import PATIENCE, PREFIX
from shared.runs.guardian import agents_at_work
from shared.runs.guardian.anomalies import READINGS, AgentReading
from shared.runs.guardian.reports import LOOKED_AT, last_reports
from shared.runs.live_agents import beating
from shared.runs.live_agents.holding import take_task
from shared.runs.live_agents.reading import see_again
from shared.runs.live_agents.silence import mark_silent
from shared.store import fetch, fetch_all, get, index_rows
from shared.work.tasks.claiming import complete_task, fail_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, sign_up
from tests.areas.live_agents_world import beat, registered, stored
from tests.areas.test_cards_progress import Stream
from tests.areas.viewers import listen, pushed
from tests.kills import concurrently, crash_at_every_write


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("omoios")


@pytest.fixture
def late(ada) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def stream(world) -> Stream:
    return Stream()


def task_of(world: World, **more) -> str:
    return add_task(world.actor, world.card(), new_id(), NewTask("Guest checkout without an account", **more)).id


def given(world: World, agent_id: str, **more) -> str:
    """A task that the agent works on."""
    task_id = task_of(world, **more)
    task = take_task(stored(agent_id), task_id, seconds=86_400)
    start_task(world.actor, task_id, int(task.fence))
    return task_id


def say(ada: Client, agent_id: str, task_id: str, status: int = 200, **data) -> Answer:
    body = {"task_id": task_id, "agent_id": agent_id, "event_type": "tool_call", "event_data": data}
    answer = ada("guardian", "POST", "/agent-events", body=body)
    assert answer.status == status, answer.text
    return answer


def circles(ada: Client, agent_id: str, task_id: str, times: int) -> None:
    for _ in range(times):
        say(ada, agent_id, task_id, tool="read_file", arguments={"path": "a.py"}, result="the same")


def oversee() -> None:
    scheduled({"detail": {"jobs": ["guardian"]}}, None)


def told(kind: str, sent: list[dict]) -> list[dict]:
    return [one["payload"] for one in sent if one["event_type"] == kind]


def row(task_id: str) -> Task:
    found = fetch(Task, task_id)
    assert found is not None
    return found


# -- what agents say


def test_what_an_agent_says_is_kept_as_a_trace(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    said = say(ada, agent, task, text="I read", tool="read", arguments={"b": 1, "a": "é"}, result="x" * 5_000, step=3).json
    assert (said["task_id"], said["agent_id"], said["event_type"]) == (task, agent, "tool_call")
    say(ada, agent, task, tool="write", arguments="a.py", made="file:a.py")
    say(ada, agent, task, tool="test", error="it failed", made="nothing")
    first, second, third = last_reports(task, agent)
    assert first.id == said["event_id"]
    assert (first.text, first.arguments, len(first.result)) == ('I read {"step": 3}', '{"a": "é", "b": 1}', 1_000)
    assert (second.made, second.failed) == ("file:a.py", False)
    assert (third.made, third.failed, third.result) == (None, True, "it failed")


@pytest.mark.parametrize(
    "data", [{}, {"text": None}, {"text": 5, "tool": [], "error": 0}, {"\x00": "\u202e"}, {"made": {"a": 1}}]
)
def test_odd_events_are_kept_too(world, ada, data):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    say(ada, agent, task, **data)
    assert len(last_reports(task, agent)) == 1


def test_only_who_holds_the_task_reports_of_it(world, ada):
    agent, other = registered(ada)["agent_id"], registered(ada)["agent_id"]
    task = given(world, agent)
    say(ada, other, task, 409)
    say(ada, agent, task_of(world), 409)
    say(ada, agent, new_id(), 404)
    say(ada, new_id(), task, 404)
    say(ada, agent, task, 400, text="x" * 20_000)
    stranger = sign_up("Eve", "eve@example.com").at("omoios")
    say(stranger, agent, task, 404)
    complete_task(world.actor, task)
    say(ada, agent, task, 409)


def test_who_may_not_run_agents_reports_nothing(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    viewer = world.join("Vi", "vi@example.com", Role.VIEWER).at("omoios")
    say(viewer, agent, task, 403)
    set_status(str(world.project.org_id), "suspended")
    say(ada, agent, task, 403)
    assert last_reports(task, agent) == []


def test_in_an_archived_project_nobody_is_stopped_and_the_cycle_goes_on(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    circles(ada, agent, task, 4)
    oversee()
    circles(ada, agent, task, PATIENCE)
    world.archive()
    oversee()
    assert row(task).status == "running"


# -- what they are told


def test_an_agent_that_goes_in_circles_is_told_with_its_heartbeat_and_stopped_if_it_goes_on(world, ada, stream):
    listen(world.ws_id)
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    circles(ada, agent, task, 3)
    oversee()
    assert stored(agent).messages == []
    circles(ada, agent, task, 1)
    oversee()
    oversee()
    stream.flow()
    sent = pushed("omoios")
    (steered,) = told("STEERING_ISSUED", sent)
    assert (steered["agent_id"], steered["steering_type"]) == (agent, "loop")
    said = beat(ada, agent, 1, status="running", current_task_id=task).json["message"]
    assert steered["message"] in said
    assert PREFIX in said
    (shown,) = told("MONITORING_UPDATE", sent)
    assert [one["action_type"] for one in told("MONITORING_UPDATE", sent)[0]["interventions"]] == ["steer"]
    (entry,) = shown["agents"]
    assert (entry["agent_id"], entry["needs_steering"], entry["steering_type"]) == (agent, True, "loop")
    assert entry["trajectory_summary"].startswith("4 turns, 0 things made, last read_file")
    circles(ada, agent, task, PATIENCE - 1)
    oversee()
    assert row(task).status == "running"
    circles(ada, agent, task, 1)
    oversee()
    assert row(task).status == "failed"
    assert row(task).error_message.startswith(f"Task cancelled: {PREFIX}")
    stream.flow()
    assert stored(agent).task_ids == []
    assert f"Task {task} was cancelled" in beat(ada, agent, 2).json["message"]
    sent = pushed("omoios")
    (stopped,) = told("GUARDIAN_INTERVENTION", sent)
    (shown,) = told("MONITORING_UPDATE", sent)[-1]["interventions"]
    assert (shown["action_type"], shown["target_agent_ids"]) == ("cancel_task", [agent])
    assert (stopped["action_type"], stopped["target_entity"], stopped["authority_level"]) == ("cancel_task", task, 4)
    body = {"reason": "It was right", "initiated_by": "ada"}
    assert ada("guardian", "POST", f"/guardian/actions/{stopped['action_id']}/revert", body=body).status == 200
    assert row(task).status == "pending"


def test_an_agent_that_heeds_is_left_alone(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    circles(ada, agent, task, 4)
    oversee()
    for number in range(PATIENCE + 2):
        say(ada, agent, task, tool="write", arguments=f"{number}", made=f"file:{number}")
    oversee()
    assert (row(task).status, len(stored(agent).steering)) == ("running", 1)


def test_who_never_says_what_it_makes_is_not_blamed_for_making_nothing(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    for number in range(15):
        say(ada, agent, task, tool="read", arguments=f"{number}", result=f"{number}")
    oversee()
    assert not stored(agent).steering
    say(ada, agent, task, tool="write", arguments="a", made="file:a")
    for number in range(12):
        say(ada, agent, task, tool="read", arguments=f"{number}", result=f"{number}")
    oversee()
    assert [one["rule"] for one in stored(agent).steering] == ["stall"]


def test_agents_that_only_send_heartbeats_are_shown_too_and_who_does_the_same(world, ada, stream):
    listen(world.ws_id)
    agents = [registered(ada)["agent_id"] for _ in range(2)]
    card = world.card()
    for agent in agents:
        task = add_task(world.actor, card, new_id(), NewTask("Guest checkout without an account"))
        take_task(stored(agent), task.id)
    registered(ada)  # it has no task
    oversee()
    oversee()
    stream.flow()
    (payload,) = told("MONITORING_UPDATE", pushed("omoios"))
    assert sorted(one["agent_id"] for one in payload["agents"]) == sorted(agents)
    assert {one["needs_steering"] for one in payload["agents"]} == {False}
    (pair,) = payload["duplicates"]
    assert {pair["agent1_id"], pair["agent2_id"]} == set(agents)
    assert payload["systemCoherence"] == 0.5


def test_an_agent_that_dies_while_it_is_told_is_left_alone(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    circles(ada, agent, task, 4)
    with concurrently(lambda: mark_silent(see_again(agent), "failed", world.actor, "Silent", lambda _: True) and None):
        oversee()
    died = stored(agent)
    assert (died.status, died.task_ids, died.messages, died.steering) == ("failed", [], [], None)


def test_two_cycles_at_once_tell_an_agent_once(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    circles(ada, agent, task, 4)
    with concurrently(oversee):
        oversee()
    assert len(stored(agent).steering) == len(stored(agent).messages) == 1


def test_a_task_that_somebody_else_has_taken_meanwhile_is_not_cancelled(world, ada):
    agent, other = (registered(ada)["agent_id"] for _ in range(2))
    task = given(world, agent)
    circles(ada, agent, task, 4)
    oversee()
    circles(ada, agent, task, PATIENCE)

    def takes() -> None:
        fail_task(world.actor, task, "It was lost", fence=int(row(task).fence))
        take_task(stored(other), task)

    with concurrently(takes):
        oversee()
    assert (row(task).status, row(task).agent["id"]) == ("assigned", other)


def test_a_cycle_that_is_interrupted_is_made_up_for(world, ada, stream):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    circles(ada, agent, task, 4)
    for process in crash_at_every_write():
        with process:
            oversee()
    assert len(stored(agent).steering) == 1
    circles(ada, agent, task, PATIENCE)
    for process in crash_at_every_write():
        with process:
            oversee()
    assert row(task).status == "failed"
    answer = ada("guardian", "GET", f"/guardian/actions?target_entity={task}")
    assert len(answer.json) == 1


def test_a_long_trace_is_read_from_its_end(world, ada):
    agent = registered(ada)["agent_id"]
    task = given(world, agent)
    for number in range(LOOKED_AT + 5):
        say(ada, agent, task, text=str(number))
    found = last_reports(task, agent)
    assert (len(found), found[0].text, found[-1].text) == (LOOKED_AT, "5", str(LOOKED_AT + 4))


# -- how unusual they are


def ends(world: World, late: time_machine.Traveller, agent: str, seconds: float, *, failed: bool = False) -> None:
    """The agent ends a task after so many seconds."""
    task = given(world, agent, max_retries=0)
    late.shift(timedelta(seconds=seconds))
    if failed:
        fail_task(world.actor, task, "It failed", fence=int(row(task).fence))
    else:
        complete_task(world.actor, task, {"summary": "done"})
    Stream().flow()


def reading(agent: str) -> AgentReading:
    found = get(AgentReading, *AgentReading.key_of(agent))
    assert found is not None
    return found


def beats(world: World, agent: str, number: int, cpu: float, memory: float) -> None:
    found, last = beating.find(world.actor, agent)
    metrics = {"cpu_usage_percent": cpu, "memory_usage_mb": memory}
    assert beating.receive(world.actor, found, last, beating.Beat(number, "running", None, metrics)).received


def alerts(world: World) -> list[Alert]:
    rows = index_rows(3, open_alerts_of(world.ws_id))
    return [one for one in fetch_all(Alert, [row.id for row in rows]) if one.rule_id == "agent_anomaly_high"]


def test_an_agent_that_is_unusual_for_some_readings_triggers_an_alert_that_ends_with_it(world, ada, late):
    agent = registered(ada, capacity=9)["agent_id"]
    for number in range(1, 7):
        ends(world, late, agent, 60)
        work = given(world, agent)
        beats(world, agent, number, 20, 400)
        oversee()
        complete_task(world.actor, work, {})
        Stream().flow()
    assert float(reading(agent).score) < 0.2
    late.shift(timedelta(hours=2))
    number = 10
    beats(world, agent, number, 95, 4_000)
    ends(world, late, agent, 0.5)
    for _ in range(9):
        ends(world, late, agent, 1, failed=True)
    work = given(world, agent)
    for turn in range(READINGS):
        assert alerts(world) == []
        late.shift(timedelta(seconds=5))
        number += 1
        beats(world, agent, number, 95, 4_000)
        oversee()
        assert int(reading(agent).in_a_row) == turn + 1, (reading(agent).parts, float(reading(agent).score))
    (alert,) = alerts(world)
    assert (alert.severity, alert.subject_id, alert.labels["resources"]) == ("critical", agent, "1.0")
    assert float(alert.value) >= 0.8
    oversee()
    assert len(alerts(world)) == 1
    late.shift(timedelta(hours=1, seconds=1))
    number += 1
    beats(world, agent, number, 20, 400)
    oversee()
    assert int(reading(agent).in_a_row) == 0
    assert alerts(world) == []
    assert row(work).status == "running"


def test_agents_without_work_are_not_measured(world, ada):
    agent = registered(ada)["agent_id"]
    oversee()
    assert get(AgentReading, *AgentReading.key_of(agent)) is None


def test_a_cycle_goes_on_behind_the_agents_that_it_had_no_time_for(world, ada, monkeypatch):
    monkeypatch.setattr(agents_at_work, "MOST_AGENTS", 2)
    agents = [registered(ada)["agent_id"] for _ in range(5)]
    for agent in agents:
        given(world, agent)
    for _ in range(3):
        oversee()
    assert all(get(AgentReading, *AgentReading.key_of(agent)) is not None for agent in agents)
