"""OAuth 2.0 in enterprise, driven by a real client library (requests-oauthlib) and a browser without JavaScript."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from shared.core.settings import settings
from shared.people.access import records, tokens
from shared.people.identity import sessions
from shared.people.identity.federation.pkce import challenge
from shared.people.identity.oauth import codes
from shared.people.identity.oauth.clients import delete_client
from shared.people.identity.oauth.server import revocation_response, token_response
from shared.store import update_now
from tests.areas.driving import Answer, Client, call, sign_up
from tests.areas.oauth_world import BACK, BASE, Browser, library, register, returned
from tests.client_key import use_client_key
from tests.kills import concurrently, crash_at_every_write
from tests.trips import count_requests

NOON = dt.datetime(2026, 5, 4, 12, 0, 30, tzinfo=dt.UTC)
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
SCOPE = ["organizations:admin", "projects:read"]


@pytest.fixture
def ada(aws) -> Iterator[Client]:
    use_client_key()
    with time_machine.travel(NOON, tick=False):
        yield sign_up()


def query(client: dict[str, Any], **changed: str | None) -> str:
    asked = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": BACK,
        "scope": " ".join(SCOPE),
        "state": "xyz",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
    } | changed
    return urlencode({name: value for name, value in asked.items() if value is not None})


def signed_in(client: dict[str, Any], **changed: str | None) -> Browser:
    """A browser that shows Ada what the client asks for."""
    browser = Browser()
    assert browser.open(query(client, **changed)).status == 200
    assert "Allow" in browser.sign_in("ada@example.com").text
    return browser


def code_for(client: dict[str, Any], **changed: str | None) -> str:
    return returned(signed_in(client, **changed).press("allow"))["code"]


def post(path: str, **form: str) -> Answer:
    return call(
        "auth", "enterprise", "POST", path, body=urlencode(form), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )


def own(client: dict[str, Any]) -> dict[str, str]:
    return {"client_id": client["client_id"], "client_secret": client["client_secret"]}


def exchange(client: dict[str, Any], code: str, **changed: str) -> Answer:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER} | own(client)
    return post("/oauth/token", **(form | changed))


def refresh(client: dict[str, Any], token: str, **more: str) -> Answer:
    return post("/oauth/token", grant_type="refresh_token", refresh_token=token, **own(client), **more)


def status(token: str) -> int:
    return Client("enterprise", token)("auth", "GET", "/api-keys").status


@pytest.fixture
def console(ada) -> dict[str, Any]:
    return register(ada, redirect_uris=[BACK], scopes=SCOPE)


# -- the three flows, by a client library


def test_a_library_completes_the_code_flow_refreshes_and_revokes(ada, console):
    session = library(console["client_id"], scope=SCOPE, pkce="S256")
    address, state = session.authorization_url(f"{BASE}/oauth/authorize")
    browser = Browser()
    browser.open(urlsplit(address).query)
    browser.sign_in("ada@example.com")
    back = str(browser.press("allow").header("location"))
    assert parse_qs(urlsplit(back).query)["state"] == [state]
    secret = console["client_secret"]
    first = session.fetch_token(f"{BASE}/oauth/token", authorization_response=back, client_secret=secret)
    assert (first["token_type"], first["expires_in"], sorted(first["scope"])) == ("Bearer", 3600, SCOPE)
    assert session.get(f"{BASE}/api-keys").status_code == 200
    second = session.refresh_token(f"{BASE}/oauth/token", **own(console))
    assert second["refresh_token"] != first["refresh_token"]
    assert session.get(f"{BASE}/api-keys").status_code == 200
    auth = HTTPBasicAuth(console["client_id"], secret)
    gone = session.post(f"{BASE}/oauth/revoke", data={"token": second["refresh_token"]}, auth=auth, withhold_token=True)
    assert (gone.status_code, gone.json()["success"], gone.json()["data"]) == (200, True, {})
    assert session.get(f"{BASE}/api-keys").status_code == 401


def test_a_library_gets_a_token_for_the_client_itself(ada):
    service = register(ada, name="Service", scopes=SCOPE)
    session = library(service["client_id"], None, client=BackendApplicationClient(service["client_id"]))
    token = session.fetch_token(f"{BASE}/oauth/token", auth=HTTPBasicAuth(service["client_id"], service["client_secret"]))
    assert "refresh_token" not in token
    assert (token["expires_in"], token["scope"]) == (3600, SCOPE)
    assert session.get(f"{BASE}/api-keys").status_code == 200


def test_a_program_on_a_device_needs_no_secret(ada):
    """A public client at a loopback address, whose port it gets from its machine (RFC 8252)."""
    tool = register(ada, name="Tool", redirect_uris=["http://127.0.0.1/back"], scopes=SCOPE, is_public=True)
    assert tool["client_secret"] is None
    back = "http://127.0.0.1:49152/back"
    session = library(tool["client_id"], back, scope=SCOPE, pkce="S256")
    address, _ = session.authorization_url(f"{BASE}/oauth/authorize")
    browser = Browser()
    browser.open(urlsplit(address).query)
    browser.sign_in("ada@example.com")
    code = returned(browser.press("allow"))["code"]
    token = session.fetch_token(f"{BASE}/oauth/token", code=code, include_client_id=True)
    assert status(token["access_token"]) == 200
    assert session.refresh_token(f"{BASE}/oauth/token", client_id=tool["client_id"])["access_token"]


# -- clients


def test_a_secret_is_shown_once_and_kept_as_a_fingerprint(ada, console):
    from tests.seeding import tables

    assert console.keys() == {"client_id", "client_secret", "name", "redirect_uris", "grant_types", "scopes", "created_at"}
    assert console["grant_types"] == ["authorization_code", "refresh_token"]
    assert console["client_secret"] not in json.dumps([item.to_json() for one in tables().values() for item in one.all_items()])


def test_a_removed_client_gets_nothing_any_more(ada, console):
    service = register(ada, name="Service", scopes=SCOPE)
    itself = post("/oauth/token", grant_type="client_credentials", **own(service)).json["access_token"]
    given = exchange(console, code_for(console)).json
    enterprise = ada.at("enterprise")
    stranger = sign_up("Stan", "stan@example.com").at("enterprise")
    for client in (service, console):
        path = f"/oauth/clients/{client['client_id']}"
        assert stranger("auth", "DELETE", path).status == 404
        assert [enterprise("auth", "DELETE", path).status for _ in range(2)] == [204, 404]
    assert status(itself) == 401
    assert post("/oauth/token", grant_type="client_credentials", **own(service)).json["error"] == "invalid_client"
    assert refresh(console, given["refresh_token"]).json["error"] == "invalid_client"
    assert Browser().open(query(console)).status == 400


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_only_the_owner_of_an_organization_has_clients(ada, console, role):
    record = records.get_access(ada.user["id"])
    org_id = next(iter(record.organizations))
    update_now(records.key_row(ada.user["id"]), [records.Access.organizations[org_id].set(role)])
    enterprise = ada.at("enterprise")
    assert enterprise("auth", "DELETE", f"/oauth/clients/{console['client_id']}").status == 403
    assert enterprise("auth", "POST", "/oauth/clients", body={"name": "More"}).status == 403


@pytest.mark.parametrize(
    "address",
    [
        "http://client.example/back", "https://client.example/back#part", "javascript:alert(1)", "data:text/html,x", "/back", "https://",
        "https://ada@client.example/", "myapp:/back", "com.example.app://host/back", "https://client.example/ space", "http://127.0.0.1:x/",
    ],
)  # fmt: skip
def test_an_address_that_no_client_may_have(ada, address):
    answer = ada.at("enterprise")("auth", "POST", "/oauth/clients", body={"name": "C", "redirect_uris": [address]})
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (400, "redirect_uris.0")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"grant_types": ["password"]}, "grant_types"),
        ({"grant_types": ["implicit"], "redirect_uris": [BACK]}, "grant_types"),
        ({"grant_types": ["authorization_code"]}, "redirect_uris"),
        ({"grant_types": ["refresh_token"]}, "grant_types"),
        ({"is_public": True}, "grant_types"),
        ({"scopes": ["everything"]}, "scopes"),
    ],
)
def test_what_no_client_can_be(ada, body, field):
    answer = ada.at("enterprise")("auth", "POST", "/oauth/clients", body={"name": "C"} | body)
    assert (answer.status, answer.json["error"]["details"][0]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        (BACK, f"{BACK}/"),
        (BACK, f"{BACK}?a=b"),
        (BACK, "https://client.example:444/back"),
        (BACK, "https://client.example.evil.example/back"),
        (BACK, "https://CLIENT.example/back"),
        ("http://localhost/back", "http://localhost:4000/back"),
        ("http://127.0.0.1/back", "http://127.0.0.1:4000/other"),
        ("http://127.0.0.1/back", "http://127.0.0.1:4000@evil.example/back"),
        ("http://127.0.0.1/back", "https://127.0.0.1:4000/back"),
        ("http://127.0.0.1/back", "http://127.0.0.2:4000/back"),
    ],
)
def test_an_address_that_is_not_exactly_registered_gets_nothing(ada, registered, asked):
    client = register(ada, redirect_uris=[registered], scopes=SCOPE)
    answer = Browser().open(query(client, redirect_uri=asked))
    assert (answer.status, answer.header("location")) == (400, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_loopback_address_has_any_port(ada, host):
    client = register(ada, redirect_uris=[f"http://{host}:1/back"], scopes=SCOPE)
    assert Browser().open(query(client, redirect_uri=f"http://{host}:50000/back")).status == 200


# -- the pages


def test_the_page_shows_client_scopes_account_and_organization(ada, console):
    page = signed_in(console).page
    assert page is not None
    for words in (
        "Console",
        "organizations:admin",
        "projects:read",
        "ada@example.com",
        "Ada Lovelace&#x27;s organization",
        "client.example",
    ):
        assert words in page.text
    assert "<script" not in page.text


def test_no_page_frames_ours_or_learns_from_them(ada, console):
    browser = Browser()
    for page in (browser.open(query(console)), browser.sign_in("ada@example.com"), browser.open(query(console, client_id="x"))):
        policy = str(page.header("content-security-policy"))
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert (page.header("x-frame-options"), page.header("cache-control")) == ("DENY", "no-store")


def test_what_a_client_is_called_is_text(ada):
    client = register(ada, name='<img src=x onerror="alert(1)">', redirect_uris=[BACK], scopes=SCOPE)
    page = signed_in(client, state='"><script>alert(1)</script>').page
    assert page is not None
    assert "<img" not in page.text
    assert "<script" not in page.text


def test_a_wrong_password_is_said_on_the_page_and_counted(ada, console):
    browser = Browser()
    browser.open(query(console))
    answer = browser.sign_in("ada@example.com", "wrong")
    assert (answer.status, "Invalid email or password" in answer.text) == (401, True)
    for _ in range(9):
        browser.sign_in("ada@example.com", "wrong")
    assert "Rate limit exceeded" in browser.sign_in("ada@example.com").text


def test_who_denies_sends_the_client_back_with_the_reason(ada, console):
    denied = returned(signed_in(console).press("deny"))
    assert (denied["error"], denied["state"], denied["iss"]) == ("access_denied", "xyz", settings().issuer)
    browser = Browser()
    browser.open(query(console))
    assert returned(browser.press("deny"))["error"] == "access_denied"


def test_another_account_can_be_used(ada, console):
    sign_up("Bea", "bea@example.com")
    browser = signed_in(console)
    assert "Sign in" in browser.press("other").text
    assert "bea@example.com" in browser.sign_in("bea@example.com").text


def test_nobody_allows_by_a_form_of_another_site(ada, console):
    """Neither with a proof of the attacker's own browser, nor with the one for another request, another session or the page before."""
    browser, attacker = signed_in(console), signed_in(console)
    request = query(console)
    assert browser.send({"request": request, "action": "allow"}).status == 403
    forged = {"action": "allow", "request": request, "proof": attacker.fields["proof"]}
    assert browser.send(forged).status == 403
    assert browser.send(forged | {"proof": browser.fields["proof"], "request": query(console, state="abc")}).status == 403
    before = Browser(dict(browser.cookies))
    before.open(request)
    assert before.press("other").status == 200
    assert browser.send(forged | {"proof": before.fields["proof"]}).status == 403
    assert browser.press("allow").status == 303


