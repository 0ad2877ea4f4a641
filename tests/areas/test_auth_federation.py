"""agentworks: signing in at GitHub, Google and any OpenID Connect provider, played against one on loopback."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3
import jwt
import pytest
import time_machine

from shared.core import credentials
from shared.core.settings import settings
from shared.people.access import records
from shared.people.identity import one_time_tokens, sessions
from shared.people.identity.federation import oidc
from shared.people.identity.one_time_tokens import Purpose
from tests.areas.driving import Answer, Client, call, confirm_address, sign_up
from tests.areas.identity_provider import ADA, BASE, Browser, IdentityProvider, jwk, signed
from tests.areas.mailbox import requested_mails
from tests.areas.viewers import project, raw_row, stream_record
from tests.kills import concurrently


@pytest.fixture
def provider(aws, monkeypatch) -> Iterator[IdentityProvider]:
    made = IdentityProvider()
    for name, value in (made.environment() | made.environment("github")).items():
        monkeypatch.setenv(name, value)
    oidc.clear_cache()
    yield made
    made.close()


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json["error"]["code"]) == (status, code), answer.text
    assert "__Host-cadre_session" not in str(answer.headers.get("set-cookie"))


def test_where_the_browser_goes(provider):
    browser = Browser()
    url = urlsplit(browser.start())
    query = dict(parse_qsl(url.query))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{provider.url}/authorization_endpoint"
    assert query["redirect_uri"] == f"{BASE}/auth/oauth/corp/callback"
    assert (query["response_type"], query["scope"], query["code_challenge_method"]) == ("code", "openid email profile", "S256")
    assert len({query["state"], query["nonce"], query["code_challenge"], browser.cookies["__Host-cadre_sign_in"]}) == 4
    assert all(len(query[name]) == 43 for name in ("state", "nonce", "code_challenge"))


def test_a_new_person_gets_an_account_and_a_session(provider):
    browser = Browser()
    answer = browser.sign_in()
    assert answer.status == 200, answer.text
    assert set(answer.json) == {"user", "token", "refreshToken", "isNewUser"}
    assert answer.json["isNewUser"] is True
    user = answer.json["user"]
    assert (user["email"], user["name"], user["emailVerified"]) == ("ada@example.com", "Ada Lovelace", True)
    assert browser.cookies["__Host-cadre_sign_in"] == ""
    assert browser.go("/auth/me").json == user, "by the session cookie"
    ada = Client(token=answer.json["token"])
    assert [one["role"] for one in ada("workspaces", "GET", "/workspaces").json["workspaces"]] == ["owner"]
    assert call("auth", "agentworks", "POST", "/auth/refresh", body={"refreshToken": answer.json["refreshToken"]}).status == 200
    project(stream_record(raw_row(f"USER#{user['id']}")))
    assert requested_mails() == [], "the address is confirmed already"


def test_the_same_person_comes_back_whatever_their_address_is_now(provider):
    first = Browser().sign_in().json
    provider.person = ADA | {"email": "elsewhere@example.com", "email_verified": False}
    again = Browser().sign_in()
    assert (again.status, again.json["isNewUser"], again.json["user"]["id"]) == (200, False, first["user"]["id"])


def test_a_confirmed_account_is_linked(provider):
    ada = sign_up()
    confirm_address(ada)
    answer = Browser().sign_in()
    assert (answer.status, answer.json["isNewUser"], answer.json["user"]["id"]) == (200, False, ada.user["id"])
    assert ada("auth", "GET", "/auth/me").status == 200
    assert Browser().sign_in().json["user"]["id"] == ada.user["id"]
    project(stream_record(raw_row(f"USER#{ada.user['id']}")))
    (told,) = requested_mails()
    assert (told["kind"], told["to"], told["values"]["provider"]) == ("identity_linked", "ada@example.com", "corp")


def test_a_provider_opens_no_account_of_a_domain_that_it_is_not_trusted_for(provider, monkeypatch):
    ada = confirm_address(sign_up())
    monkeypatch.setenv("OAUTH_CORP_DOMAINS", "elsewhere.example")
    refused(Browser().sign_in(), 409, "EMAIL_ALREADY_EXISTS")
    linked = Browser(cookies=logged_in()).sign_in()
    assert (linked.status, linked.json["isNewUser"], linked.json["user"]["id"]) == (200, False, ada.user["id"])
    assert Browser().sign_in().json["user"]["id"] == ada.user["id"], "from now on without a password"


def logged_in(email: str = "ada@example.com") -> dict[str, str]:
    """The session cookie of a new login."""
    body = {"email": email, "password": "correct horse"}
    answer = call("auth", "agentworks", "POST", "/auth/login", body=body)
    name, _, value = str(answer.header("set-cookie")).partition(";")[0].partition("=")
    return {name: value}


APP = "https://app.agentworks.dev"


@pytest.mark.parametrize(
    ("page", "links"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site", "Referer": f"{APP}/settings"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/"}, False),
        ({"Sec-Fetch-Site": "same-site", "Referer": "https://other.agentworks.dev/"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({}, False),
    ],
)
def test_another_sites_page_links_no_identity_to_whoever_is_logged_in(provider, settings_of, monkeypatch, page, links):
    """A page that first signs the browser in at the provider as somebody else would open the account to them."""
    confirm_address(sign_up())
    monkeypatch.setenv("OAUTH_CORP_DOMAINS", "")
    settings_of(allowed_origins=APP)
    assert Browser(cookies=logged_in(), page=page).sign_in().status == (200 if links else 409)


def test_a_sign_in_that_began_in_a_session_ends_with_it(provider, monkeypatch):
    """Whoever registered a stranger's address could begin one before the stranger confirms it, and finish it after."""
    stranger = sign_up()
    monkeypatch.setenv("OAUTH_CORP_DOMAINS", "")
    browser = Browser(cookies=logged_in())
    back = browser.at_provider(browser.start())
    token, _ = one_time_tokens.issue(Purpose.VERIFY, stranger.user["id"], email="ada@example.com")
    assert call("auth", "agentworks", "POST", "/auth/verify-email", body={"token": token}).status == 200
    refused(browser.back(back), 409, "EMAIL_ALREADY_EXISTS")
    refused(Browser().sign_in(), 409, "EMAIL_ALREADY_EXISTS")


