"""The watchdog: how watchers are, remedies that change something, and what becomes the guardian's."""

import pytest

from shared.core.errors import CadreError
from shared.core.ids import new_id
from shared.runs.guardian import watchdog as watchdogs
from shared.runs.live_agents.holding import take_task
from shared.runs.live_agents.rows import AgentCount
from shared.store import fetch, get
from shared.work.tasks.creating import NewTask, add_task
from shared.work.tasks.rows import Task
from tests.areas.boards_world import World
from tests.areas.driving import Client
from tests.areas.live_agents_world import beat, registered, stored
from tests.areas.viewers import Stream
from tests.kills import concurrently, crash_at_every_write


@pytest.fixture
def watchdog(ada) -> str:
    made = registered(ada, agent_type="watchdog", phase_id=None)["agent_id"]
    beat(ada, made, 1)
    return made


def remedy(ada: Client, watchdog: str, agent: str, policy: str, status: int = 200) -> dict:
    body = {"agent_id": agent, "policy_name": policy, "reason": "It is silent", "watchdog_agent_id": watchdog}
    answer = ada("guardian", "POST", "/watchdog/execute-remediation", body=body)
    assert answer.status == status, answer.text
    return answer.json


def with_task(world: World, agent_id: str) -> str:
    task = add_task(world.actor, world.card(), new_id(), NewTask("A task"))
    take_task(stored(agent_id), task.id)
    return task.id


def test_a_restart_frees_the_tasks_and_puts_another_agent_in_its_place(world, ada, watchdog):
    stream = Stream()
    worker = registered(ada, project_id=world.project.id)["agent_id"]
    task = with_task(world, worker)
    done = remedy(ada, watchdog, worker, "restart")
    assert (done["action_type"], done["success"], done["escalated_to_guardian"]) == ("restart", "true", False)
    assert done["initiated_by"] == watchdog
    assert done["audit_log"]["before"] == {"status": "running", "task_ids": [task]}
    assert stored(worker).status == "terminated"
    new = stored(done["audit_log"]["replacement_agent_id"])
    assert (new.agent_type, new.capabilities, new.proj_id, new.runner) == ("worker", ["python"], world.project.id, "platform")
    stream.flow()
    freed = fetch(Task, task)
    assert freed is not None
    assert freed.agent is None or freed.agent["id"] != worker
    remedy(ada, watchdog, worker, "restart", 409)


def test_what_does_not_last_becomes_the_guardians(world, ada, watchdog):
    worker = registered(ada)["agent_id"]
    for _ in range(2):
        worker = remedy(ada, watchdog, worker, "restart")["audit_log"]["replacement_agent_id"]
    third = remedy(ada, watchdog, worker, "restart")
    assert (third["action_type"], third["remediation_policy"], third["escalated_to_guardian"]) == ("escalate", "restart", True)
    assert stored(worker).status == "quarantined"
    action = ada("guardian", "GET", f"/guardian/actions/{third['guardian_action_id']}").json
    assert (action["action_type"], action["target_entity"], action["approved_by"]) == ("reallocate", worker, "guardian")
    path = f"/guardian/actions/{third['guardian_action_id']}/revert"
    assert ada("guardian", "POST", path, body={"reason": "It works", "initiated_by": "ada"}).status == 200
    assert stored(worker).status == "idle"
    assert ada("guardian", "POST", path, body={"reason": "It works", "initiated_by": "ada"}).status == 404


def test_a_failover_takes_the_agent_out_of_work(ada, watchdog):
    worker = registered(ada)["agent_id"]
    assert remedy(ada, watchdog, worker, "failover")["audit_log"]["after"]["status"] == "quarantined"
    assert stored(worker).status == "quarantined"


def test_who_is_no_watchdog_remedies_nothing(ada, watchdog):
    worker, other = registered(ada)["agent_id"], registered(ada)["agent_id"]
    remedy(ada, other, worker, "restart", 403)
    remedy(ada, watchdog, worker, "pray", 400)
    remedy(ada, watchdog, new_id(), "restart", 404)
    assert stored(worker).status == "idle"


