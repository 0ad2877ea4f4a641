"""agentworks: workspaces and their members."""

import pytest

from shared.core.actor import Role
from shared.people.access import records
from shared.people.tenancy import workspaces
from shared.people.tenancy.rows import Organization, Workspace, WorkspaceMembership, membership_row
from shared.store import create, fetch, write
from tests.areas.driving import Client, sign_up
from tests.trips import count_requests


def make(client: Client, slug: str = "engine-room", **more):
    return client("workspaces", "POST", "/workspaces", body={"name": "Engine room", "slug": slug} | more)


def home(client: Client) -> str:
    return client("workspaces", "GET", "/workspaces").json["workspaces"][0]["id"]


def join(client: Client, ws_id: str, role: Role) -> None:
    workspace = fetch(Workspace, ws_id)
    row = membership_row(
        WorkspaceMembership,
        ws_id,
        client.user["id"],
        role,
        org_id=workspace.org_id,
        ws_id=ws_id,
        user={"kind": "user", "id": client.user["id"], "name": client.user["name"], "email": client.user["email"]},
        last_active_at=workspace.created_at,
    )
    write(create(row), records.grant_workspace(client.user["id"], ws_id, role))


def test_a_new_workspace_has_everything_the_document_names(aws):
    ada = sign_up()
    answer = make(
        ada, description="Where it runs", settings={"maxProjects": 2, "defaultAgentConfigs": {"prd": {"maxTokens": 10}}}
    )
    assert answer.status == 201, answer.text
    body = answer.json
    assert set(body) == {
        "id", "name", "slug", "description", "owner", "settings", "billing", "usage", "createdAt", "updatedAt"
    }  # fmt: skip
    assert (body["slug"], body["owner"]["id"], body["owner"]["email"]) == ("engine-room", ada.user["id"], "ada@example.com")
    assert set(body["settings"]) == {
        "maxProjects", "maxMembers", "maxMonthlyUsage", "allowedProviders", "requireApprovalForAgentRuns", "defaultAgentConfigs"
    }  # fmt: skip
    assert (body["settings"]["maxProjects"], body["settings"]["maxMembers"]) == (2, 5)
    assert body["settings"]["defaultAgentConfigs"] == {"prd": {"maxTokens": 10}}
    assert set(body["billing"]) == {"status", "plan", "nextBillingDate"}
    assert body["usage"] | {"period": None} == {
        "period": None,
        "calls": 0,
        "estimatedCost": 0.0,
        "usageLimit": 100.0,
        "percentageUsed": 0.0,
        "projectedMonthlyUsage": 0.0,
    }
    assert ada("workspaces", "GET", f"/workspaces/{body['id']}").json == body


def test_the_list_has_all_of_mine_with_my_role(aws):
    ada, eve = sign_up(), sign_up("Eve", "eve@example.com")
    made = make(ada).json
    join(eve, made["id"], Role.VIEWER)
    mine = ada("workspaces", "GET", "/workspaces").json
    hers = eve("workspaces", "GET", "/workspaces").json
    assert (mine["total"], [one["role"] for one in mine["workspaces"]]) == (2, ["owner", "owner"])
    assert {one["slug"]: one["role"] for one in hers["workspaces"]}["engine-room"] == "viewer"
    assert set(mine["workspaces"][0]) >= {
        "id",
        "name",
        "slug",
        "role",
        "memberCount",
        "projectCount",
        "createdAt",
        "lastActivity",
    }


def test_a_slug_belongs_to_one_workspace_until_it_is_deleted(aws):
    ada, eve = sign_up(), sign_up("Eve", "eve@example.com")
    made = make(ada).json
    again = make(eve)
    assert (again.status, again.json["error"]["code"]) == (409, "SLUG_ALREADY_EXISTS")
    assert ada("workspaces", "DELETE", f"/workspaces/{made['id']}").status == 202
    assert make(eve).status == 201


@pytest.mark.parametrize(
    "body",
    [
        {"name": "A"},
        {"name": "", "slug": "a"},
        {"name": "A", "slug": "Not a slug"},
        {"name": "A", "slug": "a", "settings": {"maxProject": 1}},
        {"name": "A", "slug": "a", "settings": {"maxMembers": 0}},
        {"name": "A", "slug": "a", "plan": "pro"},
    ],
)
def test_a_bad_workspace_says_what_is_wrong(aws, body):
    answer = sign_up()("workspaces", "POST", "/workspaces", body=body)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert answer.json["validationErrors"][0]["field"]


def test_an_update_changes_what_it_names(aws):
    ada = sign_up()
    made = make(ada, description="Before").json
    answer = ada("workspaces", "PUT", f"/workspaces/{made['id']}", body={"settings": {"requireApprovalForAgentRuns": True}})
    assert answer.status == 200, answer.text
    assert answer.json["settings"] == made["settings"] | {"requireApprovalForAgentRuns": True}
    assert (answer.json["name"], answer.json["description"]) == ("Engine room", "Before")
    event = fetch(Workspace, made["id"]).event
    assert (event["type"], list(event["changes"])) == ("workspace.updated", ["settings"])


