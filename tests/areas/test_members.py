"""agentworks: what the members of a workspace may do, how they leave, who owns it."""

import pytest

from shared.core.actor import GRANTS, Role
from shared.people.tenancy.rows import Workspace, WorkspaceMembership
from shared.store import fetch, get
from tests.areas.boards_world import put_on_plan
from tests.areas.driving import Client, confirm_address, sign_up
from tests.areas.test_invitations import accept, error_of, invite, listed, token_of
from tests.areas.test_workspaces_agentworks import home, make
from tests.trips import count_requests


@pytest.fixture
def ada(aws) -> Client:
    return confirm_address(sign_up())


@pytest.fixture
def ws(ada) -> str:
    ws_id = make(ada).json["id"]
    put_on_plan(ws_id, maxProjects=100, maxMembers=100)
    return ws_id


@pytest.fixture
def came(ada, ws):
    """Somebody who was invited and came, in a role."""

    def come(role: str = "member", email: str = "eve@example.com", name: str = "Eve") -> Client:
        client = sign_up(name, email)
        assert accept(client, ws, token_of(invite(ada, ws, email, role))).status == 200
        return client

    return come


def change(client: Client, ws: str, who: Client, **body):
    return client("workspaces", "PUT", f"/workspaces/{ws}/members/{who.user['id']}", body=body)


def remove(client: Client, ws: str, who: Client):
    return client("workspaces", "DELETE", f"/workspaces/{ws}/members/{who.user['id']}")


def make_project(client: Client, ws: str, slug: str = "p"):
    return client("projects", "POST", f"/workspaces/{ws}/projects", body={"name": "P", "slug": slug})


def test_another_role_counts_from_the_next_request_on(ada, ws, came):
    eve = came("viewer")
    assert make_project(eve, ws).status == 403
    answer = change(ada, ws, eve, role="admin")
    assert (answer.status, answer.json["role"]) == (200, "admin")
    assert make_project(eve, ws).status == 201
    assert change(ada, ws, eve, role="viewer").status == 200
    assert make_project(eve, ws, "q").status == 403
    event = get(WorkspaceMembership, f"WS#{ws}", f"MEM#{eve.user['id']}").event
    assert (event["type"], event["changes"]["role"]) == ("member.updated", ["admin", "viewer"])


def test_what_is_given_beyond_a_role_bites_and_can_be_taken_again(ada, ws, came):
    eve = came("viewer")
    answer = change(ada, ws, eve, role="viewer", permissions=["project:create", "card:read"])
    assert answer.json["permissions"] == sorted(GRANTS[Role.VIEWER] | {"project:create"})
    assert listed(eve, ws)["members"][1]["permissions"] == answer.json["permissions"]
    assert make_project(eve, ws).status == 201
    assert change(ada, ws, eve, role="member").json["permissions"].count("project:create") == 1  # it stays
    assert change(ada, ws, eve, role="viewer", permissions=[]).status == 200
    assert make_project(eve, ws, "q").status == 403


@pytest.mark.parametrize("wrong", ["card:fly", "workspace:admin", "security:admin", ""])
def test_only_what_is_in_the_table_can_be_given(ada, ws, came, wrong):
    answer = change(ada, ws, came(), role="member", permissions=["project:create", wrong])
    assert (error_of(answer), answer.json["validationErrors"][0]["field"]) == ((422, "VALIDATION_ERROR"), "permissions")


def test_nobody_gives_what_they_do_not_have(ada, ws, came):
    eve, bob = came("admin"), came("viewer", "bob@example.com", "Bob")
    assert change(eve, ws, bob, role="member").status == 200
    assert error_of(change(eve, ws, bob, role="member", permissions=["workspace:billing"])) == (403, "INSUFFICIENT_PERMISSIONS")
    assert change(ada, ws, bob, role="member", permissions=["workspace:billing"]).status == 200


def test_to_take_from_somebody_is_a_permission_of_its_own(ada, ws, came):
    eve, bob = came("admin"), came("member", "bob@example.com", "Bob")
    assert error_of(change(eve, ws, bob, role="viewer")) == (403, "INSUFFICIENT_PERMISSIONS")
    assert error_of(remove(eve, ws, bob)) == (403, "INSUFFICIENT_PERMISSIONS")
    assert change(ada, ws, eve, role="admin", permissions=["member:remove"]).status == 200
    assert change(eve, ws, bob, role="viewer").status == 200
    assert remove(eve, ws, bob).status == 204