def test_nobody_is_signed_in_by_a_form_of_another_site(ada, console):
    attacker, victim = Browser(), Browser()
    attacker.open(query(console))
    victim.open(query(console))
    form = {"action": "sign_in", "email": "ada@example.com", "password": "correct horse", "request": query(console)}
    assert victim.send(form | {"proof": attacker.fields["proof"]}).status == 403
    assert Browser().send(form | {"proof": attacker.fields["proof"]}).status == 403


def test_a_session_that_has_ended_allows_nothing(ada, console):
    browser = signed_in(console)
    for session_id in records.get_access(ada.user["id"]).sessions:
        sessions.end(ada.user["id"], session_id)
    assert browser.press("allow").status == 403
    assert "Sign in" in browser.open(query(console)).text


# -- requests for authorization


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"scope": "projects:write"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_a_wrong_request_goes_back_to_the_client(ada, console, changed, error):
    answer = returned(Browser().open(query(console, **changed)))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "xyz", settings().issuer)


@pytest.mark.parametrize("changed", [{"client_id": "x"}, {"client_id": None}, {"redirect_uri": "https://evil.example"}])
def test_a_request_of_nobody_goes_nowhere(ada, console, changed):
    answer = Browser().open(query(console, **changed))
    assert (answer.status, answer.header("location")) == (400, None)


