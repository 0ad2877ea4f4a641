"""omoios: discoveries that agents report, the tasks that they become, and how they are resolved."""

import pytest

from shared.core.ids import new_id
from shared.runs.live_agents.registering import NewAgent, register_agent
from shared.store import fetch
from shared.work.discoveries.rows import Discovery
from shared.work.items.deleting import delete_item
from tests.areas.boards_world import World, create_world
from tests.areas.test_tasks_omoios import add, ask, changed, put, total
from tests.areas.viewers import listen, project, pushed, raw_row, stream_record
from tests.samples.tasks import FOUND, SPAWNED
from tests.stored_rows import check_rows


def report(world: World, task_id: str, agent: str | None = "agent-1", **more) -> dict:
    answer = ask(world, "POST", f"/tasks/{task_id}/discoveries", FOUND | ({"agent_id": agent} if agent else {}) | more)
    assert answer.status == 201, answer.text
    return answer.json


def spawn(world: World, discovery_id: str, **body) -> dict:
    answer = ask(world, "POST", f"/discoveries/{discovery_id}/spawn-task", {"description": "Fix it"} | body)
    assert answer.status == 201, answer.text
    return answer.json


def end(world: World, task_id: str, status: str) -> None:
    """End a task, and what the stream does then."""
    if status == "failed":
        put(world, task_id, status="in_progress")
    old = raw_row(f"TASK#{task_id}")
    assert put(world, task_id, status=status).status == 200
    changed(task_id, old)


def status(discovery: dict) -> str:
    return fetch(Discovery, discovery["id"]).status


def test_an_agents_discoveries_are_listed(world):
    first, second = add(world)["id"], add(world)["id"]
    made = [report(world, first), report(world, second, type="security_issue"), report(world, first, type="diagnostic_loop")]
    answer = ask(world, "GET", "/agents/agent-1/discoveries")
    assert ([one["id"] for one in answer.json], total(answer)) == ([one["id"] for one in made[::-1]], 3)
    assert answer.json[-1] == {
        "id": made[0]["id"], "type": "bug", "description": FOUND["description"], "priority": "MEDIUM",
        "discovered_at": made[0]["discovered_at"], "task_id": first, "ticket_id": made[0]["ticket_id"], "agent_id": "agent-1",
        "spawned_task_ids": [], "resolution_status": "open",
    }  # fmt: skip
    page = ask(world, "GET", "/agents/agent-1/discoveries?limit=1&offset=1")
    assert ([one["id"] for one in page.json], total(page)) == ([made[1]["id"]], 3)
    other = create_world("bob@example.com", "Bob")
    assert ask(other, "GET", "/agents/agent-1/discoveries").status == 404
    assert ask(world, "GET", "/agents/planner/discoveries").json == []  # one of the catalogue, which has made none
    alive = register_agent(world.actor, NewAgent("worker", "PHASE_TESTING"), world.project.id).id
    assert ask(world, "GET", f"/agents/{alive}/discoveries").json == []
    assert ask(other, "GET", f"/agents/{alive}/discoveries").status == 404


def test_a_tasks_discoveries_are_listed_by_status(world):
    made = add(world)["id"]
    first, second = report(world, made), report(world, made, agent=None)
    assert second["agent_id"] == world.actor.id
    spawn(world, first["id"])
    path = f"/tasks/{made}/discoveries"
    assert [one["id"] for one in ask(world, "GET", path).json] == [first["id"], second["id"]]
    (shown,) = ask(world, "GET", f"{path}?resolution_status=in_progress").json
    assert shown["id"] == first["id"]
    assert ask(world, "GET", f"{path}?resolution_status=resolved").json == []
    assert ask(world, "GET", f"{path}?resolution_status=odd").status == 422
    assert ask(world, "GET", f"/tasks/{new_id()}/discoveries").status == 404


@pytest.mark.parametrize("kind", ["BUG", "odd", "diagnostic_", ""])
def test_a_type_is_one_of_both_vocabularies(world, kind):
    assert ask(world, "POST", f"/tasks/{add(world)['id']}/discoveries", FOUND | {"type": kind}).status == 422


