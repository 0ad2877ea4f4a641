"""The guardian: interventions and their revert, runs that are told and stopped, and the cycle that watches them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from functions.scheduled.handler import handler as scheduled
from shared.agents.providers import registry
from shared.agents.providers.port import Finished, TextDelta, TokenUsage, ToolCall, ToolCallReady
from shared.core import clock
from shared.core.actor import Role
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.steering import PREFIX
from shared.runs.guardian import reverting
from shared.runs.guardian.rows import GuardianAction
from shared.store import fetch
from shared.work.items.rows import Item
from shared.work.tasks.claiming import claim_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client
from tests.areas.live_agents_world import registered, stored
from tests.areas.running import Machine
from tests.areas.test_cards_progress import Stream
from tests.areas.test_runs import card_in, started
from tests.areas.viewers import listen, pushed
from tests.kills import concurrently

WHY = {"reason": "It goes in circles", "initiated_by": "guardian-001"}
AGENT = {"id": "agent-1", "name": "worker-1"}


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("omoios")


@pytest.fixture
def late(ada) -> Iterator[time_machine.Traveller]:
    """The time, which a test lets pass."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def stream(world) -> Stream:
    return Stream()


def add(world: World, **more) -> str:
    return add_task(world.actor, world.card(), new_id(), NewTask("A task", **more)).id


def held(world: World) -> str:
    return claim_task(world.actor, add(world), AGENT, 3_600).id


def row(task_id: str) -> Task:
    found = fetch(Task, task_id)
    assert found is not None
    return found


def intervene(ada: Client, what: str, status: int = 200, **body) -> dict:
    answer: Answer = ada("guardian", "POST", f"/guardian/intervention/{what}", body=WHY | body)
    assert answer.status == status, answer.text
    return answer.json


def revert(ada: Client, action_id: str, status: int = 200) -> dict:
    body = {"reason": "It was right", "initiated_by": "ada"}
    answer = ada("guardian", "POST", f"/guardian/actions/{action_id}/revert", body=body)
    assert answer.status == status, answer.text
    return answer.json


def action(ada: Client, action_id: str) -> dict:
    answer = ada("guardian", "GET", f"/guardian/actions/{action_id}")
    assert answer.status == 200, answer.text
    return answer.json


def oversee() -> None:
    scheduled({"detail": {"jobs": ["guardian"]}}, None)


# -- interventions


def test_a_cancelled_task_is_pending_again_when_it_is_reverted(world, ada):
    task = held(world)
    done = intervene(ada, "cancel-task", task_id=task)
    assert (done["action_type"], done["target_entity"], done["authority_level"], done["authority_name"]) == (
        "cancel_task", task, 4, "GUARDIAN",
    )  # fmt: skip
    assert (done["initiated_by"], done["approved_by"]) == ("guardian-001", world.actor.id)
    assert done["audit_log"]["before"]["status"] == "assigned"
    assert done["audit_log"]["after"]["status"] == "failed"
    assert (row(task).status, row(task).error_message) == ("failed", "Task cancelled: It goes in circles")
    back = revert(ada, done["action_id"])
    assert (back["reverted"], back["reverted_by"], back["reason"]) == (True, "ada", "It was right")
    assert (row(task).status, row(task).error_message, row(task).agent) == ("pending", None, None)
    assert action(ada, done["action_id"])["reverted_at"] == back["reverted_at"]
    revert(ada, done["action_id"], 404)


def test_a_task_that_nobody_has_begun_can_be_cancelled_and_an_ended_one_not(world, ada):
    task = add(world)
    intervene(ada, "cancel-task", task_id=task)
    assert row(task).status == "cancelled"
    intervene(ada, "cancel-task", 409, task_id=task)
    intervene(ada, "cancel-task", 404, task_id=new_id())


def test_what_somebody_else_has_changed_since_is_not_reverted(world, ada):
    task = add(world)
    done = intervene(ada, "override-priority", task_id=task, new_priority="critical")
    ada("tasks", "PUT", f"/tasks/{task}", body={"priority": "LOW"})
    revert(ada, done["action_id"], 409)
    assert row(task).priority == "low"