def test_without_scopes_the_client_gets_its_own(ada, console):
    token = exchange(console, code_for(console, scope=None)).json
    assert token["scope"].split() == SCOPE


# -- codes and tokens


def test_a_code_is_for_one_client_one_address_one_verifier_and_one_minute(ada, console):
    other = register(ada, redirect_uris=[BACK, f"{BACK}/2"], scopes=SCOPE)
    code = code_for(console)
    assert exchange(other, code).json["error"] == "invalid_grant"
    assert exchange(console, code, redirect_uri=f"{BACK}/2").status == 400
    assert exchange(console, code, code_verifier=VERIFIER[::-1]).json["error"] == "invalid_grant"
    assert exchange(console, code, client_secret="wrong").json["error"] == "invalid_client"
    assert exchange(console, "x" * 43).json["error"] == "invalid_grant"
    with time_machine.travel(NOON + dt.timedelta(seconds=codes.CODE_SECONDS), tick=False):
        assert exchange(console, code).json["error"] == "invalid_grant"
    assert exchange(console, code).status == 200


def test_a_code_that_is_used_twice_ends_what_it_gave(ada, console):
    code = code_for(console)
    token = exchange(console, code).json
    assert status(token["access_token"]) == 200
    assert exchange(console, code).json["error"] == "invalid_grant"
    assert status(token["access_token"]) == 401
    assert refresh(console, token["refresh_token"]).json["error"] == "invalid_grant"


