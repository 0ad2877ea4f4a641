"""API keys and OAuth clients where a person's own token could do more: sockets, repeated requests, what asks who somebody is."""

from html import unescape
from typing import Any

import pytest

from functions.ws.handler import handler as socket
from shared.channels.sockets.rows import Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.core.actor import Role
from shared.core.scopes import SCOPES
from shared.people.access import records
from shared.people.identity import one_time_tokens
from shared.people.identity.one_time_tokens import Purpose
from shared.people.tenancy.rows import Workspace
from shared.store import fetch, query, update_now
from tests.areas.boards_world import World
from tests.areas.driving import Answer, Client, Context, call, confirm_address, sign_up
from tests.areas.oauth_world import BACK, Browser, register, returned
from tests.areas.test_client_tokens import issue, parts
from tests.areas.test_invitations import accept, invite, token_of
from tests.areas.test_oauth import exchange, refresh
from tests.areas.test_oauth import query as asked
from tests.areas.viewers import socket_event
from tests.client_key import use_client_key
from tests.trips import count_requests


@pytest.fixture
def ada(aws) -> Client:
    use_client_key()
    return sign_up()


def connect(token: str, path: str, contract: str) -> int:
    asked = {"path": path, "contract": contract, "token": token}
    status: int = socket(socket_event("CONNECT", f"{contract}=", query=asked), Context())["statusCode"]
    return status


def listeners(world: World) -> int:
    return len(query(Subscription, f"SUB#{workspace_topic(world.ws_id)}", limit=10).rows)


@pytest.mark.parametrize(("scope", "heard"), [("features:read", True), ("tests:read", False), ("organizations:read", False)])
def test_a_client_hears_of_cards_only_with_the_scope(world: World, gateway, scope, heard):
    use_client_key()
    token = issue(world.ada, scope)
    assert connect(token, "/api/v1/ws/events", "omoios") == 200
    assert (listeners(world) == 1) is heard
    assert (connect(token, f"/api/workspaces/{world.ws_id}/events", "agentworks") == 200) is heard


def test_no_answer_is_repeated_to_another_credential(ada):
    """The first may do what the second may not; both are of one person, who sends the same request with the same Idempotency-Key."""
    ws_id = ada("workspaces", "GET", "/workspaces").json["workspaces"][0]["id"]
    path, body, once = f"/workspaces/{ws_id}/projects", {"name": "Shop", "slug": "shop"}, {"Idempotency-Key": "once"}
    assert ada("projects", "POST", path, body=body, headers=once).status == 201
    assert ada("projects", "POST", path, body=body, headers=once).status == 201
    keys = [
        ada.at("enterprise")("auth", "POST", "/api-keys", body={"name": "K", "permissions": [scope]}).json["data"]["key"]
        for scope in ("projects:read", "tests:read")
    ]
    for headers in ({"X-API-Key": keys[0]}, {"X-API-Key": keys[1]}, {"Authorization": f"Bearer {issue(ada, 'projects:read')}"}):
        assert call("projects", "agentworks", "POST", path, body=body, headers=once | headers).status == 403


def test_a_client_confirms_no_address_as_its_person(ada):
    """With the token of a client it is as without: sessions from before the confirmation end."""
    token, _ = one_time_tokens.issue(Purpose.VERIFY, ada.user["id"], email=ada.user["email"])
    client = Client("agentworks", issue(ada))
    assert client("auth", "POST", "/auth/verify-email", body={"token": token}).status == 200
    assert ada("auth", "GET", "/auth/me").status == 401


# -- a key and a client belong to one organization


def make_key(client: Client, *scopes: str) -> Client:
    """A caller with a key of this person's."""
    body = {"name": "K"} | ({"permissions": list(scopes)} if scopes else {})
    key = client.at("enterprise")("auth", "POST", "/api-keys", body=body).json["data"]["key"]
    return WithKey("agentworks", key)