def test_a_discovery_becomes_tasks(world):
    card = world.card(lane=6)
    found = report(world, add(world, card.id)["id"], type="missing_requirement")
    made = spawn(world, found["id"])
    assert (made["task_type"], made["priority"], made["status"]) == ("discovery_missing_requirement", "HIGH", "pending")
    assert (made["discovery_id"], made["ticket_id"], made["phase_id"]) == (found["id"], card.id, card.phase_id)
    second = spawn(world, found["id"], **SPAWNED | {"priority": "LOW", "phase_id": "PHASE_REQUIREMENTS"})
    assert (second["priority"], second["phase_id"]) == ("LOW", "PHASE_REQUIREMENTS")
    row = fetch(Discovery, found["id"])
    assert (row.status, row.spawned_task_ids) == ("in_progress", [made["id"], second["id"]])
    assert spawn(world, report(world, made["id"], priority="CRITICAL")["id"])["priority"] == "CRITICAL"
    check_rows()


def test_a_discovery_is_resolved_when_its_tasks_are_done(world):
    found = report(world, add(world)["id"])
    first, second = spawn(world, found["id"])["id"], spawn(world, found["id"])["id"]
    end(world, first, "completed")
    assert status(found) == "in_progress"
    end(world, second, "failed")
    assert status(found) == "resolved"
    assert fetch(Discovery, found["id"]).resolved_at
    third = spawn(world, found["id"])["id"]
    assert status(found) == "in_progress"
    end(world, third, "cancelled")
    assert status(found) == "resolved"


def test_what_only_failed_resolves_nothing(world):
    found = report(world, add(world)["id"])
    end(world, spawn(world, found["id"])["id"], "failed")
    assert status(found) == "in_progress"


def test_people_say_what_is_no_discovery(world):
    found = report(world, add(world)["id"])
    answer = ask(world, "PUT", f"/discoveries/{found['id']}", {"resolution_status": "invalid"})
    assert answer.json["resolution_status"] == "invalid"
    world.archive()
    assert ask(world, "PUT", f"/discoveries/{found['id']}", {"resolution_status": "open"}).status == 409
    assert ask(world, "POST", f"/discoveries/{found['id']}/spawn-task", SPAWNED).status == 409


def test_listeners_hear_of_a_discovery_and_of_each_task_that_it_becomes(world, gateway):
    listen(world.ws_id)
    task_id = add(world)["id"]
    found = report(world, task_id)
    project(stream_record(raw_row(f"DSC#{found['id']}")))
    old = raw_row(f"DSC#{found['id']}")
    made = spawn(world, found["id"])["id"]
    project(stream_record(raw_row(f"DSC#{found['id']}"), old))
    old = raw_row(f"DSC#{found['id']}")
    ask(world, "PUT", f"/discoveries/{found['id']}", {"resolution_status": "resolved"})
    project(stream_record(raw_row(f"DSC#{found['id']}"), old))
    told = [one for one in pushed("omoios") if one["event_type"] == "DISCOVERY_MADE"]
    payload = {
        "discovery_id": found["id"], "type": "bug", "task_id": task_id, "agent_id": "agent-1",
        "description": FOUND["description"], "spawned_task_id": None,
    }  # fmt: skip
    assert [one["payload"] for one in told] == [payload, payload | {"spawned_task_id": made}]


def test_discoveries_go_with_their_card(world):
    card = world.card()
    found = report(world, add(world, card.id)["id"])
    kept = report(world, add(world)["id"])
    delete_item(world.actor, card.id)
    for _ in range(2):
        project(stream_record(raw_row(f"ITEM#{card.id}")))
    assert [one["id"] for one in ask(world, "GET", "/agents/agent-1/discoveries").json] == [kept["id"]]
    assert ask(world, "POST", f"/discoveries/{found['id']}/spawn-task", SPAWNED).status == 404
    check_rows()
