"""Live agents of omoios: how they register, are found and counted, and which statuses they may have."""

import pytest

from shared.core.actor import Role
from shared.core.errors import LimitExceeded
from shared.runs.live_agents import registering
from shared.runs.live_agents.registering import NewAgent, create_agent
from shared.runs.live_agents.rows import AgentCount
from shared.store import get
from tests.areas.driving import sign_up
from tests.areas.live_agents_world import beat, registered, stored
from tests.kills import concurrently

DTO = {
    "agent_id",
    "agent_type",
    "phase_id",
    "status",
    "capabilities",
    "capacity",
    "health_status",
    "tags",
    "last_heartbeat",
    "created_at",
}


def test_a_registered_agent_is_shown_as_the_document_shows_it(ada, world):
    made = registered(ada, tags=["gpu"], capacity=2)
    assert set(made) >= DTO
    assert (made["name"], made["status"], made["health_status"]) == ("worker-PHASE_IMPLEMENTATION-001", "idle", "unknown")
    assert (made["last_heartbeat"], made["workspace_id"], made["project_id"]) == (None, world.ws_id, None)
    assert ada("agents", "GET", f"/agents/{made['agent_id']}").json == made
    assert registered(ada)["name"] == "worker-PHASE_IMPLEMENTATION-002"
    assert registered(ada, agent_type="monitor", phase_id=None)["name"] == "monitor-001"
    assert registered(ada, phase_id="PHASE_INTEGRATION", project_id=world.project.id)["phase_id"] == "PHASE_TESTING"


@pytest.mark.parametrize(
    "wrong",
    [
        {"agent_type": "boss"},
        {"phase_id": "PHASE_NONE"},
        {"capacity": 0},
        {"capabilities": [""]},
        {"status": "terminated"},
    ],
)
def test_what_cannot_be_registered(ada, wrong):
    body = {"agent_type": "worker", "capabilities": []} | wrong
    answer = ada("agents", "POST", "/agents/register", body=body)
    assert answer.status == 422, answer.text
    assert next(iter(wrong)) in answer.text


def test_two_that_register_at_once_get_two_numbers(world):
    names = []

    def register() -> None:
        names.append(create_agent(world.actor, NewAgent("worker"), world.project.org_id, world.ws_id).name)

    with concurrently(register):
        register()
    assert names == ["worker-001", "worker-002"]
    assert get(AgentCount, f"WS#{world.ws_id}", "AINS").living == 2


def test_a_workspace_has_so_many_agents_and_no_more(ada, world, monkeypatch):
    monkeypatch.setattr(registering, "LIMIT", 2)
    first = registered(ada)["agent_id"]
    registered(ada)
    refused = ada("agents", "POST", "/agents/register", body={"agent_type": "worker", "capabilities": []})
    assert (refused.status, refused.json["error"]["details"]["limit"]) == (403, 2)
    with pytest.raises(LimitExceeded):
        create_agent(world.actor, NewAgent("worker"), world.project.org_id, world.ws_id)
    assert ada("agents", "PATCH", f"/agents/{first}", body={"status": "terminated"}).status == 200
    registered(ada)


def test_static_paths_are_no_ids(ada):
    registered(ada)
    for path, status in (
        ("search", 200),
        ("best-fit", 200),
        ("health", 200),
        ("statistics", 200),
        ("stale", 200),
        ("unknown", 404),
    ):
        assert ada("agents", "GET", f"/agents/{path}").status == status, path
    assert ada("agents", "POST", "/agents/cleanup-stale").status == 200
    assert ada("agents", "POST", "/agents/register", body={}).status == 422
    assert ada.at("agentworks")("agents", "GET", "/agents").json["agents"][0]["name"] == "ceo_copilot"