def test_a_priority_is_overridden_and_restored(world, ada):
    task = add(world, priority="low")
    done = intervene(ada, "override-priority", task_id=task, new_priority="CRITICAL")
    assert row(task).priority == "critical"
    assert (done["audit_log"]["before"], done["audit_log"]["after"]) == ({"priority": "LOW"}, {"priority": "CRITICAL"})
    intervene(ada, "override-priority", 409, task_id=task, new_priority="CRITICAL")
    intervene(ada, "override-priority", 400, task_id=task, new_priority="URGENT")
    revert(ada, done["action_id"])
    assert row(task).priority == "low"


def test_a_revert_that_races_with_another_one_happens_once(world, ada):
    task = held(world)
    done = intervene(ada, "cancel-task", task_id=task)
    with (
        concurrently(lambda: reverting.revert(world.actor, done["action_id"], "I was faster") and None),
        pytest.raises(Conflict, match="changed since"),
    ):
        reverting.revert(world.actor, done["action_id"], "It was right")
    assert action(ada, done["action_id"])["audit_log"]["reverted"]["reason"] == "I was faster"
    assert row(task).status == "pending"


def test_capacity_moves_between_agents_and_back(world, ada):
    giver, taker = (registered(ada, capacity=number)["agent_id"] for number in (4, 1))
    body = {"from_agent_id": giver, "to_agent_id": taker}
    done = intervene(ada, "reallocate", capacity=3, **body)
    assert (stored(giver).capacity, stored(taker).capacity) == (1, 4)
    said = intervene(ada, "reallocate", 400, capacity=1, **body)
    assert "Insufficient capacity" in said["detail"]
    revert(ada, done["action_id"])
    assert (stored(giver).capacity, stored(taker).capacity) == (4, 1)
    intervene(ada, "reallocate", 400, capacity=1, from_agent_id=giver, to_agent_id=giver)


def test_capacity_that_was_changed_since_stays(world, ada):
    giver, taker = (registered(ada, capacity=number)["agent_id"] for number in (4, 1))
    done = intervene(ada, "reallocate", capacity=2, from_agent_id=giver, to_agent_id=taker)
    assert ada("agents", "PATCH", f"/agents/{taker}", body={"capacity": 9}).status == 200
    revert(ada, done["action_id"], 409)
    assert (stored(giver).capacity, stored(taker).capacity) == (2, 9)


def test_who_may_intervene_is_told_by_the_role(world, ada):
    task = held(world)
    assert "GUARDIAN" in intervene(ada, "cancel-task", 403, task_id=task, authority=3)["detail"]
    intervene(ada, "cancel-task", 422, task_id=task, authority=6)
    admin = world.join("Bob", "bob@example.com", Role.ADMIN).at("omoios")
    assert "SYSTEM" in intervene(admin, "cancel-task", 403, task_id=task, authority=5)["detail"]
    member = world.join("Cy", "cy@example.com", Role.MEMBER).at("omoios")
    intervene(member, "cancel-task", 403, task_id=task)
    intervene(admin, "cancel-task", task_id=task)
    done = intervene(ada, "cancel-task", task_id=held(world), authority=5)
    assert (done["audit_log"]["policy"], done["authority_name"]) == ("emergency", "SYSTEM")


def test_actions_are_listed_newest_first_by_type_and_target(world, ada):
    task = held(world)
    first = intervene(ada, "override-priority", task_id=task, new_priority="HIGH")["action_id"]
    second = intervene(ada, "cancel-task", task_id=task)["action_id"]
    third = intervene(ada, "cancel-task", task_id=held(world))["action_id"]

    def listed(query: str = "") -> list[str]:
        answer = ada("guardian", "GET", f"/guardian/actions?{query}")
        assert answer.status == 200, answer.text
        return [one["action_id"] for one in answer.json]

    assert listed() == [third, second, first]
    assert listed("action_type=cancel_task") == [third, second]
    assert listed(f"target_entity={task}") == [second, first]
    assert listed("limit=1") == [third]


