"""agentworks: projects."""

import pytest

from shared.core.actor import Role
from shared.people.access import records
from shared.people.tenancy.rows import Organization, Workspace
from shared.store import fetch, get, save, write
from shared.work.boards.lanes import lane_key
from shared.work.boards.rows import Counts
from shared.work.projects.rows import Project
from tests.areas.boards_world import put_on_plan
from tests.areas.driving import Client, sign_up
from tests.trips import count_requests


@pytest.fixture
def ada(aws) -> Client:
    return sign_up()


def home(client: Client) -> str:
    return client("workspaces", "GET", "/workspaces").json["workspaces"][0]["id"]


def make(client: Client, slug: str = "engine", **more):
    return client("projects", "POST", f"/workspaces/{home(client)}/projects", body={"name": slug.title(), "slug": slug} | more)


def listed(client: Client, query: str = ""):
    answer = client("projects", "GET", f"/workspaces/{home(client)}/projects{query}")
    assert answer.status == 200, answer.text
    return answer.json


def allow(client: Client, number: int) -> None:
    ws = home(client)
    put_on_plan(ws, maxProjects=number)
    organization = fetch(Organization, fetch(Workspace, ws).org_id)
    organization.max_projects = number
    write(save(organization))


def demote(client: Client, role: Role) -> None:
    write(records.grant_workspace(client.user["id"], home(client), role))


def test_a_new_project_has_everything_the_document_names(ada):
    answer = make(
        ada, description="It computes", repositoryUrl="https://github.com/ada/engine.git", settings={"maxConcurrentRuns": 2}
    )
    assert answer.status == 201, answer.text
    body = answer.json
    assert set(body) == {
        "id", "workspaceId", "name", "slug", "description", "status", "settings", "agentConfigs", "repositoryUrl",
        "createdAt", "updatedAt", "createdBy",
    }  # fmt: skip
    assert (body["workspaceId"], body["status"], body["createdBy"]["id"]) == (home(ada), "active", ada.user["id"])
    assert body["settings"] == {
        "autoTriggerAgents": True, "requireApprovalForDeployment": False, "maxConcurrentRuns": 2, "defaultWipLimits": {}
    }  # fmt: skip
    assert body["agentConfigs"]["prd"]["agent"]["name"] == "prd"
    assert ada("projects", "GET", f"/projects/{body['id']}").json == body
    row = fetch(Project, body["id"])
    assert (row.github_owner, row.github_repo, row.event["type"]) == ("ada", "engine", "project.created")


def test_a_project_brings_its_board_with_eleven_lanes(ada):
    wishes = {
        "defaultWipLimits": {"2": 9, "0": 4},
        "customLaneConfig": [{"laneNumber": 6, "name": "Forge", "autoTriggerAgent": "qa"}],
    }
    made = make(ada, settings=wishes).json
    assert made["settings"]["defaultWipLimits"] == {"2": 9, "0": 4}
    board = ada("boards", "GET", f"/projects/{made['id']}/boards").json["boards"][0]
    lanes = ada("boards", "GET", f"/boards/{board['id']}/lanes").json
    assert board["name"] == "Development Board"
    assert [lane["laneNumber"] for lane in lanes] == list(range(11))
    assert [lane.get("wipLimit") for lane in lanes] == [4, 5, 9, 3, 5, 5, 8, 5, 3, 3, 2]
    assert (lanes[6]["name"], lanes[6]["autoTriggerAgent"]) == ("Forge", "qa")
    counts = get(Counts, *Counts.key(board["id"]))
    assert counts.lanes == {lane_key(board["id"], lane["id"]): 0 for lane in lanes}
    assert len(counts.lanes) == 11
    assert counts.columns == dict.fromkeys(["backlog", "analyzing", "building", "testing", "deploying", "done", "blocked"], 0)


def test_a_slug_is_taken_once_in_a_workspace(ada):
    assert make(ada).status == 201
    again = make(ada)
    assert (again.status, again.json["error"]["code"]) == (409, "SLUG_ALREADY_EXISTS")
    assert make(sign_up("Eve", "eve@example.com")).status == 201