def test_a_session_that_ends_while_a_sign_in_is_finished_links_nothing(provider, monkeypatch):
    ada = confirm_address(sign_up())
    monkeypatch.setenv("OAUTH_CORP_DOMAINS", "")
    browser = Browser(cookies=logged_in())
    back = browser.at_provider(browser.start())

    def end_sessions() -> None:
        for one in dict(records.get_access(ada.user["id"]).sessions):
            sessions.end(ada.user["id"], one)

    with concurrently(end_sessions, calls={"TransactWriteItems"}):
        refused(browser.back(back), 401, "AUTH_TOKEN_INVALID")
    refused(Browser().sign_in(), 409, "EMAIL_ALREADY_EXISTS")


def test_an_address_in_a_domain_that_looks_alike_is_another_person(provider):
    """By the standard of 2003 the two domains were one."""
    ada = confirm_address(sign_up(email="ada@strasse.example"))
    provider.person = ADA | {"email": "ada@straße.example"}
    answer = Browser().sign_in()
    assert (answer.json["isNewUser"], answer.json["user"]["email"]) == (True, "ada@straße.example")
    assert answer.json["user"]["id"] != ada.user["id"]


def test_a_login_links_no_identity_with_another_address(provider, monkeypatch):
    ada, eve = confirm_address(sign_up()), confirm_address(sign_up("Eve", "eve@example.com"))
    monkeypatch.setenv("OAUTH_CORP_DOMAINS", "")
    refused(Browser(cookies=logged_in("eve@example.com")).sign_in(), 409, "EMAIL_ALREADY_EXISTS")
    assert {one("auth", "GET", "/auth/me").status for one in (ada, eve)} == {200}


def test_an_account_of_a_provider_that_is_not_trusted_begins_unconfirmed(provider, monkeypatch):
    monkeypatch.setenv("OAUTH_CORP_DOMAINS", "")
    founded = Browser().sign_in().json
    assert (founded["isNewUser"], founded["user"]["emailVerified"]) == (True, False)
    assert Browser().sign_in().json["user"]["id"] == founded["user"]["id"]
    token = reset_token()
    body = {"token": token, "newPassword": "battery staple"}
    assert call("auth", "agentworks", "POST", "/auth/reset-password", body=body).status == 204, "the address's owner comes"
    assert Client(token=founded["token"])("auth", "GET", "/auth/me").status == 401
    refused(Browser().sign_in(), 409, "EMAIL_ALREADY_EXISTS")