class WithKey(Client):
    def __call__(self, *request: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
        return call(request[0], self.contract, *request[1:], headers={"X-API-Key": str(self.token)} | (headers or {}), **more)

    def at(self, contract: str) -> "WithKey":
        return WithKey(contract, self.token)


def seen(caller: Client) -> list[str]:
    return [one["id"] for one in caller("workspaces", "GET", "/workspaces").json["workspaces"]]


def own_workspace(client: Client) -> str:
    held = dict(records.get_access(client.user["id"]).workspaces)
    return next(ws_id for ws_id, role in held.items() if role == Role.OWNER)


@pytest.mark.parametrize("limited", ["key", "client"])
def test_a_key_and_a_client_see_their_organization_and_no_other_of_their_person(world: World, limited):
    use_client_key()
    bob = world.join("Bob", "bob@example.com", Role.ADMIN)
    caller = make_key(bob) if limited == "key" else Client("agentworks", issue(bob, *SCOPES))
    own, card = own_workspace(bob), world.card()
    assert sorted(seen(bob)) == sorted([own, world.ws_id])
    assert seen(caller) == [own]
    for area, method, path, body in (
        ("cards", "GET", f"/cards/{card.id}", None),
        ("cards", "PUT", f"/cards/{card.id}", {"title": "Other"}),
        ("projects", "GET", f"/workspaces/{world.ws_id}/projects", None),
        ("projects", "POST", f"/workspaces/{world.ws_id}/projects", {"name": "P", "slug": "p"}),
        ("workspaces", "GET", f"/workspaces/{world.ws_id}/members", None),
        ("usage", "GET", f"/workspaces/{world.ws_id}/usage", None),
    ):
        assert caller(area, method, path, body=body).status == 404, path
        assert bob(area, method, path, body=body).status in (200, 201), path
    listed = caller.at("enterprise") if limited == "client" else WithKey("enterprise", caller.token)
    assert listed("projects", "GET", f"/organizations/{world.project.org_id}/projects").status == 404


@pytest.mark.parametrize("is_member", [True, False])
def test_a_client_acts_in_its_own_organization_for_who_is_in_it_and_else_in_the_persons(world: World, is_member):
    """The page says which one it is."""
    use_client_key()
    confirm_address(world.ada)
    bob = sign_up("Bob", "bob@example.com")
    if is_member:
        accept(bob, world.ws_id, token_of(invite(world.ada, world.ws_id, "bob@example.com")))
    client = register(world.ada, redirect_uris=[BACK], scopes=["organizations:read"])
    browser = Browser()
    browser.open(asked(client, scope="organizations:read"))
    page = unescape(browser.sign_in("bob@example.com").text)
    assert ("Ada Lovelace's organization" in page, "Bob's organization" in page) == (is_member, not is_member)
    given = exchange(client, returned(browser.press("allow"))["code"]).json
    renewed = refresh(client, given["refresh_token"]).json
    expected = world.ws_id if is_member else own_workspace(bob)
    for token in (given["access_token"], renewed["access_token"]):
        assert seen(Client("agentworks", token)) == [expected]
        assert parts(token)[1]["org"] == fetch(Workspace, expected).org_id


def test_a_second_organization_of_ones_own_is_another_too(world: World):
    confirm_address(world.ada)
    key = make_key(world.ada)
    founded = world.ada.at("enterprise")("organizations", "POST", "/organizations", body={"name": "Other", "slug": "other"})
    assert founded.status == 201
    assert len(seen(world.ada)) == 2
    assert seen(key) == [world.ws_id]
    shown = WithKey("enterprise", key.token)("organizations", "GET", "/organizations").json["data"]
    assert [one["slug"] == "other" for one in shown] == [False]


def test_where_a_workspace_belongs_is_read_once_also_for_rows_of_before(world: World):
    bob = world.join("Bob", "bob@example.com", Role.MEMBER)
    key = make_key(bob)
    assert seen(key) == [own_workspace(bob)]
    update_now(records.key_row(bob.user["id"]), [records.Access.homes.remove()])  # as it was before
    path = f"/workspaces/{own_workspace(bob)}"
    trips = []
    for _ in range(2):
        with count_requests() as counted:
            assert key("workspaces", "GET", path).status == 200
        trips.append(counted.count)
    assert trips == [3, 1]


def test_a_workspace_that_comes_later_is_seen_by_a_key_of_its_organization(world: World):
    key = make_key(world.ada)
    assert seen(key) == [world.ws_id]
    second = world.ada("workspaces", "POST", "/workspaces", body={"name": "Second", "slug": "second"}).json["id"]
    assert sorted(seen(key)) == sorted([world.ws_id, second])
    bob = sign_up("Bob", "bob@example.com")
    theirs = make_key(bob)
    world.join_again(bob)
    assert seen(theirs) == [own_workspace(bob)]