def test_a_foreign_workspace_does_not_exist(aws):
    ada, eve = sign_up(), sign_up("Eve", "eve@example.com")
    ws = home(ada)
    for method, path, body in (
        ("GET", f"/workspaces/{ws}", None),
        ("PUT", f"/workspaces/{ws}", {"name": "X"}),
        ("DELETE", f"/workspaces/{ws}", None),
        ("GET", f"/workspaces/{ws}/members", None),
        ("GET", "/workspaces/nonsense", None),
    ):
        answer = eve("workspaces", method, path, body=body)
        assert (answer.status, answer.json["error"]["code"]) == (404, "WORKSPACE_NOT_FOUND"), (method, path)


def test_roles_decide_who_changes_and_who_deletes(aws):
    ada, eve = sign_up(), sign_up("Eve", "eve@example.com")
    made = make(ada).json
    join(eve, made["id"], Role.ADMIN)
    assert eve("workspaces", "PUT", f"/workspaces/{made['id']}", body={"name": "Hers"}).json["name"] == "Hers"
    refused = eve("workspaces", "DELETE", f"/workspaces/{made['id']}")
    assert (refused.status, refused.json["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")
    bob = sign_up("Bob", "bob@example.com")
    join(bob, made["id"], Role.MEMBER)
    assert bob("workspaces", "PUT", f"/workspaces/{made['id']}", body={"name": "His"}).status == 403


def test_a_deleted_workspace_is_out_of_reach_at_once_with_all_it_holds(aws):
    ada, eve = sign_up(), sign_up("Eve", "eve@example.com")
    ws = make(ada).json["id"]
    join(eve, ws, Role.ADMIN)
    project = ada("projects", "POST", f"/workspaces/{ws}/projects", body={"name": "P", "slug": "p"}).json["id"]
    board = ada("boards", "GET", f"/projects/{project}/boards").json["boards"][0]["id"]
    answer = ada("workspaces", "DELETE", f"/workspaces/{ws}")
    assert (answer.status, answer.json) == (202, {"id": ws, "status": "deleting"})
    for client in (ada, eve):
        assert ws not in [one["id"] for one in client("workspaces", "GET", "/workspaces").json["workspaces"]]
        for area, path in (
            ("workspaces", f"/workspaces/{ws}"),
            ("workspaces", f"/workspaces/{ws}/members"),
            ("projects", f"/workspaces/{ws}/projects"),
            ("projects", f"/projects/{project}"),
            ("boards", f"/boards/{board}"),
        ):
            assert client(area, "GET", path).status == 404, path
    workspace = fetch(Workspace, ws)
    assert workspace.deleted_at is not None
    assert workspace.event["type"] == "workspace.deleted"
    assert fetch(Organization, workspace.org_id).project_count == 0
    assert ada("workspaces", "DELETE", f"/workspaces/{ws}").status == 404


def test_more_members_than_a_transaction_takes_all_lose_it(aws, monkeypatch):
    monkeypatch.setattr(workspaces, "REVOKED_PER_TRANSACTION", 2)
    ada = sign_up()
    ws = make(ada).json["id"]
    others = [sign_up(name, f"{name}@example.com") for name in ("bob", "cy", "dee", "eve")]
    for other in others:
        join(other, ws, Role.MEMBER)
    assert ada("workspaces", "DELETE", f"/workspaces/{ws}").status == 202
    assert [client("workspaces", "GET", f"/workspaces/{ws}").status for client in (ada, *others)] == [404] * 5


def test_the_default_workspace_stays(aws):
    ada = sign_up()
    answer = ada("workspaces", "DELETE", f"/workspaces/{home(ada)}")
    assert (answer.status, answer.json["error"]["code"]) == (409, "CONFLICT")


def test_members_come_with_what_they_may_do(aws):
    ada, eve = sign_up(), sign_up("Eve", "eve@example.com")
    ws = home(ada)
    join(eve, ws, Role.VIEWER)
    body = eve("workspaces", "GET", f"/workspaces/{ws}/members").json
    assert (body["total"], body["invitations"]) == (2, [])
    assert [(one["user"]["name"], one["role"]) for one in body["members"]] == [("Ada Lovelace", "owner"), ("Eve", "viewer")]
    readings = ["card:read", "deployment:read", "project:read", "security:read", "test:read", "workspace:read"]
    assert body["members"][1]["permissions"] == readings
    assert set(body["members"][0]) == {"id", "user", "role", "joinedAt", "lastActiveAt", "permissions", "presence"}


def test_what_a_request_costs(aws):
    ada = sign_up()
    ws = make(ada).json["id"]
    for method, path, body, cost in (
        ("GET", "/workspaces", None, 2),
        ("GET", f"/workspaces/{ws}/members", None, 2),  # and who is there; beside them who is invited
        ("GET", f"/workspaces/{ws}", None, 1),  # beside it the month's usage, and how its bills stand
        ("POST", "/workspaces", {"name": "A", "slug": "a"}, 2),
        ("PUT", f"/workspaces/{ws}", {"name": "B"}, 2),  # and as much beside it
        ("DELETE", f"/workspaces/{ws}", None, 3),  # it, its members, the transaction
    ):
        with count_requests() as seen:
            assert ada("workspaces", method, path, body=body).status < 300
        assert seen.count == cost, (method, path, str(seen))


def test_nobody_has_workspaces_without_end(aws, monkeypatch):
    monkeypatch.setattr(records, "MAX_WORKSPACES", 3)
    ada = sign_up()
    assert [make(ada, f"room-{number}").status for number in range(3)] == [201, 201, 403]
    assert make(ada, "room-2").json["error"]["code"] == "LIMIT_EXCEEDED"
    assert ada("workspaces", "GET", "/workspaces").json["total"] == 3