def test_the_list_has_the_agents_of_all_my_workspaces_and_of_nobody_else(ada, world):
    mine = registered(ada)["agent_id"]
    other = registered(ada, agent_type="guardian", phase_id=None, project_id=world.project.id)["agent_id"]
    stranger = sign_up("Eve", "eve@example.com").at("omoios")
    registered(stranger)
    answer = ada("agents", "GET", "/agents")
    assert (answer.header("X-Total-Count"), [one["agent_id"] for one in answer.json]) == ("2", [other, mine])
    assert [one["agent_id"] for one in ada("agents", "GET", "/agents?limit=1&offset=1").json] == [mine]
    for query, found in (
        ("agent_type=guardian", [other]),
        (f"project_id={world.project.id}", [other, mine]),
        ("phase_id=PHASE_REFACTORING", [mine]),
        ("status=idle", [other, mine]),
        ("status=terminated", []),
    ):
        assert [one["agent_id"] for one in ada("agents", "GET", f"/agents?{query}").json] == found, query
    for method, path, body in (
        ("GET", f"/agents/{mine}", None),
        ("GET", f"/agents/{mine}/health", None),
        ("PATCH", f"/agents/{mine}", {"capacity": 2}),
        ("POST", f"/agents/{mine}/availability", {"available": True}),
        ("POST", f"/agents/{mine}/next-task", None),
    ):
        assert stranger("agents", method, path, body=body).status == 404, path
    assert beat(stranger, mine, 1).status == 404


def test_a_viewer_sees_agents_and_registers_none(ada, world):
    made = registered(ada)["agent_id"]
    viewer = world.join("Vera", "vera@example.com", Role.VIEWER).at("omoios")
    assert viewer("agents", "GET", f"/agents/{made}").status == 200
    assert beat(viewer, made, 1).status == 403
    body = {"agent_type": "worker", "capabilities": [], "project_id": world.project.id}
    assert viewer("agents", "POST", "/agents/register", body=body).status == 403


def test_no_agent_is_registered_in_an_archived_project(ada, world):
    world.archive()
    body = {"agent_type": "worker", "capabilities": [], "project_id": world.project.id}
    assert ada("agents", "POST", "/agents/register", body=body).status == 409
    spawned = ada("projects", "POST", f"/projects/{world.project.id}/spawn-agent", body={"agent_type": "worker"})
    assert spawned.status == 409


def test_a_status_changes_by_the_table(ada):
    made = registered(ada)["agent_id"]
    refused = ada("agents", "PATCH", f"/agents/{made}", body={"status": "failed"})
    assert refused.status == 409
    assert refused.json["detail"].endswith("it can become degraded or quarantined or running or terminated")
    assert refused.json["error"]["details"]["allowed"] == ["degraded", "quarantined", "running", "terminated"]
    for status in ("QUARANTINED", "idle", "running", "failed", "terminated"):
        answer = ada("agents", "PATCH", f"/agents/{made}", body={"status": status})
        assert (answer.status, answer.json.get("status")) == (200, status.lower()), answer.text
    final = ada("agents", "PATCH", f"/agents/{made}", body={"status": "idle"})
    assert (final.status, final.json["error"]["details"]["allowed"]) == (409, [])
    assert [one["agent_id"] for one in ada("agents", "GET", "/agents?status=terminated").json] == [made]
    assert ada("agents", "GET", "/agents").json == []


def test_what_an_agent_can_do_is_changed(ada):
    made = registered(ada)["agent_id"]
    body = {"capabilities": ["Go"], "capacity": 3, "tags": ["fast"], "health_status": "busy"}
    answer = ada("agents", "PATCH", f"/agents/{made}", body=body)
    assert answer.status == 200, answer.text
    assert body.items() <= answer.json.items()
    before = stored(made).version
    ada("agents", "PATCH", f"/agents/{made}", body=body)
    assert stored(made).version == before