def test_the_limits_of_workspace_and_organization_hold(ada):
    for slug in ("a", "b", "c"):
        assert make(ada, slug).status == 201
    full = make(ada, "d")
    assert (full.status, full.json["error"]["code"]) == (403, "LIMIT_EXCEEDED")
    remedy = "the owner of the workspace can change to the plan Pro in its billing"
    reason = f"This workspace may have at most 3 active projects; archive one, or {remedy}"
    assert full.json["error"]["details"] == {"reason": reason, "limit": 3}
    allow(ada, 4)
    put_on_plan(home(ada), maxProjects=100)
    assert make(ada, "d").status == 201
    full = make(ada, "e")
    reason = "This organization may have at most 4 active projects; archive one"
    assert (full.status, full.json["error"]["details"]) == (403, {"reason": reason, "limit": 4})
    assert listed(ada)["total"] == 4


def test_the_list_filters_searches_sorts_and_pages(ada):
    allow(ada, 10)
    for slug in ("bravo", "alpha", "delta", "charlie"):
        make(ada, slug, description="Analytical" if slug < "c" else "Difference")
    ids = {one["slug"]: one["id"] for one in listed(ada)["projects"]}
    assert ada("projects", "POST", f"/projects/{ids['delta']}/archive").status == 202

    def slugs(query: str) -> list[str]:
        return [one["slug"] for one in listed(ada, query)["projects"]]

    assert slugs("") == ["charlie", "delta", "alpha", "bravo"]
    assert slugs("?sortBy=name") == ["alpha", "bravo", "charlie", "delta"]
    assert slugs("?sortBy=name&sortOrder=desc") == ["delta", "charlie", "bravo", "alpha"]
    assert slugs("?sortBy=createdAt&sortOrder=asc") == ["bravo", "alpha", "delta", "charlie"]
    assert slugs("?sortBy=updatedAt")[0] == slugs("?sortBy=lastActivity")[0] == "delta"
    assert slugs("?status=archived") == ["delta"]
    assert slugs("?status=active&search=DIFF") == ["charlie"]
    assert slugs("?search=analytical%20bra") == ["bravo"]
    page = listed(ada, "?sortBy=name&limit=2&offset=1")
    assert [one["slug"] for one in page["projects"]] == ["bravo", "charlie"]
    assert (page["total"], page["pagination"]) == (4, {"limit": 2, "offset": 1, "total": 4, "hasMore": True})
    assert set(page["projects"][0]) == {
        "id", "name", "slug", "description", "status", "cardCount", "activeRunCount", "lastActivity", "createdAt", "createdBy"
    }  # fmt: skip
    for query in ("?limit=0", "?limit=101", "?offset=-1", "?sortBy=size", "?status=deleted"):
        answer = ada("projects", "GET", f"/workspaces/{home(ada)}/projects{query}")
        assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR"), query


def test_an_update_changes_what_it_names(ada):
    made = make(ada, repositoryUrl="https://github.com/ada/engine").json
    path = f"/projects/{made['id']}"
    answer = ada("projects", "PUT", path, body={"deploymentUrl": "https://x.example", "settings": {"autoTriggerAgents": False}})
    assert answer.status == 200, answer.text
    assert answer.json["deploymentUrl"] == "https://x.example"
    assert answer.json["settings"] == made["settings"] | {"autoTriggerAgents": False}
    assert answer.json["repositoryUrl"] == "https://github.com/ada/engine"
    cleared = ada("projects", "PUT", path, body={"repositoryUrl": ""}).json
    assert "repositoryUrl" not in cleared
    assert fetch(Project, made["id"]).github_owner is None
    unknown = ada("projects", "PUT", path, body={"slug": "other"})
    assert (unknown.status, unknown.json["validationErrors"][0]["field"]) == (422, "slug")