def reset_token() -> str:
    requested_mails()
    assert call("auth", "agentworks", "POST", "/auth/forgot-password", body={"email": "ada@example.com"}).status == 202
    (message,) = requested_mails()
    return message["values"]["url"].rpartition("token=")[2]


@pytest.mark.parametrize(
    "email",
    [
        ["ada@example.com"],
        {"a": 1},
        7,
        "ada@example.com\nBcc: x@example.com",
        "ada",
        "@",
        "a@b@c",
        " ",
        "ada@example.com, x@y.co",
    ],
)
def test_an_address_that_is_none_founds_nothing(provider, email):
    provider.person = ADA | {"email": email}
    refused(Browser().sign_in(), 403, "SIGN_IN_EMAIL_UNCONFIRMED")


@pytest.mark.parametrize("subject", [7, ["ada-1"], "", "x" * 256, True])
def test_a_subject_that_is_none_is_no_crash(provider, subject):
    provider.spoil = changed(sub=subject)
    answer = Browser().sign_in()
    assert (answer.status, answer.json["error"]["code"]) in {
        (401, "SIGN_IN_UNVERIFIED"),
        (503, "EXTERNAL_SERVICE_UNAVAILABLE"),
    }, answer.text


def test_names_and_pictures_of_a_provider_are_harmless(provider):
    provider.person = ADA | {"name": "Ada\r\nBcc: x\x00", "picture": "https://user@evil.example/\n"}
    user = Browser().sign_in().json["user"]
    assert (user["name"], user.get("avatarUrl")) == ("Ada Bcc: x", None)
    provider.person = ADA | {"sub": "eve-1", "email": "eve@example.com", "name": ["Eve"], "picture": {"url": 1}}
    assert Browser().sign_in().json["user"]["name"] == "eve"


@pytest.mark.parametrize("keys", [None, {}, "x", [None], [[]], [7]])
def test_keys_that_are_none_are_no_crash(provider, keys):
    provider.keys = keys
    refused(Browser().sign_in(), 401, "SIGN_IN_UNVERIFIED")


@pytest.mark.parametrize("methods", [None, 7, "client_secret_basic", {}, []])
def test_odd_methods_of_a_provider_are_no_crash(provider, methods):
    provider.about = {"token_endpoint_auth_methods_supported": methods}
    assert Browser().sign_in().status == 200


def test_an_account_that_never_confirmed_its_address_is_not_handed_over(provider):
    """Whoever registered with somebody else's address would share the account with its owner."""
    sign_up()
    refused(Browser().sign_in(), 409, "EMAIL_ALREADY_EXISTS")


@pytest.mark.parametrize("verified", [False, None, "false", 1])
def test_an_address_that_the_provider_does_not_vouch_for(provider, verified):
    ada = sign_up()
    confirm_address(ada)
    provider.person = ADA | {"email_verified": verified}
    refused(Browser().sign_in(), 403, "SIGN_IN_EMAIL_UNCONFIRMED")


def test_two_providers_lead_to_one_account(provider):
    first = Browser().sign_in().json
    second = Browser("github").sign_in()
    assert (second.status, second.json["isNewUser"], second.json["user"]["id"]) == (200, False, first["user"]["id"])


# -- GitHub


def test_github(provider):
    answer = Browser("github").sign_in()
    assert (answer.status, answer.json["isNewUser"]) == (200, True)
    assert answer.json["user"]["avatarUrl"] == "https://example.com/ada.png"
    assert answer.json["user"]["email"] == "ada@example.com"


def test_github_with_an_address_that_is_not_confirmed(provider):
    provider.person = ADA | {"email_verified": False}
    refused(Browser("github").sign_in(), 403, "SIGN_IN_EMAIL_UNCONFIRMED")


def test_github_refuses_a_code(provider):
    refused(Browser("github").sign_in(code="made-up"), 401, "SIGN_IN_UNVERIFIED")