def test_an_agent_that_is_made_unavailable_stays_so_until_it_is_made_available(ada):
    made = registered(ada)["agent_id"]

    def available(value: bool) -> str:
        answer = ada("agents", "POST", f"/agents/{made}/availability", body={"available": value})
        assert answer.status == 200, answer.text
        return answer.json["status"]

    assert available(False) == "degraded"
    acknowledged = beat(ada, made, 1).json
    assert (acknowledged["status"], acknowledged["message"]) == ("degraded", "The agent is degraded, not idle")
    assert available(True) == "idle"
    ada("agents", "PATCH", f"/agents/{made}", body={"status": "terminated"})
    assert ada("agents", "POST", f"/agents/{made}/availability", body={"available": True}).status == 409


def test_a_search_rates_what_agents_can_do(ada):
    both = registered(ada, capabilities=["Python", "FastAPI"], capacity=9)["agent_id"]
    one = registered(ada, capabilities=["python"])["agent_id"]
    registered(ada, capabilities=["rust"])
    down = registered(ada, capabilities=["python", "fastapi"])["agent_id"]
    ada("agents", "PATCH", f"/agents/{down}", body={"status": "quarantined"})
    beat(ada, one, 1)
    found = ada("agents", "GET", "/agents/search?capabilities=PYTHON&capabilities=fastapi").json
    assert [(match["agent"]["agent_id"], match["match_score"], match["matched_capabilities"]) for match in found] == [
        (both, 1 + 0.2 + 0.05 * 5, ["Python", "FastAPI"]),  # not yet healthy: it was never heard from
        (one, 0.5 + 0.2 + 0.2 + 0.05, ["python"]),
    ]
    best = ada("agents", "GET", "/agents/best-fit?capabilities=fastapi&phase_id=PHASE_IMPLEMENTATION").json
    assert best["agent"]["agent_id"] == both
    none = ada("agents", "GET", "/agents/best-fit?capabilities=cobol")
    assert (none.status, none.json["detail"]) == (404, "Fitting agent not found")
    assert len(ada("agents", "GET", "/agents/search?limit=2").json) == 2
    assert ada("agents", "GET", "/agents/search?limit=21").status == 422


def test_an_agent_without_a_project_is_found_in_each_of_its_workspace(ada, world):
    anywhere = registered(ada)["agent_id"]
    here = registered(ada, project_id=world.project.id)["agent_id"]
    other = ada("projects", "POST", "/projects", body={"name": "Other"}).json["id"]
    for project, agents in ((world.project.id, [here, anywhere]), (other, [anywhere])):
        assert [one["agent_id"] for one in ada("agents", "GET", f"/agents?project_id={project}").json] == agents
        figures = ada("insights", "GET", f"/statistics/projects/{project}/overview").json
        assert figures["agents"]["active"] == len(agents)


def test_statistics_count_what_there_is(ada, world):
    worker = registered(ada)["agent_id"]
    registered(ada, agent_type="guardian", phase_id=None)
    beat(ada, worker, 1)
    assert ada("agents", "GET", "/agents/statistics").json == {
        "total_agents": 2,
        "by_status": {"idle": 2},
        "by_type": {"worker": 1, "guardian": 1},
        "by_phase": {"PHASE_IMPLEMENTATION": 1, "none": 1},
        "health_summary": {"healthy": 1, "unhealthy": 0, "unknown": 1},
        "recent_heartbeats": {"last_5_minutes": 1, "last_hour": 1, "last_24_hours": 1},
    }


def test_a_client_that_dies_again_and_again_locks_nobody_out(ada, world, monkeypatch):
    monkeypatch.setattr(registering, "LIMIT", 2)
    first, second = registered(ada)["agent_id"], registered(ada)["agent_id"]
    for one in (second, first):
        assert ada("agents", "PATCH", f"/agents/{one}", body={"status": "running"}).status == 200
        assert ada("agents", "PATCH", f"/agents/{one}", body={"status": "failed"}).status == 200
    third = registered(ada)["agent_id"]
    assert [stored(one).status for one in (first, second, third)] == ["failed", "terminated", "idle"]
    assert get(AgentCount, f"WS#{world.ws_id}", "AINS").living == 2
