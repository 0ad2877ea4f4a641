"""The guardian: interventions and their revert, runs that are told and stopped, and the cycle that watches them."""

from datetime import timedelta

import pytest

from functions.scheduled.handler import handler as scheduled
from shared.agents.providers import registry
from shared.agents.providers.port import Finished, TextDelta, TokenUsage, ToolCall, ToolCallReady
from shared.core.actor import Role
from shared.core.errors import Conflict, Malformed
from shared.core.ids import new_id
from shared.people.tenancy.organizations import set_status as set_organization_status
from shared.runs.agent_runs.rows import Run
from shared.runs.agent_runs.steering import PREFIX
from shared.runs.guardian import acting, listing, reverting
from shared.runs.guardian.rows import GuardianAction
from shared.store import fetch
from shared.work.items.rows import Item
from shared.work.projects.updating import restore_project
from shared.work.tasks.claiming import claim_task, complete_task, start_task
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, sign_up
from tests.areas.live_agents_world import registered, stored
from tests.areas.running import Machine
from tests.areas.test_runs import card_in, started
from tests.areas.viewers import listen, pushed
from tests.kills import concurrently, crash_at_every_write

WHY = {"reason": "It goes in circles", "initiated_by": "guardian-001"}
AGENT = {"id": "agent-1", "name": "worker-1"}


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
    revert(admin, done["action_id"], 403)
    revert(ada, done["action_id"])


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


# -- races


def cancel(world: World, task: str) -> None:
    acting.cancel_task(world.actor, task, acting.Intervention(**WHY))


def override(world: World, task: str, priority: str) -> None:
    acting.override_priority(world.actor, task, priority, acting.Intervention(**WHY))


def actions_with(world: World, task: str) -> list[str]:
    found, _ = listing.list_actions(world.actor, None, task, limit=50)
    return [one.action_type for one in found]


def test_of_two_cancellations_at_once_one_is_made(world):
    task = held(world)
    with concurrently(lambda: cancel(world, task)), pytest.raises(Conflict, match="nothing to cancel"):
        cancel(world, task)
    assert actions_with(world, task) == ["cancel_task"]


def test_of_two_overrides_at_once_both_are_made_one_after_the_other(world, ada):
    task = add(world, priority="low")
    with concurrently(lambda: override(world, task, "high")):
        override(world, task, "critical")
    assert row(task).priority == "critical"
    newest, oldest = ada("guardian", "GET", f"/guardian/actions?target_entity={task}").json
    assert [one["audit_log"]["before"]["priority"] for one in (newest, oldest)] == ["HIGH", "LOW"]
    revert(ada, newest["action_id"])
    revert(ada, oldest["action_id"])
    assert row(task).priority == "low"


def test_a_task_that_is_completed_at_the_same_time_stays_completed(world):
    task = held(world)
    with concurrently(lambda: complete_task(world.actor, task) and None), pytest.raises(Conflict, match="completed"):
        cancel(world, task)
    assert (row(task).status, actions_with(world, task)) == ("completed", [])


def test_a_revert_that_races_with_a_change_leaves_the_change(world, ada):
    task = add(world, priority="low")
    done = intervene(ada, "override-priority", task_id=task, new_priority="HIGH")["action_id"]
    change = lambda: ada("tasks", "PUT", f"/tasks/{task}", body={"priority": "MEDIUM"}) and None  # noqa: E731
    with concurrently(change), pytest.raises(Conflict, match="MEDIUM"):
        reverting.revert(world.actor, done, "It was right")
    assert row(task).priority == "medium"
    assert action(ada, done)["reverted_at"] is None


def test_capacity_is_not_moved_twice_by_two_at_once(world, ada):
    giver, one, other = (registered(ada, capacity=number)["agent_id"] for number in (3, 1, 1))

    def move(to: str) -> None:
        acting.reallocate(world.actor, giver, to, 2, acting.Intervention(**WHY))

    with concurrently(lambda: move(one)), pytest.raises(Malformed, match="Insufficient capacity"):
        move(other)
    assert [int(stored(agent).capacity) for agent in (giver, one, other)] == [1, 3, 1]