def test_github_fails(provider):
    provider.fail["/api/v3/user/emails"] = (500, "{}")
    refused(Browser("github").sign_in(), 503, "EXTERNAL_SERVICE_UNAVAILABLE")


# -- what must not work


def test_a_sign_in_is_finished_once(provider):
    browser = Browser()
    address = browser.at_provider(browser.start())
    kept = dict(browser.cookies)
    assert browser.back(address).status == 200
    refused(Browser(cookies=kept).back(address), 401, "ONE_TIME_TOKEN_INVALID")


def test_a_code_is_good_once(provider):
    """Shown to the provider again under a new sign-in."""
    browser = Browser()
    address = browser.at_provider(browser.start())
    used = dict(parse_qsl(urlsplit(address).query))["code"]
    assert browser.back(address).status == 200
    refused(Browser().sign_in(code=used), 401, "SIGN_IN_UNVERIFIED")


def test_another_browser_cannot_finish_it(provider):
    """An attacker's own sign-in, finished in somebody else's browser."""
    attacker = Browser()
    address = attacker.at_provider(attacker.start())
    for victim in (Browser(), Browser(cookies={"__Host-cadre_sign_in": "x"})):
        refused(victim.back(address), 401, "ONE_TIME_TOKEN_INVALID")
    other = Browser()
    other.start()
    refused(other.back(address), 401, "ONE_TIME_TOKEN_INVALID")


def test_a_code_of_another_sign_in_fails_its_proof(provider):
    attacker, victim = Browser(), Browser()
    stolen = dict(parse_qsl(urlsplit(victim.at_provider(victim.start())).query))["code"]
    refused(attacker.sign_in(code=stolen), 401, "SIGN_IN_UNVERIFIED")


def test_a_state_of_another_provider(provider):
    browser = Browser()
    address = browser.at_provider(browser.start())
    query = urlsplit(address).query
    refused(browser.go(f"/auth/oauth/github/callback?{query}"), 401, "ONE_TIME_TOKEN_INVALID")


def test_another_issuer_sends_the_browser_back(provider):
    refused(Browser().sign_in(iss="https://evil.example"), 401, "SIGN_IN_UNVERIFIED")


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x", "?state=x&code=y", "?error=access_denied"])
def test_a_callback_out_of_nowhere(provider, query):
    refused(Browser().go(f"/auth/oauth/corp/callback{query}"), 401, "ONE_TIME_TOKEN_INVALID")


def test_a_sign_in_waits_ten_minutes(provider):
    browser = Browser()
    with time_machine.travel("2026-11-26T10:00:00Z", tick=False) as now:
        address = browser.at_provider(browser.start())
        now.shift(600)
        refused(browser.back(address), 401, "ONE_TIME_TOKEN_EXPIRED")


def test_a_person_who_declines(provider):
    provider.person = None
    browser = Browser()
    answer = browser.sign_in()
    refused(answer, 401, "SIGN_IN_DECLINED")
    assert "declined at corp" in answer.json["error"]["details"]["reason"]
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        ("server_error", 503, "EXTERNAL_SERVICE_UNAVAILABLE"),
        ("invalid_scope", 401, "SIGN_IN_DECLINED"),
        ("<b>", 401, "SIGN_IN_DECLINED"),
    ],
)
def test_a_provider_that_refuses(provider, error, status, code):
    answer = Browser().sign_in(error=error, code="")
    refused(answer, status, code)
    assert "<b>" not in answer.text


def test_nothing_but_a_state_comes_back(provider):
    refused(Browser().sign_in(code=""), 422, "VALIDATION_ERROR")


def changed(**claims):
    return lambda real: {name: value for name, value in (real | claims).items() if value is not None}


@pytest.mark.parametrize(
    "spoil",
    [
        changed(nonce="another"),
        changed(nonce=None),
        changed(iss="https://evil.example"),
        changed(aud="somebody-else"),
        changed(aud=["cadre-tests", "somebody-else"]),
        changed(aud=["cadre-tests", "x"], azp="x"),
        changed(azp="somebody-else"),
        changed(exp=1_700_000_000),
        changed(exp=None),
        changed(iat=None),
        changed(iat=4_000_000_000),
        changed(sub=None),
    ],
)
def test_an_id_token_that_says_the_wrong_thing(provider, spoil):
    provider.spoil = spoil
    refused(Browser().sign_in(), 401, "SIGN_IN_UNVERIFIED")


