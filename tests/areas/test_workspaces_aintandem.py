"""Workspaces of aintandem: the same workspaces as agentworks', with the settings of sandboxes."""

import pytest

from shared.core.actor import Role
from shared.core.sealing import unseal
from shared.people.tenancy.rows import Workspace
from shared.sandboxes.configuration.policy import Policy, Rule, decide, policy_of
from shared.sandboxes.configuration.rows import WorkspaceConfig
from shared.store import fetch, get
from tests.areas.driving import Client, sign_up
from tests.samples.sandboxes import TEAM

DOCUMENTED = {"max_sandboxes": 10, "default_llm_provider": "qwen", "collaboration_policy": "allow_list"}


@pytest.fixture
def ada(world) -> Client:
    return world.ada.at("aintandem")


def make(ada: Client, name: str = "E-commerce Development", **more):
    body = {"name": name, "description": "AI agents for e-commerce platform", "settings": DOCUMENTED, **more}
    return ada("workspaces", "POST", "/workspaces", body=body)


def test_a_workspace_is_made_and_shown_as_the_document_says(ada, world):
    answer = make(ada)
    assert answer.status == 201, answer.text
    made = answer.json["data"]
    assert made["workspace_id"].startswith("ws_")
    assert made["owner_id"] == f"usr_{world.ada.user['id']}"
    assert {name: made["settings"][name] for name in DOCUMENTED} == DOCUMENTED
    assert (made["sandbox_limit"], made["sandbox_count"]) == (5, 0)  # of the plan, which is the smaller one
    shown = ada("workspaces", "GET", f"/workspaces/{made['workspace_id']}").json["data"]
    assert shown == made | {"sandboxes": []}
    # agentworks shows the same one, with a slug
    same = world.ada("workspaces", "GET", f"/workspaces/{made['workspace_id'].removeprefix('ws_')}").json
    assert (same["name"], same["slug"]) == ("E-commerce Development", "e-commerce-development")


def test_two_workspaces_may_have_the_same_name(ada, world):
    first, second = make(ada).json["data"], make(ada).json["data"]
    assert first["name"] == second["name"]
    slugs = {fetch(Workspace, one["workspace_id"].removeprefix("ws_")).slug for one in (first, second)}
    assert len(slugs) == 2


def test_settings_change_key_by_key_and_a_named_policy_keeps_its_rules(ada):
    ws_id = make(ada).json["data"]["workspace_id"]
    rules = [{"from": "frontend-team", "to": ["backend-team", "api"], "message_types": ["request"]}]
    policy = {"settings": {"collaboration_policy": {"mode": "allow_list", "rules": rules}}}
    changed = ada("workspaces", "PUT", f"/workspaces/{ws_id}", body=policy)
    assert set(changed.json["data"]) == {"workspace_id", "name", "updated_at"}
    assert ada("workspaces", "PUT", f"/workspaces/{ws_id}", body={"settings": {"max_sandboxes": 20}}).status == 200
    assert (
        ada("workspaces", "PUT", f"/workspaces/{ws_id}", body={"settings": {"collaboration_policy": "deny_list"}}).status == 200
    )
    settings = ada("workspaces", "GET", f"/workspaces/{ws_id}").json["data"]["settings"]
    assert (settings["max_sandboxes"], settings["collaboration_policy"]) == (20, "deny_list")
    stored = policy_of(fetch(Workspace, ws_id.removeprefix("ws_")).settings)
    assert [(one.senders, one.recipients) for one in stored.rules] == [(("frontend-team",), ("backend-team", "api"))]


def test_the_list_has_pages_search_sorting_and_counts(ada, world):
    ids = [make(ada, name).json["data"]["workspace_id"] for name in ("Beta", "alpha")]
    assert ada("sandboxes", "POST", f"/workspaces/{ids[0]}/sandboxes", body={"name": "one", **TEAM}).status == 201
    listed = ada("workspaces", "GET", "/workspaces?search=a&sort=name&order=asc").json
    names = [one["name"] for one in listed["data"]]
    assert names == sorted(names, key=str.casefold)
    assert {one["name"]: one["sandbox_count"] for one in listed["data"]}["Beta"] == 1
    page = ada("workspaces", "GET", "/workspaces?per_page=1&page=2").json["meta"]
    assert (page["total"], page["page"], page["per_page"], page["total_pages"]) == (3, 2, 1, 3)
    shown = ada("workspaces", "GET", f"/workspaces/{ids[0]}").json["data"]
    assert [(one["name"], one["status"]) for one in shown["sandboxes"]] == [("one", "provisioning")]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"max_sandboxes": 0}, "settings.max_sandboxes"),
        ({"max_sandboxes": 1_001}, "settings.max_sandboxes"),
        ({"default_llm_provider": "skynet"}, "settings.default_llm_provider"),
        ({"collaboration_policy": "chaos"}, "settings.collaboration_policy"),
    ],
)
def test_what_cannot_be_set(ada, settings, field):
    answer = make(ada, settings=settings)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert field in answer.text


