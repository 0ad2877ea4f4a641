"""Live agents on the deployed stack: a worker of the platform does a task by a run, and a client's worker is given one by the stream."""

from local.stack import LocalStack
from tests.areas.live_agents_world import message
from tests.stack.test_runs import client, founded
from tests.waiting import eventually


def test_tasks_are_done_by_a_spawned_worker_and_given_to_one_that_registers(stack: LocalStack):
    shop = founded(stack)
    base = stack.url("omoios")
    omoios = client(base, shop.token)

    def task(ticket: str, title: str, phase: str) -> str:
        body = {"title": title, "description": "As the ticket says", "phase_id": phase}
        return str(omoios("POST", f"/tickets/{ticket}/tasks", body)["id"])

    spawn = {"agent_type": "worker", "phase_id": "PHASE_IMPLEMENTATION", "capabilities": ["python"], "capacity": 1}
    spawned = omoios("POST", f"/projects/{shop.project}/spawn-agent", spawn)["id"]
    built = task(shop.card(6, "feature"), "Write the checkout", "PHASE_IMPLEMENTATION")
    done = eventually(lambda: omoios("GET", f"/tasks/{built}"), lambda one: one["status"] in {"completed", "failed"})
    assert (done["status"], done["error_message"]) == ("completed", None)
    assert done["assigned_agent_id"] == spawned
    assert omoios("GET", f"/agents/{spawned}")["health_status"] == "healthy"

    worker = omoios("POST", "/agents/register", {"agent_type": "worker", "phase_id": "PHASE_TESTING", "capabilities": []})
    tested = task(shop.card(7, "feature"), "Test the checkout", "PHASE_TESTING")
    sent = omoios("POST", f"/agents/{worker['agent_id']}/heartbeat", message(worker["agent_id"], 1))
    assert sent["received"] is True
    held = eventually(lambda: omoios("GET", f"/agents/{worker['agent_id']}"), lambda one: one["task_ids"] == [tested])
    assert held["status"] == "running"