# -- what becomes of them


def test_an_override_is_taken_back_after_two_hours(world, ada, late):
    task = add(world, priority="low")
    done = intervene(ada, "override-priority", task_id=task, new_priority="HIGH")["action_id"]
    late.shift(timedelta(minutes=31))
    oversee()
    assert action(ada, done)["audit_log"]["outcome"]["result"] == "no_effect"
    assert row(task).priority == "high"
    late.shift(timedelta(minutes=90))
    oversee()
    assert row(task).priority == "low"
    settled = fetch(GuardianAction, done)
    assert settled is not None
    assert settled.reverted_at
    assert settled.due_at is None


def test_an_emergency_that_cannot_be_taken_back_says_why(world, ada, late):
    task = held(world)
    done = intervene(ada, "cancel-task", task_id=task, authority=5)["action_id"]
    assert ada("tasks", "PUT", f"/tasks/{task}", body={"status": "pending"}).status == 200
    late.shift(timedelta(minutes=61))
    oversee()
    settled = fetch(GuardianAction, done)
    assert settled is not None
    assert "changed since" in settled.kept_because
    assert settled.due_at is None


def test_an_intervention_after_which_work_went_on_was_effective(world, ada, late):
    task = held(world)
    done = intervene(ada, "cancel-task", task_id=task)["action_id"]
    late.shift(timedelta(minutes=5))
    other = add_task(world.actor, fetch_card(task), new_id(), NewTask("Another one")).id
    start_task(world.actor, other, int(claim_task(world.actor, other, AGENT, 60).fence))
    late.shift(timedelta(minutes=31))
    oversee()
    assert action(ada, done)["audit_log"]["outcome"]["result"] == "effective"


def fetch_card(task_id: str) -> Item:
    card = fetch(Item, row(task_id).item_id)
    assert card is not None
    return card


def test_listeners_are_told(world, ada, stream):
    listen(world.ws_id)
    task = held(world)
    done = intervene(ada, "cancel-task", task_id=task)
    stream.flow()
    (message,) = [one for one in pushed("omoios") if one["event_type"] == "GUARDIAN_INTERVENTION"]
    assert message["payload"] == {
        "action_id": done["action_id"],
        "action_type": "cancel_task",
        "target_entity": task,
        "authority_level": 4,
        "reason": "It goes in circles",
        "initiated_by": "guardian-001",
        "timestamp": message["payload"]["timestamp"],
    }


# -- runs that go wrong


class Scripted:
    """A model that makes a call in each turn, as `call` says of its number, until it is told that something is wrong and `heeds` it."""

    name = "embedded"

    def __init__(self, call, *, heeds: bool) -> None:
        self.call, self.heeds, self.asked = call, heeds, []

    def stream(self, request, cancelled=None):
        self.asked.append(request)
        number = len(self.asked)
        told = any(PREFIX in message.text for message in request.messages)
        if told and self.heeds:
            yield TextDelta("I stop here.")
            yield Finished("end", TokenUsage(10, output=5), request.model)
            return
        tool, arguments = self.call(number)
        yield ToolCallReady(ToolCall(f"call-{number}", tool, arguments))
        yield Finished("tool_use", TokenUsage(10, output=5), request.model)


def circles(number: int) -> tuple[str, dict]:
    return "read_card", {}


def played(monkeypatch, world: World, model: Scripted) -> Run:
    monkeypatch.setattr(registry, "provider", lambda _: model)
    run_id = started(world, card_in(world, 1), "prd")
    Machine().play(run_id)
    run = fetch(Run, run_id)
    assert run is not None
    return run


def test_a_run_that_goes_in_circles_is_told_once_and_heeds_it(world, monkeypatch):
    model = Scripted(circles, heeds=True)
    run = played(monkeypatch, world, model)
    assert run.status == "completed"
    assert [(one["rule"], one["turn"], one["by"]) for one in run.steering] == [("loop", 4, "guardian")]
    last = model.asked[-1].messages
    assert PREFIX in last[-1].text
    assert [PREFIX in message.text for message in last].count(True) == 1