def test_of_two_exchanges_at_once_none_is_left(ada, console):
    """Another request takes the code between the check and the transaction."""
    form = {"grant_type": "authorization_code", "code": code_for(console), "redirect_uri": BACK, "code_verifier": VERIFIER}
    body, others = urlencode(form | own(console)).encode(), []
    with concurrently(lambda: others.append(token_response("", body, "")), calls=["TransactWriteItems"]):
        _, refused, _ = token_response("", body, "")
    assert json.loads(refused)["error"] == "invalid_grant"
    assert (others[0][2], status(json.loads(others[0][1])["access_token"])) == (200, 401)


def test_who_dies_during_an_exchange_has_taken_nothing_or_all(ada, console):
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER} | own(console)
    for process in crash_at_every_write():
        code = code_for(console)
        with process:
            token_response("", urlencode(form | {"code": code}).encode(), "")
        answer = exchange(console, code).json
        assert answer.get("error") == ("invalid_grant" if process.names else None)


def test_a_refresh_token_is_replaced_and_an_old_one_ends_everything(ada, console):
    first = exchange(console, code_for(console)).json
    second = refresh(console, first["refresh_token"]).json
    third = refresh(console, second["refresh_token"]).json
    assert status(third["access_token"]) == 200
    assert refresh(console, first["refresh_token"]).json["error"] == "invalid_grant"
    assert status(third["access_token"]) == 401
    assert refresh(console, third["refresh_token"]).json["error"] == "invalid_grant"


def test_a_refresh_may_ask_for_less_and_never_for_more(ada, console):
    given = exchange(console, code_for(console)).json
    assert refresh(console, given["refresh_token"], scope="projects:write").json["error"] == "invalid_scope"
    less = refresh(console, given["refresh_token"], scope="projects:read").json
    assert (less["scope"], status(less["access_token"])) == ("projects:read", 403)
    assert status(refresh(console, less["refresh_token"]).json["access_token"]) == 200


