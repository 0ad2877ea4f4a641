"""Tasks on the deployed stack: who waits begins when the stream has seen the end of the last one; a task resolves its discovery."""

from local.stack import LocalStack
from tests.stack.test_runs import ask, client, founded
from tests.waiting import eventually


def test_tasks_go_on_by_the_stream(stack: LocalStack) -> None:
    shop = founded(stack)
    base, card = stack.url("omoios"), shop.card(6, "feature")
    omoios = client(base, shop.token)
    first = omoios("POST", f"/tickets/{card}/tasks", {"description": "First"})["id"]
    second = omoios("POST", f"/tickets/{card}/tasks", {"description": "Second", "dependencies": {"depends_on": [first]}})["id"]
    found = omoios("POST", f"/tasks/{first}/discoveries", {"type": "bug", "description": "It leaks", "agent_id": "agent-1"})
    spawned = omoios("POST", f"/discoveries/{found['id']}/spawn-task", {"description": "Mend it"})["id"]
    assert ask(base, shop.token, "PUT", f"/tasks/{second}", {"status": "in_progress"})[0] == 409
    for task in (first, spawned):
        fence = omoios("POST", f"/tasks/{task}/claim", {"agent_id": "agent-1"})["fence"]
        omoios("PUT", f"/tasks/{task}", {"status": "completed", "result": {"files": 1}, "fence": fence})
    eventually(lambda: omoios("GET", f"/tasks/{second}"), lambda task: not task["is_blocked"])
    path = "/agents/agent-1/discoveries"
    eventually(lambda: omoios("GET", path)[0], lambda one: one["resolution_status"] == "resolved")
    graph = omoios("GET", f"/graph/dependency-graph/ticket/{card}")
    assert (graph["metadata"]["resolved_count"], graph["metadata"]["critical_path"]) == (2, [first, second])
    assert shop("DELETE", f"/cards/{card}")[0] == 204
    eventually(lambda: omoios("GET", f"/tasks?project_id={shop.project}"), lambda tasks: tasks == [])
