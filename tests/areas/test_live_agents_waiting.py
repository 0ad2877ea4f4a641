"""Agents that wait: what keeps one of the platform's from its work, when it looks again, what that costs; and who is idle."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from shared.core import clock
from shared.people.tenancy.rows import Organization
from shared.runs.agent_runs import queue
from shared.runs.live_agents import watching
from shared.runs.live_agents.giving import may_find_work
from shared.runs.live_agents.holding import worker_actor
from shared.runs.live_agents.rows import UNOCCUPIED, LiveAgent
from shared.store import fetch, query, save, write
from shared.work.tasks.claiming import claim_task, start_task
from tests.areas.boards_world import put_on_plan
from tests.areas.driving import Client
from tests.areas.live_agents_world import beat, registered, stored
from tests.areas.test_cards_progress import Stream
from tests.areas.test_live_agents_work import BUILD, ask, holder, play, row, spawn, task, watch
from tests.areas.test_runs import card_in
from tests.trips import count_requests


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("omoios")


@pytest.fixture
def platform(ada, world, monkeypatch) -> Client:
    put_on_plan(world.ws_id, "enterprise")
    monkeypatch.setattr(queue, "is_execution_running", lambda _: False)
    return ada


@pytest.fixture
def late(ada) -> Iterator[time_machine.Traveller]:
    """The time, which a test lets pass."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def stream(world) -> Stream:
    return Stream()


def waiting() -> list[LiveAgent]:
    """The rows of the list that the job reads."""
    return [one for part in UNOCCUPIED.partitions() for one in query(LiveAgent, part, index=3).rows]


def test_an_agent_is_not_kept_by_tasks_of_tickets_on_which_others_work(platform, world, stream):
    """More of these come first than an agent tries at once."""
    busy = card_in(world, BUILD, "feature")
    first = task(world, card=busy, priority="critical")
    one = spawn(platform, world)
    stream.flow()
    assert holder(first) == one
    behind = [task(world, card=busy, priority="high") for _ in range(6)]
    free = task(world, priority="low")
    two = spawn(platform, world)
    stream.flow()
    assert (holder(free), [holder(each) for each in behind]) == (two, [None] * 6)


def test_an_agent_whose_ticket_is_busy_says_so_and_looks_again(platform, world, stream):
    busy = card_in(world, BUILD, "feature")
    first, second = task(world, card=busy, priority="high"), task(world, card=busy)
    one, two = spawn(platform, world), spawn(platform, world)
    stream.flow()
    told = platform("agents", "GET", f"/agents/{two}").json
    assert (holder(first), holder(second), told["status"]) == (one, None, "idle")
    assert told["waits_because"] == "Another run is under way on the ticket of its task"
    play(first)  # the end of the run has not been told yet
    watch()
    assert (holder(second), stored(two).waits_because) == (two, None)


def test_what_an_agent_waited_for_is_forgotten_when_there_is_no_more_of_it(platform, world, stream):
    busy = card_in(world, BUILD, "feature")
    first, second = task(world, card=busy, priority="high"), task(world, card=busy)
    spawn(platform, world)
    two = spawn(platform, world)
    stream.flow()
    assert stored(two).waits_because
    assert platform("tasks", "PUT", f"/tasks/{second}", body={"status": "cancelled"}).status == 200
    watch()
    assert (stored(two).waits_because, holder(first) is not None) == (None, True)


def test_agents_with_nothing_to_do_cost_one_look_at_their_project(platform, world, stream):
    agents = [spawn(platform, world) for _ in range(4)]
    stream.flow()
    assert len(waiting()) == 4
    with count_requests() as seen:
        assert watching._look_for_work(float("inf")) == 0
    assert len(seen.names + seen.beside) <= 6, str(
        seen
    )  # the list; the agents, their project and what was lost there; the job's place
    assert may_find_work(waiting()) == []
    assert all(stored(one).status == "idle" for one in agents)


def test_a_task_whose_holder_fell_silent_is_found_without_an_event(platform, world, stream, late):
    """Its holder is no live agent, so nobody hears that it has gone."""
    made, only = spawn(platform, world), task(world)
    claim_task(world.actor, only, {"id": "somebody", "name": "Somebody"}, 60)
    stream.flow()
    watch()
    assert holder(only) == "somebody"
    late.shift(timedelta(seconds=61))
    watch()
    assert (holder(only), int(row(only).retry_count)) == (made, 1)


def test_agents_work_on_when_their_organization_is_active_again(platform, world, stream):
    made, only = spawn(platform, world), task(world)
    organization = fetch(Organization, world.project.org_id)
    organization.status = "suspended"
    write(save(organization))
    stream.flow()
    assert (holder(only), "not active" in stored(made).waits_because) == (None, True)
    organization = fetch(Organization, world.project.org_id)
    organization.status = "active"
    write(save(organization))
    watch()
    assert holder(only) == made


def test_a_validator_finds_its_work_behind_that_of_others(ada, world):
    card = world.card(BUILD)
    for _ in range(12):
        task(world, card=card, priority="high")
    check = task(world, card=card, task_type="validation", priority="low")
    assert ask(ada, registered(ada, agent_type="validator")["agent_id"])["id"] == check


@pytest.mark.parametrize("again", ["availability", "update", "heartbeat"])
def test_who_comes_back_to_tasks_that_it_holds_is_running(ada, world, again):
    made, only = registered(ada)["agent_id"], task(world)
    start_task(worker_actor(stored(made)), only, ask(ada, made)["fence"])
    if again == "heartbeat":
        assert beat(ada, made, 1, status="degraded").json["status"] == "degraded"
        assert beat(ada, made, 2, status="idle").json["status"] == "running"
    else:
        ada("agents", "POST", f"/agents/{made}/availability", body={"available": False})
        assert stored(made).status == "degraded"
        if again == "availability":
            answer = ada("agents", "POST", f"/agents/{made}/availability", body={"available": True})
        else:
            answer = ada("agents", "PATCH", f"/agents/{made}", body={"status": "idle"})
        assert (answer.status, answer.json["status"]) == (200, "running")
    assert (stored(made).status, stored(made).task_ids) == ("running", [only])
    refused = ada("agents", "PATCH", f"/agents/{made}", body={"status": "idle"})
    assert (refused.status, refused.json["detail"]) == (409, "The agent is idle when what it holds has ended: 1 task")
