"""OAuth on the deployed stack: a real client library over HTTP, and tokens that KMS has signed for every function."""

import time
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from local.demo import http
from local.stack import LocalStack
from tests.areas.oauth_world import browser_at

BACK = "http://127.0.0.1/back"
SCOPES = ["organizations:admin", "projects:read"]
PASSWORD = "correct horse"


@pytest.fixture
def account(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Somebody who has signed up. The library is told that there is no TLS on a laptop."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    email = f"ada-{time.time_ns()}@example.com"
    body = {"name": "Ada Lovelace", "email": email, "password": PASSWORD}
    answer = http().post(f"{stack.url('agentworks')}/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    return {"email": email, "token": answer.json()["token"]}


def register(stack: LocalStack, account: dict[str, str], **body: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {account['token']}"}
    answer = http().post(
        f"{stack.url('enterprise')}/oauth/clients", json={"name": "Tool", "scopes": SCOPES} | body, headers=headers
    )
    assert answer.status_code == 201, answer.text
    client: dict[str, Any] = answer.json()["data"]
    return client


def test_a_library_completes_all_three_flows(stack: LocalStack, account: dict[str, str]) -> None:
    described = http().get(f"{stack.root}/.well-known/oauth-authorization-server").json()
    tool = register(stack, account, redirect_uris=[BACK], is_public=True)
    session = OAuth2Session(tool["client_id"], redirect_uri="http://127.0.0.1:49152/back", scope=SCOPES, pkce="S256")
    address, _ = session.authorization_url(described["authorization_endpoint"])
    window = browser_at(stack.url("enterprise"))
    assert window.open(urlsplit(address).query).status == 200
    assert "Tool" in window.sign_in(account["email"], PASSWORD).text
    back = str(window.press("allow").header("location"))
    token = session.fetch_token(described["token_endpoint"], authorization_response=back, include_client_id=True)
    keys = jwt.PyJWKSet.from_dict(http().get(f"{stack.root}/.well-known/jwks.json").json())
    kid = jwt.get_unverified_header(token["access_token"])["kid"]
    claims = jwt.decode(token["access_token"], keys[kid].key, algorithms=["RS256"], issuer=described["issuer"])
    assert (claims["email"], claims["role"], sorted(claims["permissions"])) == (account["email"], "admin", SCOPES)
    assert session.get(f"{stack.url('enterprise')}/api-keys").status_code == 200
    assert session.get(f"{stack.url('omoios')}/projects").status_code == 200  # another function verifies by the kept key

    refreshed = session.refresh_token(described["token_endpoint"], client_id=tool["client_id"])
    assert refreshed["refresh_token"] != token["refresh_token"]
    gone = session.post(
        described["revocation_endpoint"],
        data={"token": refreshed["refresh_token"], "client_id": tool["client_id"]},
        withhold_token=True,
    )
    assert gone.status_code == 200
    assert session.get(f"{stack.url('enterprise')}/api-keys").status_code == 401

    service = register(stack, account, name="Service")
    machine = OAuth2Session(client=BackendApplicationClient(service["client_id"]))
    machine.fetch_token(described["token_endpoint"], client_secret=service["client_secret"], include_client_id=True)
    assert machine.get(f"{stack.url('enterprise')}/api-keys").status_code == 200


def test_an_api_key_opens_every_contract(stack: LocalStack, account: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {account['token']}"}
    made = http().post(f"{stack.url('enterprise')}/api-keys", json={"name": "CI"}, headers=headers).json()["data"]
    key = {"X-API-Key": made["key"]}
    for contract, path in (("enterprise", "/api-keys"), ("agentworks", "/workspaces"), ("omoios", "/projects")):
        assert http().get(stack.url(contract) + path, headers=key).status_code == 200, contract
    assert http().delete(f"{stack.url('enterprise')}/api-keys/{made['id']}", headers=headers).status_code == 204
    assert http().get(f"{stack.url('agentworks')}/workspaces", headers=key).status_code == 401