def test_a_run_that_goes_on_in_circles_is_stopped_and_begins_again_when_that_is_reverted(world, ada, stream, monkeypatch):
    listen(world.ws_id)
    run = played(monkeypatch, world, Scripted(circles, heeds=False))
    assert (run.status, run.error_code, len(run.steering)) == ("cancelled", "CANCELLED", 1)
    assert run.error_message.startswith(PREFIX)
    assert len(run.steering) == 1
    stream.flow()
    told = pushed("omoios")
    (stopped,) = [one["payload"] for one in told if one["event_type"] == "GUARDIAN_INTERVENTION"]
    assert (stopped["action_type"], stopped["target_entity"], stopped["authority_level"]) == ("cancel_task", run.id, 4)
    revert(ada, stopped["action_id"])
    again = [one for one in runs_of_card(run.item_id) if one.id != run.id]
    assert [(one.status, one.retry_of) for one in again] == [("pending", run.id)]
    revert(ada, stopped["action_id"], 404)


def runs_of_card(card_id: str) -> list[Run]:
    card = fetch(Item, card_id)
    assert card is not None
    return [run for one in card.recent_runs if (run := fetch(Run, one["id"])) is not None]


def test_a_run_that_works_is_left_alone(world, monkeypatch):
    def works(number: int) -> tuple[str, dict]:
        return "comment", {"content": f"Guest checkout, step {number}"}

    run = played(monkeypatch, world, Scripted(works, heeds=False))
    assert run.error_code == "TURN_LIMIT_REACHED"
    assert not run.steering


# -- the cycle


def test_the_cycle_tells_of_runs_at_work_and_is_silent_where_nothing_is_new(world, stream, monkeypatch):
    monkeypatch.setattr(registry, "provider", lambda _: Scripted(circles, heeds=False))
    listen(world.ws_id)
    oversee()
    stream.flow()
    assert not [one for one in pushed("omoios") if one["event_type"] == "MONITORING_UPDATE"]
    run_id = started(world, card_in(world, 1), "prd")
    machine = Machine(again=())
    play_until(machine, run_id, turns=5)
    stream.flow()
    run = fetch(Run, run_id)
    (steered,) = [one["payload"] for one in pushed("omoios") if one["event_type"] == "STEERING_ISSUED"]
    assert (steered["agent_id"], steered["steering_type"]) == (run.agent_id, "loop")
    assert steered["message"] == run.steering[0]["message"]
    play_until(machine, run_id, turns=6)
    oversee()
    oversee()
    stream.flow()
    (message,) = [one for one in pushed("omoios") if one["event_type"] == "MONITORING_UPDATE"]
    payload = message["payload"]
    (agent,) = payload["agents"]
    assert agent["agent_id"] == run.agent_id
    assert 0 <= agent["alignment_score"] <= 1
    assert (agent["needs_steering"], agent["steering_type"]) == (True, "loop")
    assert agent["trajectory_summary"].startswith("6 turns, 0 things made, last read_card")
    assert payload["interventions"][0]["target_agent_ids"] == [run.agent_id]
    assert payload["duplicates"] == []
    assert 0 <= payload["systemCoherence"] <= 1


def play_until(machine: Machine, run_id: str, turns: int) -> None:
    """Play a run until it has taken so many turns."""
    machine.state = machine.state or {"run_id": run_id}
    states = machine.states
    while machine.steps.count("turn") < turns:
        state = states[machine.at]
        if state["Type"] == "Pass":
            machine.state = machine.state | {state["ResultPath"].removeprefix("$."): state["Result"]}
            machine.at = state["Next"]
        elif state["Type"] == "Choice":
            machine.at = next((choice["Next"] for choice in state["Choices"] if machine._matches(choice)), state["Default"])
        else:
            machine._task(state)
