"""agentworks: the agents, and how a project has them."""

from functools import partial

import pytest

from shared.core.actor import Role
from shared.work.projects import agent_configs
from tests.areas.boards_world import create_world
from tests.kills import concurrently


def test_the_catalogue(world):
    answer = world.ada("agents", "GET", "/agents")
    assert answer.status == 200
    agents = answer.json["agents"]
    assert len(agents) == 16
    assert agents[0]["name"] == "ceo_copilot"
    assert {agent["defaultProvider"] for agent in agents} == {"embedded"}


def test_one_agent_by_id_and_by_name(world):
    by_name = world.ada("agents", "GET", "/agents/prd").json
    by_id = world.ada("agents", "GET", f"/agents/{by_name['id']}").json
    assert by_id == by_name
    assert by_name["systemPrompt"].startswith("Agent: prd")
    assert by_name["usageStats"] == {"totalRuns": 0, "successfulRuns": 0, "averageResponseTime": 0.0, "totalCost": 0.0}
    assert "write_document" in {tool["name"] for tool in by_name["toolsConfig"]}
    assert world.ada("agents", "GET", "/agents/nobody").json["error"]["code"] == "AGENT_NOT_FOUND"


def test_a_project_configures_an_agent(world):
    path = f"/projects/{world.project.id}/agent-configs"
    assert len(world.ada("agents", "GET", path).json["configs"]) == 16
    body = {
        "provider": "anthropic",
        "model": "claude-3-haiku-20240307",
        "temperature": 0.1,
        "maxTokens": 2000,
        "autoTrigger": False,
    }
    changed = world.ada("agents", "PUT", f"{path}/prd", body=body)
    assert changed.status == 200, changed.text
    assert {name: changed.json[name] for name in body} == body
    assert changed.json["enabled"] is True
    opened = world.ada("agents", "PUT", f"{path}/prd", body={"provider": None, "model": None}).json
    assert "provider" not in opened
    assert opened["maxTokens"] == 2000
    listed = {one["agent"]["name"]: one for one in world.ada("agents", "GET", path).json["configs"]}
    assert listed["prd"] == opened


@pytest.mark.parametrize("body", [{"temperature": 3}, {"maxTokens": 0}, {"enabled": None}, {"tools": []}])
def test_nonsense_is_refused(world, body):
    answer = world.ada("agents", "PUT", f"/projects/{world.project.id}/agent-configs/prd", body=body)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_who_may_configure(world):
    member = world.join("Mel", "mel@example.com", Role.MEMBER)
    path = f"/projects/{world.project.id}/agent-configs"
    assert member("agents", "GET", path).status == 200
    assert member("agents", "PUT", f"{path}/prd", body={"enabled": False}).json["error"]["code"] == "INSUFFICIENT_PERMISSIONS"
    eve = create_world("eve@example.com", "Eve").ada
    assert eve("agents", "GET", path).json["error"]["code"] == "PROJECT_NOT_FOUND"


def test_an_archived_project_keeps_its_agents_as_they_are(world):
    world.archive()
    answer = world.ada("agents", "PUT", f"/projects/{world.project.id}/agent-configs/prd", body={"enabled": False})
    assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT")


def test_two_who_configure_an_agent_for_the_first_time_both_do(world):
    """The second one comes in between the first one's reading and writing."""
    another = partial(agent_configs.configure_agent, world.actor, world.project.id, "prd", {"max_tokens": 2000})
    with concurrently(another) as process:
        answer = world.ada("agents", "PUT", f"/projects/{world.project.id}/agent-configs/prd", body={"temperature": 0.5})
    assert process.happened
    assert (answer.status, answer.json["temperature"], answer.json["maxTokens"]) == (200, 0.5, 2000)