def unsigned(claims) -> str:
    return jwt.encode(claims, None, algorithm="none", headers={"kid": "first"})


def by_secret(claims) -> str:
    """Signed with what everybody can read: the public key as an HMAC secret."""
    return jwt.encode(claims, jwk()["n"].encode(), algorithm="HS256", headers={"kid": "first"})


def tampered(claims) -> str:
    head, _, signature = signed(claims).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims | {"email": "eve@example.com"}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        by_secret,
        tampered,
        lambda _: "no token",
        lambda _: "",
        lambda claims: signed(claims, "second"),
        lambda claims: signed(claims, "second").replace(signed(claims, "second").split(".")[0], signed(claims).split(".")[0]),
        lambda claims: signed(claims).rpartition(".")[0] + ".",
        lambda claims: signed(claims, algorithm="PS256"),
    ],
)
def test_an_id_token_that_the_provider_did_not_sign(provider, sign):
    provider.sign = sign
    refused(Browser().sign_in(), 401, "SIGN_IN_UNVERIFIED")


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_key_that_is_too_small_is_none(provider):
    provider.keys = [jwk("small", 1024)]
    provider.sign = lambda claims: signed(claims, "small", bits=1024)
    refused(Browser().sign_in(), 401, "SIGN_IN_UNVERIFIED")


@pytest.mark.parametrize("algorithm", ["RS384", "RS512"])
def test_longer_digests(provider, algorithm):
    provider.keys = [{name: value for name, value in jwk().items() if name != "alg"}]
    provider.sign = lambda claims: signed(claims, algorithm=algorithm)
    assert Browser().sign_in().status == 200


def test_a_key_that_was_replaced_is_found(provider, monkeypatch):
    assert Browser().sign_in().status == 200
    provider.keys, provider.sign = [jwk("second")], lambda claims: signed(claims, "second")
    refused(Browser().sign_in(), 401, "SIGN_IN_UNVERIFIED")  # asked less than a minute ago
    monkeypatch.setattr(oidc, "KEY_REFETCH_S", 0.0)
    before = provider.asked.count("/keys")
    assert Browser().sign_in().status == 200
    assert Browser().sign_in().status == 200
    assert provider.asked.count("/keys") == before + 1


def test_who_it_is_may_be_asked_apart(provider):
    provider.spoil = changed(email=None, email_verified=None, name=None)
    answer = Browser().sign_in()
    assert (answer.status, answer.json["user"]["name"]) == (200, "Ada Lovelace")
    provider.spoil = changed(email=None, sub="somebody-else")
    refused(Browser().sign_in(), 401, "SIGN_IN_UNVERIFIED")


def test_a_provider_that_wants_the_secret_in_the_body(provider):
    provider.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert Browser().sign_in().status == 200


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/.well-known/openid-configuration", 500, "{}"),
        ("/.well-known/openid-configuration", 200, "<html>"),
        ("/.well-known/openid-configuration", 200, "[]"),
        ("/.well-known/openid-configuration", 404, "{}"),
        ("/.well-known/openid-configuration", 302, "{}"),
        ("/.well-known/openid-configuration", 200, '{"issuer": "https://evil.example"}'),
        ("/.well-known/openid-configuration", 200, json.dumps({"x": "y" * 1_100_000})),
    ],
)
def test_a_provider_that_cannot_be_found(provider, path, status, body):
    provider.fail[path] = (status, body)
    answer = Browser().go("/auth/oauth/corp")
    refused(answer, 503, "EXTERNAL_SERVICE_UNAVAILABLE")
    assert provider.url not in answer.text


@pytest.mark.parametrize(("path", "status"), [("/keys", 500), ("/token_endpoint", 503)])
def test_a_provider_that_fails_later(provider, path, status):
    provider.fail[path] = (status, "{}")
    refused(Browser().sign_in(), 503, "EXTERNAL_SERVICE_UNAVAILABLE")