def test_an_archived_project_is_read_only_and_makes_room(ada):
    ids = {slug: make(ada, slug).json["id"] for slug in ("a", "b", "c")}
    path = f"/projects/{ids['a']}"
    board = ada("boards", "GET", f"{path}/boards").json["boards"][0]["id"]
    lane = ada("boards", "GET", f"/boards/{board}/lanes").json[0]["id"]
    archived = ada("projects", "POST", f"{path}/archive")
    assert (archived.status, archived.json) == (202, {"id": ids["a"], "status": "archived"})
    assert ada("projects", "POST", f"{path}/archive").status == 202
    assert ada("projects", "GET", path).json["status"] == "archived"
    assert ada("boards", "GET", f"/boards/{board}").status == 200
    for area, method, target, body in (
        ("projects", "PUT", path, {"name": "X"}),
        ("boards", "PUT", f"/boards/{board}", {"name": "X"}),
        ("boards", "PUT", f"/lanes/{lane}", {"name": "X"}),
    ):
        answer = ada(area, method, target, body=body)
        assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT"), target
    assert make(ada, "d").status == 201
    full = ada("projects", "POST", f"{path}/restore")
    assert (full.status, full.json["error"]["code"]) == (403, "LIMIT_EXCEEDED")
    allow(ada, 4)
    restored = ada("projects", "POST", f"{path}/restore")
    assert (restored.status, restored.json["status"]) == (200, "active")
    assert ada("projects", "POST", f"{path}/restore").status == 200
    assert ada("boards", "PUT", f"/lanes/{lane}", body={"name": "X"}).status == 200
    assert fetch(Workspace, home(ada)).project_count == 4
    assert fetch(Organization, fetch(Workspace, home(ada)).org_id).project_count == 4


def test_a_project_of_others_does_not_exist(ada):
    made = make(ada).json
    eve = sign_up("Eve", "eve@example.com")
    for method, path, body in (
        ("GET", f"/projects/{made['id']}", None),
        ("PUT", f"/projects/{made['id']}", {"name": "X"}),
        ("POST", f"/projects/{made['id']}/archive", None),
        ("POST", f"/projects/{made['id']}/restore", None),
        ("GET", "/projects/nonsense", None),
    ):
        answer = eve("projects", method, path, body=body)
        assert (answer.status, answer.json["error"]["code"]) == (404, "PROJECT_NOT_FOUND"), (method, path)
    for method, body in (("GET", None), ("POST", {"name": "X", "slug": "x"})):
        answer = eve("projects", method, f"/workspaces/{home(ada)}/projects", body=body)
        assert (answer.status, answer.json["error"]["code"]) == (404, "WORKSPACE_NOT_FOUND")


def test_roles_decide(ada):
    made = make(ada).json
    demote(ada, Role.MEMBER)
    assert make(ada, "other").status == 403
    assert ada("projects", "PUT", f"/projects/{made['id']}", body={"name": "X"}).status == 200
    assert ada("projects", "POST", f"/projects/{made['id']}/archive").status == 403
    demote(ada, Role.VIEWER)
    refused = ada("projects", "PUT", f"/projects/{made['id']}", body={"name": "Y"})
    assert (refused.status, refused.json["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    assert ada("projects", "GET", f"/projects/{made['id']}").status == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"defaultWipLimits": {"11": 1}},
        {"defaultWipLimits": {"1": 0}},
        {"customLaneConfig": [{"laneNumber": 1, "autoTriggerAgent": "nobody"}]},
        {"maxConcurrentRuns": 0},
        {"autoTrigger": True},
    ],
)
def test_bad_settings_say_so(ada, settings):
    answer = make(ada, settings=settings)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")


def test_what_a_request_costs(ada):
    ws, made = home(ada), make(ada).json
    path = f"/projects/{made['id']}"
    for method, target, body, cost in (
        ("GET", f"/workspaces/{ws}/projects", None, 2),  # the index, then the page with its numbers
        ("GET", path, None, 1),
        ("POST", f"/workspaces/{ws}/projects", {"name": "A", "slug": "a"}, 2),  # the workspace's limit, then one transaction
        ("PUT", path, {"name": "B"}, 2),  # and beside them the agents' configurations
        ("POST", f"{path}/archive", None, 2),
        ("POST", f"{path}/restore", None, 3),  # the project, its workspace's limit, the transaction
    ):
        with count_requests() as seen:
            answer = ada("projects", method, target, body=body)
        assert answer.status < 300, answer.text
        assert seen.count == cost, (method, target, str(seen))


def test_the_details_show_how_the_project_wants_its_agents(ada):
    made = make(ada).json
    config = made["agentConfigs"]["prd"]
    answer = ada("agents", "PUT", f"/projects/{made['id']}/agent-configs/{config['agentId']}", body={"temperature": 0.9})
    assert answer.status == 200, answer.text
    shown = ada("projects", "GET", f"/projects/{made['id']}").json["agentConfigs"]
    assert (shown["prd"]["temperature"], shown["qa"]) == (0.9, made["agentConfigs"]["qa"])
    assert ada("projects", "PUT", f"/projects/{made['id']}", body={"name": "X"}).json["agentConfigs"] == shown