def test_the_history_is_listed_newest_first_by_agent(ada, watchdog):
    one, other = registered(ada)["agent_id"], registered(ada)["agent_id"]
    first, second = (remedy(ada, watchdog, agent, "failover")["action_id"] for agent in (one, other))
    answer = ada("guardian", "GET", "/watchdog/remediation-history")
    assert [row["action_id"] for row in answer.json] == [second, first]
    answer = ada("guardian", "GET", f"/watchdog/remediation-history?agent_id={one}")
    assert [row["action_id"] for row in answer.json] == [first]


def test_the_status_of_the_watchers_names_those_that_are_out_of_work(ada, watchdog):
    registered(ada)
    lame = registered(ada, agent_type="monitor")["agent_id"]
    assert ada("agents", "POST", f"/agents/{lame}/availability", body={"available": False}).status == 200
    shown = ada("guardian", "GET", "/watchdog/monitor-status").json
    assert (shown["total_monitors"], shown["healthy_monitors"], shown["unhealthy_monitors"]) == (2, 1, 1)
    assert [one["agent_id"] for one in shown["issues"]] == [lame]


def test_the_policies_are_told(ada):
    shown = ada("guardian", "GET", "/watchdog/policies").json
    assert sorted(shown["policies"]) == ["escalate", "failover", "restart"]
    assert shown["guardian_rollback_minutes"] == {"emergency": 60, "priority_override": 120}


def alerts(ada: Client) -> dict[str, dict]:
    answer = ada("notifications", "GET", "/alerts")
    assert answer.status == 200, answer.text
    return {one["rule_id"]: one for one in answer.json}


def test_an_escalation_triggers_an_alert_that_ends_when_it_is_taken_back(ada, watchdog):
    stream = Stream()
    worker = registered(ada)["agent_id"]
    done = remedy(ada, watchdog, worker, "escalate")
    stream.flow()
    alert = alerts(ada)["watchdog_escalation"]
    assert (alert["severity"], alert["labels"]["guardian_action_id"]) == ("critical", done["guardian_action_id"])
    assert stored(worker).name in alert["message"]
    path = f"/guardian/actions/{done['guardian_action_id']}/revert"
    assert ada("guardian", "POST", path, body={"reason": "It works", "initiated_by": "ada"}).status == 200
    stream.flow()
    assert "watchdog_escalation" not in alerts(ada)


def test_a_restart_in_an_archived_project_fails_and_triggers_an_alert(world, ada, watchdog):
    stream = Stream()
    worker = registered(ada, project_id=world.project.id)["agent_id"]
    world.archive()
    done = remedy(ada, watchdog, worker, "restart")
    assert (done["success"], done["audit_log"]["replacement_agent_id"]) == ("false", None)
    assert stored(worker).status == "idle"
    stream.flow()
    assert "not active" in alerts(ada)["watchdog_remediation_failed"]["message"]
    remedy(ada, watchdog, worker, "restart")
    assert remedy(ada, watchdog, worker, "restart")["action_type"] == "escalate"


def living(ada: Client) -> list[str]:
    return [one["agent_id"] for one in ada("agents", "GET", "/agents?agent_type=worker").json]


def restart(world: World, watchdog: str, worker: str) -> None:
    watchdogs.execute(world.actor, worker, "restart", "It is silent", watchdog)


def test_of_two_restarts_at_once_one_puts_an_agent_in_its_place(world, ada, watchdog):
    worker = registered(ada)["agent_id"]
    with concurrently(lambda: restart(world, watchdog, worker)), pytest.raises(CadreError, match="terminated"):
        restart(world, watchdog, worker)
    (left,) = living(ada)
    assert left != worker
    count = AgentCount.of(world.ws_id)
    assert int(get(AgentCount, count.pk, count.sk).living) == 2  # with the watchdog


def test_a_restart_that_is_interrupted_leaves_one_agent(world, ada, watchdog):
    worker = registered(ada)["agent_id"]

    def again() -> None:
        if stored(worker).status != "terminated":
            restart(world, watchdog, worker)

    for process in crash_at_every_write():
        with process:
            again()
        assert len(living(ada)) == 1
    assert living(ada) != [worker]


def test_an_agent_that_is_out_of_work_is_not_escalated_without_end(world, ada, watchdog):
    worker = registered(ada)["agent_id"]
    for _ in range(3):
        assert remedy(ada, watchdog, worker, "escalate")["escalated_to_guardian"]
    refused = remedy(ada, watchdog, worker, "escalate", 409)
    assert "3 times in this hour" in str(refused)