def test_who_may_do_what(ada, world):
    member = world.join("Mem", "mem@example.com", Role.MEMBER).at("aintandem")
    stranger = sign_up("Stan", "stan@example.com").at("aintandem")
    path = f"/workspaces/{world.ws_id}"
    assert member("workspaces", "GET", path).status == 200
    assert member("workspaces", "PUT", path, body={"name": "Mine"}).status == 403
    assert member("workspaces", "DELETE", path).status == 403
    assert stranger("workspaces", "GET", path).status == 404
    made = make(ada).json["data"]["workspace_id"]
    assert ada("workspaces", "DELETE", f"/workspaces/{made}").status == 204
    assert ada("workspaces", "GET", f"/workspaces/{made}").status == 404


def config_of(ada: Client, world):
    return ada("workspaces", "GET", f"/workspaces/{world.ws_id}/config").json["data"]


def configure(ada: Client, world, **body):
    return ada("workspaces", "PUT", f"/workspaces/{world.ws_id}/config", body=body)


KEY = "sk-ant-api03-0123456789abcdef"


def test_keys_are_sealed_and_masked_and_stay_when_they_are_left_out(ada, world):
    provider = {
        "name": "claude",
        "api_key": KEY,
        "models": ["claude-3-5-sonnet-20241022"],
        "default_model": "claude-3-5-sonnet-20241022",
    }
    answer = configure(ada, world, settings={"max_sandboxes": 20}, llm_providers=[provider])
    assert answer.status == 200, answer.text
    assert KEY not in answer.text
    (shown,) = answer.json["data"]["llm_providers"]
    assert (shown["name"], shown["api_key"], shown["default_model"]) == ("claude", "****cdef", provider["default_model"])
    row = get(WorkspaceConfig, f"WS#{world.ws_id}", "CONFIG")
    assert KEY not in str(vars(row))
    assert unseal(row.providers[0]["sealed_key"], f"WS#{world.ws_id}") == KEY
    again = configure(ada, world, llm_providers=[{"name": "claude", "models": ["claude-x"]}]).json["data"]["llm_providers"]
    assert [(one["api_key"], one["models"]) for one in again] == [("****cdef", ["claude-x"])]
    assert configure(ada, world, llm_providers=[]).json["data"]["llm_providers"] == []
    assert config_of(ada, world)["settings"]["max_sandboxes"] == 20


def test_a_key_may_name_a_secret_which_is_shown_by_its_name_only(ada, world):
    body = {"llm_providers": [{"name": "claude", "api_key": "${ANTHROPIC_API_KEY}"}], "secrets": {"ANTHROPIC_API_KEY": KEY}}
    data = configure(ada, world, **body).json["data"]
    assert data["llm_providers"][0]["api_key"] == "${ANTHROPIC_API_KEY}"
    assert data["secrets"] == ["ANTHROPIC_API_KEY"]
    assert configure(ada, world, secrets={"OTHER": "x" * 8, "ANTHROPIC_API_KEY": None}).json["data"]["secrets"] == ["OTHER"]


def test_the_policy_and_the_servers_are_shown_as_objects(ada, world):
    rules = [{"from": "frontend-team", "to": "*", "message_types": ["request"], "approval_required": True}]
    answer = configure(
        ada,
        world,
        collaboration_policy={"mode": "allow_list", "rules": rules},
        mcp_servers=[{"name": "docs", "transport": "http", "url": "https://mcp.example.com", "enabled": False}],
    )
    data = answer.json["data"]
    assert data["collaboration_policy"] == {
        "mode": "allow_list",
        "rules": [{"from": ["frontend-team"], "to": ["*"], "message_types": ["request"], "approval_required": True}],
    }
    assert [(one["name"], one["status"]) for one in data["mcp_servers"]] == [("filesystem", "enabled"), ("docs", "disabled")]
    assert ada("workspaces", "GET", f"/workspaces/{world.ws_id}").json["data"]["settings"]["collaboration_policy"] == "allow_list"


def test_nobody_else_reads_or_changes_a_configuration(ada, world):
    stranger = sign_up("Stan", "stan@example.com").at("aintandem")
    member = world.join("Mem", "mem@example.com", Role.MEMBER).at("aintandem")
    path = f"/workspaces/{world.ws_id}/config"
    assert stranger("workspaces", "GET", path).status == 404
    assert member("workspaces", "GET", path).status == 200
    assert member("workspaces", "PUT", path, body={"settings": {"max_sandboxes": 2}}).status == 403


@pytest.mark.parametrize(
    ("mode", "allowed"),
    [("allow_all", (True, True, True)), ("allow_list", (True, False, False)), ("deny_list", (False, True, True))],
)
def test_what_a_policy_allows(mode, allowed):
    policy = Policy(
        mode, (Rule(("Frontend",), ("backend", "api"), ("request",)), Rule(("*",), ("security",), ("notification",), True))
    )
    said = tuple(
        decide(policy, *one).allowed
        for one in (("frontend", "api", "request"), ("frontend", "api", "command"), ("backend", "frontend", "request"))
    )
    assert said == allowed
    assert decide(policy, "api", "security", "notification").approval
