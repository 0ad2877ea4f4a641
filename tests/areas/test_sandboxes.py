"""Sandboxes of aintandem: what a caller may ask of them, and what follows for their status."""

import pytest

from shared.core.actor import Role
from shared.sandboxes.lifecycle.creating import NewSandbox, create_sandbox
from shared.sandboxes.lifecycle.rows import ERROR, RUNNING, STOPPED, SandboxCount
from shared.store import get
from tests.areas.driving import Client, sign_up
from tests.kills import concurrently
from tests.samples.sandboxes import TEAM, in_status


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("aintandem")


@pytest.fixture
def ask(ada):
    return lambda method, path, **more: ada("sandboxes", method, path, **more)


def make(ask, world, name="frontend-team", **more):
    return ask("POST", f"/workspaces/ws_{world.ws_id}/sandboxes", body={"name": name, **TEAM, **more})


def test_a_sandbox_is_made_as_the_document_shows_it(ask, world):
    answer = make(ask, world)
    assert answer.status == 201, answer.text
    data = answer.json["data"]
    assert data["status"] == "provisioning"
    assert data["sandbox_id"].startswith("sb_")
    assert data["connection_details"] == {
        "collaboration_bus_url": f"ws://localhost:8000/aintandem/ws/sandboxes/{data['sandbox_id']}",
        "api_endpoint": f"http://localhost:8000/aintandem/api/v1/sandboxes/{data['sandbox_id']}",
    }
    shown = ask("GET", f"/sandboxes/{data['sandbox_id']}").json["data"]
    assert shown["health"] == {"status": "unknown", "last_heartbeat": None}
    assert shown["resources"] == {"memory_mb": 512, "cpu_cores": 1, "timeout_seconds": 300, "max_processes": 20, "disk_mb": 512}
    assert shown["metrics"] == {"cpu_usage_percent": None, "memory_usage_mb": None, "message_count": 0, "uptime_seconds": 0}
    assert shown["agent_config"] == TEAM["agent_config"]


def test_a_name_is_unique_in_its_workspace_and_free_after_the_sandbox_is_deleted(ask, world):
    first = make(ask, world).json["data"]["sandbox_id"]
    taken = make(ask, world, name="Frontend-Team")
    assert (taken.status, taken.json["error"]["code"]) == (409, "RESOURCE_ALREADY_EXISTS")
    assert ask("DELETE", f"/sandboxes/{first}").status == 204
    assert ask("GET", f"/sandboxes/{first}").status == 404
    assert ask("DELETE", f"/sandboxes/{first}").status == 404
    assert make(ask, world).status == 201


def test_the_limit_of_the_workspace_holds_also_for_who_came_in_between(ask, world):
    for n in range(4):
        assert make(ask, world, name=f"team-{n}").status == 201
    with concurrently(lambda: create_sandbox(world.actor, world.ws_id, NewSandbox("faster", TEAM["agent_config"]))):
        refused = make(ask, world, name="slower")
    assert refused.status == 429
    assert refused.json["error"]["code"] == "RESOURCE_EXHAUSTED"
    assert get(SandboxCount, *(f"WS#{world.ws_id}", "SBX")).living == 5
    listed = ask("GET", f"/workspaces/{world.ws_id}/sandboxes").json
    assert (len(listed["data"]), listed["meta"]["total"]) == (5, 5)
    first = listed["data"][0]["sandbox_id"]
    assert ask("DELETE", f"/sandboxes/{first}").status == 204
    assert make(ask, world, name="one more").status == 201


@pytest.mark.parametrize(
    ("status", "verb", "then"),
    [
        (STOPPED, "start", "starting"),
        (ERROR, "start", "starting"),
        (RUNNING, "start", None),
        (RUNNING, "restart", "restarting"),
        (ERROR, "restart", "restarting"),
        (STOPPED, "restart", None),
        (RUNNING, "stop", "stopping"),
        ("asleep", "stop", "stopped"),
        (STOPPED, "stop", None),
    ],
)
def test_what_may_be_asked_in_which_status(ask, world, status, verb, then):
    sandbox = make(ask, world).json["data"]["sandbox_id"]
    in_status(sandbox.removeprefix("sb_"), status)
    answer = ask("POST", f"/sandboxes/{sandbox}/{verb}")
    if then is None:
        assert (answer.status, answer.json["error"]["code"]) == (409, "SANDBOX_NOT_READY")
        assert answer.json["error"]["details"]["status"] == status
    else:
        assert (answer.status, answer.json["data"]["status"]) == (202, then)
        assert ask("GET", f"/sandboxes/{sandbox}").json["data"]["status"] == then


def test_the_list_has_filters_search_sorting_and_pages(ask, world):
    ids = [make(ask, world, name=name).json["data"]["sandbox_id"] for name in ("beta", "alpha", "gamma team")]
    in_status(ids[0].removeprefix("sb_"), RUNNING)
    in_status(ids[1].removeprefix("sb_"), "asleep")

    def names(query: str) -> list[str]:
        return [one["name"] for one in ask("GET", f"/workspaces/{world.ws_id}/sandboxes?{query}").json["data"]]

    assert names("") == ["gamma team", "alpha", "beta"]
    assert names("order=asc") == ["beta", "alpha", "gamma team"]
    assert names("sort=name&order=asc") == ["alpha", "beta", "gamma team"]
    assert names("status=running") == ["beta"]
    assert names("status=stopped") == ["alpha"]
    assert names("search=TEAM") == ["gamma team"]
    assert names("per_page=1&page=2") == ["alpha"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"agent_config": {}}, "agent_config.primary_agent"),
        ({"resources": {"memory_mb": 64}}, "resources.memory_mb"),
        ({"resources": {"cpu_cores": 17}}, "resources.cpu_cores"),
        ({"environment_variables": {"LD_PRELOAD": "x.so"}}, "environment_variables"),
    ],
)
def test_what_cannot_be_made(ask, world, wrong, field):
    answer = make(ask, world, **wrong)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert field in answer.text


def test_others_see_nothing_and_a_viewer_changes_nothing(ask, world):
    sandbox = make(ask, world).json["data"]["sandbox_id"]
    stranger = sign_up("Stan", "stan@example.com").at("aintandem")
    viewer = world.join("Vic", "vic@example.com", Role.VIEWER).at("aintandem")
    assert stranger("sandboxes", "GET", f"/sandboxes/{sandbox}").status == 404
    assert stranger("sandboxes", "DELETE", f"/sandboxes/{sandbox}").status == 404
    assert viewer("sandboxes", "GET", f"/sandboxes/{sandbox}").status == 200
    assert viewer("sandboxes", "DELETE", f"/sandboxes/{sandbox}").status == 403
    assert make(lambda m, p, **k: viewer("sandboxes", m, p, **k), world, name="mine").status == 403