@pytest.mark.parametrize(
    ("contract", "name"), [("agentworks", "refreshToken"), ("aintandem", "refresh_token"), ("orchestrator", "refresh_token")]
)
def test_no_login_refreshes_what_a_client_was_given(ada, console, contract, name):
    """It would turn scopes into everything. Nor does a client refresh what a person has."""
    given = exchange(console, code_for(console)).json
    assert call("auth", contract, "POST", "/auth/refresh", body={name: given["refresh_token"]}).status == 401
    assert refresh(console, str(ada.refresh)).json["error"] == "invalid_grant"
    assert refresh(console, given["refresh_token"]).status == 200


def test_a_logout_by_the_token_ends_the_grant_at_once(ada, console):
    given = exchange(console, code_for(console)).json
    assert Client("omoios", given["access_token"])("auth", "POST", "/auth/logout").status == 200
    assert status(given["access_token"]) == 401
    assert refresh(console, given["refresh_token"]).json["error"] == "invalid_grant"


def test_what_a_person_loses_their_clients_lose_at_the_next_request(ada, console):
    given = exchange(console, code_for(console)).json
    record = records.get_access(ada.user["id"])
    org_id = next(iter(record.organizations))
    update_now(records.key_row(ada.user["id"]), [records.Access.organizations[org_id].set("member")])
    assert status(given["access_token"]) == 403
    changed = refresh(console, given["refresh_token"]).json["access_token"]
    from tests.areas.test_client_tokens import parts

    assert (parts(changed)[1]["role"], parts(changed)[1]["permissions"]) == ("developer", ["projects:read"])


def test_a_new_password_ends_what_clients_have(ada, console):
    given = exchange(console, code_for(console)).json
    body = {"currentPassword": "correct horse", "newPassword": "another horse"}
    assert ada("auth", "PUT", "/auth/me/password", body=body).status == 204
    assert status(given["access_token"]) == 401


@pytest.mark.parametrize("how", ["logout", "password"])
def test_a_code_ends_with_the_session_in_which_it_was_allowed(ada, console, how):
    """Else who had the browser for a moment keeps a session of a month."""
    browser = signed_in(console)
    code = returned(browser.press("allow"))["code"]
    if how == "logout":
        token = next(value for name, value in browser.cookies.items() if "authorize" not in name)
        sessions.end(ada.user["id"], tokens.read(token, frozenset({"cookie"})).session_id)
    else:
        body = {"currentPassword": "correct horse", "newPassword": "another horse"}
        assert ada("auth", "PUT", "/auth/me/password", body=body).status < 300
    assert exchange(console, code).json["error"] == "invalid_grant"


def test_a_client_without_that_grant_type_gets_no_refresh_token(ada):
    client = register(ada, redirect_uris=[BACK], grant_types=["authorization_code"], scopes=SCOPE)
    given = exchange(client, code_for(client)).json
    assert "refresh_token" not in given


