"""The MCP servers of a sandbox: what it only names is defined in its workspace, and a running one is told of changes."""

import pytest

from tests.areas.sandbox_links import new_agent, running
from tests.areas.viewers import drain

SEARCH = {"name": "web-search", "transport": "http", "url": "https://search.example/mcp"}
OWN = {"name": "notes", "transport": "stdio", "command": ["notes-server", "--here"]}


@pytest.fixture
def configure(world):
    def change(*servers):
        body = {"mcp_servers": list(servers)}
        answer = world.ada.at("aintandem")("workspaces", "PUT", f"/workspaces/{world.ws_id}/config", body=body)
        assert answer.status == 200, answer.json

    return change


def test_a_sandbox_is_told_how_the_servers_that_it_names_are_defined(gateway, world, configure):
    configure(SEARCH, {**OWN, "name": "github", "enabled": False})
    agent = new_agent(gateway, world, mcp_servers=["filesystem", "Web-Search", "github", OWN]).connect()
    drain()
    (told,) = agent.heard()
    assert told["data"]["mcp_servers"] == [
        {"name": "filesystem"},
        {**SEARCH, "name": "Web-Search", "enabled": True},
        {**OWN, "name": "github", "enabled": False},
        {**OWN, "enabled": True},
    ]


def test_running_sandboxes_are_told_of_changes_of_their_workspace(gateway, world, stream, configure):
    names = running(gateway, world, mcp_servers=["web-search"])
    defines = running(gateway, world, "backend-team", mcp_servers=[OWN])
    stream.flow()
    for agent in (names, defines):
        agent.heard()
    configure(SEARCH)
    stream.flow()
    assert names.heard() == [{"event": "changed", "data": {"mcp_servers": [{**SEARCH, "enabled": True}]}}]
    assert defines.heard() == []
    configure(SEARCH)  # the same again: nothing has changed
    stream.flow()
    assert names.heard() == []


def test_a_change_of_its_own_servers_is_told_with_their_definitions(gateway, world, stream, configure):
    configure(SEARCH)
    agent = running(gateway, world, mcp_servers=["filesystem"])
    stream.flow()
    agent.heard()
    world.ada.at("aintandem")("sandboxes", "PUT", f"/sandboxes/{agent.id}/config", body={"mcp_servers": ["web-search"]})
    stream.flow()
    assert {"event": "changed", "data": {"mcp_servers": [{**SEARCH, "enabled": True}]}} in agent.heard()


def test_definitions_are_not_longer_than_one_frame(world):
    long = [{"name": f"s{n}", "transport": "stdio", "command": ["x" * 1_000] * 10} for n in range(3)]
    path = f"/workspaces/{world.ws_id}/config"
    answer = world.ada.at("aintandem")("workspaces", "PUT", path, body={"mcp_servers": long})
    assert answer.status == 422
    assert "20,000 bytes" in str(answer.json)