def test_a_provider_that_is_gone(provider, monkeypatch):
    monkeypatch.setenv("OAUTH_CORP_ISSUER", "http://127.0.0.1:9")
    refused(Browser().go("/auth/oauth/corp"), 503, "EXTERNAL_SERVICE_UNAVAILABLE")


def test_a_client_that_the_provider_does_not_know(provider, monkeypatch):
    monkeypatch.setenv("OAUTH_CORP_CLIENT_SECRET", "wrong")
    answer = Browser().sign_in()
    refused(answer, 422, "PROVIDER_NOT_CONFIGURED")


# -- settings


def test_providers_that_are_not_set_up(aws):
    for name in ("github", "google"):
        answer = Browser().go(f"/auth/oauth/{name}")
        refused(answer, 422, "PROVIDER_NOT_CONFIGURED")
        assert f"OAUTH_{name.upper()}_CLIENT_ID" in answer.json["error"]["details"]["reason"]
    for name in ("corp", "GITHUB", "x" * 60, "..", "a_b"):
        refused(Browser().go(f"/auth/oauth/{name}"), 404, "PROVIDER_NOT_FOUND")
        refused(Browser().go(f"/auth/oauth/{name}/callback?code=x&state=y"), 404, "PROVIDER_NOT_FOUND")


@pytest.fixture
def settings_of(monkeypatch):
    def set_them(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"CADRE_{name.upper()}", value)
        settings.cache_clear()

    yield set_them
    monkeypatch.undo()
    settings.cache_clear()
    credentials.clear_cache()


def test_clients_come_from_the_secret(provider, settings_of, monkeypatch):
    for name in provider.environment():
        monkeypatch.delenv(name)
    boto3.client("secretsmanager").create_secret(Name="oauth", SecretString=json.dumps(provider.environment()))
    settings_of(oauth_secret="oauth")
    assert Browser().sign_in().status == 200


def test_only_a_laptop_speaks_plain_http(provider, settings_of):
    settings_of(stage="prod", edge_keys="the-key")
    refused(Browser(page={"x-cadre-edge": "the-key"}).go("/auth/oauth/corp"), 503, "EXTERNAL_SERVICE_UNAVAILABLE")
    assert provider.asked == []


def test_a_domain_of_its_own_is_where_the_browser_comes_back(provider, settings_of):
    settings_of(agentworks_url="https://api.agentworks.dev/v1")
    query = dict(parse_qsl(urlsplit(Browser().start()).query))
    assert query["redirect_uri"] == "https://api.agentworks.dev/v1/auth/oauth/corp/callback"


def test_the_sign_in_may_end_at_a_page_of_ours(provider, settings_of):
    settings_of(allowed_origins="https://app.agentworks.dev,*")
    browser = Browser()
    answer = browser.back(browser.at_provider(browser.start("?returnTo=https://app.agentworks.dev/home?tab=1")))
    assert (answer.status, answer.header("location"), answer.text) == (302, "https://app.agentworks.dev/home?tab=1", "")
    assert browser.go("/auth/me").status == 200


def test_a_page_may_have_letters_of_any_script_in_its_address(provider, settings_of):
    settings_of(allowed_origins="https://app.agentworks.dev")
    browser = Browser()
    query = urlencode({"returnTo": "https://app.agentworks.dev/日本?q=ü&r=%20"})
    answer = browser.back(browser.at_provider(browser.start(f"?{query}")))
    assert (answer.status, answer.header("location")) == (302, "https://app.agentworks.dev/%E6%97%A5%E6%9C%AC?q=%C3%BC&r=%20")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "/home",
        "javascript:alert(1)",
        "https://app.agentworks.dev@evil.example/",
        "http://app.agentworks.dev/",
        "https://app.agentworks.dev:8443/",
        "https://[",
        "x" * 3000,
        "https://app.agentworks.dev/\r\nSet-Cookie: a=b",
        "https://app.agentworks.dev/a b",
    ],
)
def test_a_sign_in_ends_nowhere_else(provider, settings_of, address):
    settings_of(allowed_origins="https://app.agentworks.dev")
    refused(Browser().go(f"/auth/oauth/corp?{urlencode({'returnTo': address})}"), 422, "VALIDATION_ERROR")