@pytest.mark.parametrize(
    ("form", "code", "error"),
    [
        ({"grant_type": "password", "username": "a", "password": "b"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unauthorized_client"),
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x.y"}, 400, "invalid_grant"),
        ({}, 400, "unsupported_grant_type"),
    ],
)
def test_errors_of_the_token_endpoint_are_those_of_the_rfc(ada, console, form, code, error):
    answer = post("/oauth/token", **(own(console) | form))
    assert (answer.status, answer.json["error"]) == (code, error)
    assert answer.header("cache-control") == "no-store"


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{}", b"a=%zz&=", b""])
def test_rubbish_is_an_error_of_the_caller(ada, body):
    answer = call("auth", "enterprise", "POST", "/oauth/token", body=body or None)
    assert (answer.status, "error" in answer.json) == (400, True)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_who_sends_json_is_told_to_send_a_form(ada, console, path):
    answer = call("auth", "enterprise", "POST", path, body=own(console) | {"grant_type": "client_credentials", "token": "x"})
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert "application/x-www-form-urlencoded" in answer.json["error_description"]


# -- revocation


def test_a_revoked_access_token_ends_its_grant(ada, console):
    given = exchange(console, code_for(console)).json
    assert post("/oauth/revoke", token=given["access_token"], token_type_hint="access_token", **own(console)).status == 200
    assert status(given["access_token"]) == 401
    assert refresh(console, given["refresh_token"]).json["error"] == "invalid_grant"


def test_a_revoked_token_of_the_client_itself_stays_so(ada):
    service = register(ada, name="Service", scopes=SCOPE)
    first = post("/oauth/token", grant_type="client_credentials", **own(service)).json["access_token"]
    assert post("/oauth/revoke", token=first, **own(service)).status == 200
    second = post("/oauth/token", grant_type="client_credentials", **own(service)).json["access_token"]
    assert (status(first), status(second)) == (401, 200)


@pytest.mark.parametrize("ending", ["revoke", "remove"])
def test_a_token_that_is_asked_for_while_it_is_ended_opens_nothing_again(ada, ending):
    """Somebody ends the client's tokens between the read of the client and the write of its session."""
    service = register(ada, name="Service", scopes=SCOPE)
    ask = urlencode({"grant_type": "client_credentials"} | own(service)).encode()
    first = json.loads(token_response("", ask, "")[1])["access_token"]
    record = records.get_access(ada.user["id"])
    owner = records.build_actor(ada.user["id"], record, org_id=next(iter(record.organizations)))

    def end() -> None:
        if ending == "remove":
            delete_client(owner, service["client_id"])
        else:
            revocation_response("", urlencode({"token": first} | own(service)).encode(), "")

    with concurrently(end):
        _, refused, _ = token_response("", ask, "")
    assert json.loads(refused)["error"] == "invalid_grant"
    assert status(first) == 401


def test_two_revocations_at_once_are_both_answered(ada):
    service = register(ada, name="Service", scopes=SCOPE)
    token = post("/oauth/token", grant_type="client_credentials", **own(service)).json["access_token"]
    body = urlencode({"token": token} | own(service)).encode()
    with concurrently(lambda: revocation_response("", body, "")):
        assert revocation_response("", body, "")[2] == 200
    assert status(token) == 401


def test_nobody_revokes_what_is_anothers(ada, console):
    other = register(ada, redirect_uris=[BACK], scopes=SCOPE)
    given = exchange(console, code_for(console)).json
    for token in (given["access_token"], given["refresh_token"], str(ada.refresh), str(ada.token), "rubbish", "a.b.c"):
        assert post("/oauth/revoke", token=token, **own(other)).status == 200
    wrong = post("/oauth/revoke", token=given["access_token"], client_id=console["client_id"], client_secret="wrong")
    assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
    guessed = given["refresh_token"].partition(".")[0] + ".guessed"
    assert post("/oauth/revoke", token=guessed, **own(console)).status == 200
    assert (status(given["access_token"]), ada("auth", "GET", "/auth/me").status) == (200, 200)


# -- discovery


def test_the_server_describes_itself(aws):
    answer = call("auth", "enterprise", "GET", "/.well-known/oauth-authorization-server")
    described = answer.json
    assert described["issuer"] == settings().issuer
    assert described["code_challenge_methods_supported"] == ["S256"]
    assert described["response_types_supported"] == ["code"]
    assert sorted(described["grant_types_supported"]) == ["authorization_code", "client_credentials", "refresh_token"]
    assert described["authorization_response_iss_parameter_supported"] is True
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"):
        assert described[name].startswith(f"{settings().public_url}/enterprise/v1/")


def test_the_key_set_is_public(ada):
    (key,) = call("auth", "enterprise", "GET", "/.well-known/jwks.json").json["keys"][:1]
    assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")


def test_a_library_reports_a_refusal(ada, console):
    session: OAuth2Session = library(console["client_id"])
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        session.fetch_token(f"{BASE}/oauth/token", code="x", client_secret=console["client_secret"], code_verifier=VERIFIER)


def test_the_keys_are_kept_by_who_asks_and_counted_for_nobody(aws):
    use_client_key()
    with time_machine.travel(dt.datetime.now(dt.UTC), tick=False):
        call("auth", "enterprise", "GET", "/.well-known/jwks.json")  # they are read once a minute
        with count_requests() as seen:
            for _ in range(3):
                answer = call("auth", "enterprise", "GET", "/.well-known/jwks.json")
    assert (answer.status, answer.header("cache-control"), answer.header("x-ratelimit-limit")) == (
        200,
        "public, max-age=300",
        None,
    )
    assert seen.count == 0
