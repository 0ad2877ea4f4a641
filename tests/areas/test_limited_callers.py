"""API keys and OAuth clients where a person's own token could do more: sockets, repeated requests, what asks who somebody is."""

import pytest

from functions.ws.handler import handler as socket
from shared.channels.sockets.rows import Subscription
from shared.channels.sockets.topics import workspace_topic
from shared.people.identity import one_time_tokens
from shared.people.identity.one_time_tokens import Purpose
from shared.store import query
from tests.areas.boards_world import World
from tests.areas.driving import Client, Context, call, sign_up
from tests.areas.test_client_tokens import issue
from tests.areas.viewers import socket_event
from tests.client_key import use_client_key


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