def test_who_is_removed_finds_nothing_any_more(ada, ws, came):
    eve = came("admin")
    project = make_project(eve, ws).json["id"]
    assert remove(ada, ws, eve).status == 204
    for area, path in (("workspaces", f"/workspaces/{ws}"), ("projects", f"/projects/{project}")):
        assert eve(area, "GET", path).status == 404
    assert (listed(ada, ws)["total"], fetch(Workspace, ws).member_count) == (1, 1)
    assert error_of(remove(ada, ws, eve)) == (404, "MEMBER_NOT_FOUND")
    assert error_of(change(ada, ws, eve, role="viewer")) == (404, "MEMBER_NOT_FOUND")
    event = get(WorkspaceMembership, f"WS#{ws}", f"MEM#{eve.user['id']}").event
    assert (event["type"], event["data"]["left"]) == ("member.removed", False)


def test_who_left_can_come_again(ada, ws, came):
    eve = came("admin")
    assert remove(eve, ws, eve).status == 204
    assert eve("workspaces", "GET", f"/workspaces/{ws}").status == 404
    assert accept(eve, ws, token_of(invite(ada, ws, "eve@example.com", "viewer"))).json["role"] == "viewer"
    assert fetch(Workspace, ws).member_count == 2


def test_the_owner_neither_leaves_nor_is_changed(ada, ws, came):
    eve = came("admin")
    assert change(ada, ws, eve, role="admin", permissions=["member:remove"]).status == 200
    for client in (ada, eve):
        assert error_of(remove(client, ws, ada)) == (409, "CONFLICT")
        assert error_of(change(client, ws, ada, role="admin")) == (409, "CONFLICT")


def transfer(client: Client, ws: str, who: Client):
    return client("workspaces", "POST", f"/workspaces/{ws}/transfer", body={"userId": who.user["id"]})


def test_a_workspace_gets_another_owner(ada, ws, came):
    eve = came("viewer")
    assert error_of(transfer(eve, ws, eve)) == (403, "INSUFFICIENT_PERMISSIONS")
    answer = transfer(ada, ws, eve)
    assert (answer.status, answer.json["owner"]["id"]) == (200, eve.user["id"])
    assert [(one["user"]["name"], one["role"]) for one in listed(eve, ws)["members"]] == [
        ("Ada Lovelace", "admin"),
        ("Eve", "owner"),
    ]
    assert transfer(ada, ws, ada).status == 403
    assert remove(ada, ws, ada).status == 204
    assert eve("workspaces", "DELETE", f"/workspaces/{ws}").status == 202


def test_only_a_member_becomes_the_owner_and_the_default_workspace_keeps_its_own(ada, ws, came):
    bob = sign_up("Bob", "bob@example.com")
    assert error_of(transfer(ada, ws, bob)) == (404, "MEMBER_NOT_FOUND")
    assert transfer(ada, ws, ada).json["owner"]["id"] == ada.user["id"]
    assert error_of(transfer(ada, home(ada), bob)) == (409, "CONFLICT")


def test_a_foreign_workspace_has_no_members(ada, ws, came):
    eve, bob = came(), sign_up("Bob", "bob@example.com")
    for answer in (change(bob, ws, eve, role="viewer"), remove(bob, ws, eve), remove(bob, ws, bob), transfer(bob, ws, bob)):
        assert error_of(answer) == (404, "WORKSPACE_NOT_FOUND")


def test_what_it_costs(ada, ws, came):
    eve = came("viewer")
    ada("workspaces", "GET", "/workspaces")
    for ask, *cost in (
        # access, beside it the members and who is invited; who is there
        (lambda: listed(ada, ws), ["GetItem", "BatchGetItem"], ["Query", "Query"]),
        (lambda: change(ada, ws, eve, role="member"), ["BatchGetItem", "TransactWriteItems"], ["BatchGetItem"]),
        (lambda: remove(ada, ws, eve), ["BatchGetItem", "GetItem", "TransactWriteItems"], []),  # their seat
    ):
        with count_requests() as seen:
            ask()
        assert [seen.names, seen.beside] == cost