@pytest.mark.parametrize("what", ["cancel-task", "override-priority"])
def test_an_intervention_that_is_interrupted_is_whole_or_not_at_all(world, ada, what):
    task = held(world)
    for process in crash_at_every_write():
        with process:
            if what == "cancel-task":
                cancel(world, task)
            else:
                override(world, task, "critical")
        changed = row(task).status == "failed" or row(task).priority == "critical"
        assert len(actions_with(world, task)) == changed
        if changed:
            break
    for process in crash_at_every_write():
        (done, *_) = listing.list_actions(world.actor, None, task, limit=1)[0]
        if done.reverted_at:
            break
        with process:
            reverting.revert(world.actor, done.id, "It was right")
    assert (row(task).priority, row(task).status) == ("medium", "pending" if what == "cancel-task" else "assigned")


def test_interventions_of_other_tenants_are_not_there(world, ada):
    task = held(world)
    done = intervene(ada, "cancel-task", task_id=task)["action_id"]
    eve = sign_up("Eve", "eve@example.com").at("omoios")
    assert eve("guardian", "GET", f"/guardian/actions/{done}").status == 404
    assert eve("guardian", "GET", f"/guardian/actions?target_entity={task}").json == []
    revert(eve, done, 404)
    intervene(eve, "cancel-task", 404, task_id=task)
    mine = registered(eve)["agent_id"]
    intervene(eve, "reallocate", 404, from_agent_id=registered(ada, capacity=3)["agent_id"], to_agent_id=mine, capacity=1)


def test_nothing_is_changed_in_an_archived_project_or_by_a_suspended_organization(world, ada):
    task, other = held(world), add(world, priority="low")
    done = intervene(ada, "override-priority", task_id=other, new_priority="HIGH")["action_id"]
    set_organization_status(str(world.project.org_id), "suspended")
    intervene(ada, "cancel-task", 403, task_id=task)
    revert(ada, done, 403)
    set_organization_status(str(world.project.org_id), "active")
    world.archive()
    intervene(ada, "cancel-task", 409, task_id=task)
    revert(ada, done, 409)
    assert (row(task).status, row(other).priority) == ("assigned", "high")


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


def test_whoever_looks_at_an_override_whose_time_is_over_sees_it_taken_back(world, ada, late):
    first, second = add(world, priority="low"), add(world, priority="low")
    shown, listed = (
        intervene(ada, "override-priority", task_id=task, new_priority="HIGH")["action_id"] for task in (first, second)
    )
    late.shift(timedelta(minutes=119))
    assert listing.get_action(world.actor, shown).reverted_at is None
    late.shift(timedelta(minutes=2))
    assert listing.get_action(world.actor, shown).reverted_at
    assert (row(first).priority, row(second).priority) == ("low", "high")
    (found,), _ = listing.list_actions(world.actor, None, second, limit=10)
    assert (found.id, found.reverted_at is None) == (listed, False)
    assert row(second).priority == "low"


def test_overrides_that_stand_on_each_other_end_at_the_first_priority(world, ada, late):
    task = add(world, priority="low")
    intervene(ada, "override-priority", task_id=task, new_priority="HIGH")
    late.shift(timedelta(minutes=30))
    intervene(ada, "override-priority", task_id=task, new_priority="CRITICAL")
    late.shift(timedelta(minutes=95))
    oversee()
    assert row(task).priority == "critical"
    late.shift(timedelta(minutes=30))
    oversee()
    assert row(task).priority == "low"


def test_an_override_that_is_reverted_while_an_earlier_one_stands_gives_that_one_back(world, ada):
    task = add(world, priority="low")
    intervene(ada, "override-priority", task_id=task, new_priority="HIGH")
    second = intervene(ada, "override-priority", task_id=task, new_priority="CRITICAL")
    revert(ada, second["action_id"])
    assert row(task).priority == "high"


def test_an_override_in_an_archived_project_is_taken_back_when_that_comes_back(world, ada, late):
    task = add(world, priority="low")
    done = intervene(ada, "override-priority", task_id=task, new_priority="HIGH")["action_id"]
    world.archive()
    late.shift(timedelta(hours=2, minutes=1))
    oversee()
    waiting = fetch(GuardianAction, done)
    assert (row(task).priority, waiting.kept_because) == ("high", None)
    restore_project(world.actor, world.project.id)
    late.shift(timedelta(hours=24))
    oversee()
    assert row(task).priority == "low"


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
