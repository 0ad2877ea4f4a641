"""The watchdog and the guardian on the deployed stack: each remedy does what it says, and what escalates can be taken back."""

from typing import Any

from local.stack import LocalStack
from tests.areas.live_agents_world import message
from tests.stack.test_runs import ask, founded
from tests.waiting import eventually


def test_each_remedy_of_the_watchdog_does_what_it_says(stack: LocalStack):
    shop = founded(stack)
    base = stack.url("omoios")

    def omoios(method: str, path: str, body: Any = None) -> Any:
        status, answer = ask(base, shop.token, method, path, body)
        assert status < 300, answer
        return answer

    def agent(agent_type: str) -> str:
        body = {
            "agent_type": agent_type,
            "phase_id": "PHASE_IMPLEMENTATION",
            "capabilities": ["python"],
            "project_id": shop.project,
        }
        agent_id = str(omoios("POST", "/agents/register", body)["agent_id"])
        assert omoios("POST", f"/agents/{agent_id}/heartbeat", message(agent_id, 1))["received"] is True
        return agent_id

    def seen(agent_id: str) -> Any:
        return omoios("GET", f"/agents/{agent_id}")

    def remedy(agent_id: str, policy: str) -> Any:
        body = {"agent_id": agent_id, "policy_name": policy, "reason": "It is silent", "watchdog_agent_id": watchdog}
        return omoios("POST", "/watchdog/execute-remediation", body)

    watchdog, worker = agent("watchdog"), agent("worker")
    body = {"title": "Write the checkout", "description": "As the ticket says", "phase_id": "PHASE_IMPLEMENTATION"}
    task = str(omoios("POST", f"/tickets/{shop.card(6, 'feature')}/tasks", body)["id"])
    eventually(lambda: seen(worker), lambda one: one["task_ids"] == [task])
    report = {"task_id": task, "agent_id": worker, "event_type": "message", "event_data": {"text": "I begin"}}
    assert omoios("POST", "/agent-events", report)["event_id"]

    restarted = remedy(worker, "restart")
    replacement = restarted["audit_log"]["replacement_agent_id"]
    assert (restarted["success"], seen(worker)["status"]) == ("true", "terminated")
    done = eventually(lambda: omoios("GET", f"/tasks/{task}"), lambda one: one["status"] in {"completed", "failed"})
    assert (done["status"], done["assigned_agent_id"]) == ("completed", replacement)

    failing = agent("worker")
    assert (remedy(failing, "failover")["success"], seen(failing)["status"]) == ("true", "quarantined")

    other = agent("worker")
    escalated = remedy(other, "escalate")
    action = omoios("GET", f"/guardian/actions/{escalated['guardian_action_id']}")
    assert (action["target_entity"], action["authority_name"], seen(other)["status"]) == (other, "GUARDIAN", "quarantined")
    eventually(lambda: omoios("GET", "/alerts"), lambda all_: any(one["rule_id"] == "watchdog_escalation" for one in all_))
    omoios("POST", f"/guardian/actions/{action['action_id']}/revert", {"reason": "It works", "initiated_by": "ada"})
    assert seen(other)["status"] == "idle"
    eventually(lambda: omoios("GET", "/alerts"), lambda all_: not any(one["rule_id"] == "watchdog_escalation" for one in all_))
