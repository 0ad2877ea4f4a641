"""One account, five contracts: registering, logging in, refreshing and logging out in the other contracts' own words."""

import jwt
import pytest
import time_machine

from shared.core.actor import Role
from shared.core.ids import is_id
from shared.core.scopes import SCOPES
from shared.core.settings import settings
from shared.people.access import records
from shared.store import update_now
from tests.areas.driving import Client, call, sign_up
from tests.trips import count_requests

CREDENTIALS = {"email": "ada@example.com", "password": "correct horse"}
ME = {"agentworks": "/auth/me", "orchestrator": "/users/me", "omoios": "/auth/me"}


def post(contract: str, path: str, body=None, **headers: str):
    return call("auth", contract, "POST", path, body=body, headers=headers)


def login(contract: str) -> dict:
    answer = post(contract, "/auth/login", CREDENTIALS)
    assert answer.status == 200, answer.text
    return answer.json["data"] if contract == "aintandem" else answer.json


def as_role(ada: Client, role: Role) -> None:
    """Ada's role in her own organization, as somebody else would have changed it."""
    record = records.find_access(ada.user["id"])
    org_id = next(iter(record.organizations))
    update_now(records.key_row(ada.user["id"]), [records.Access.organizations[org_id].set(role.value)])


# -- aintandem


def test_aintandem_registers_a_user_and_shows_no_tokens(aws):
    answer = post("aintandem", "/auth/register", CREDENTIALS | {"name": "Ada Lovelace", "organization": "Analytical Engines"})
    assert answer.status == 201
    assert set(answer.json) == {"success", "data", "meta"}
    assert set(answer.json["data"]) == {"user_id", "email", "name", "created_at"}
    assert answer.json["data"]["user_id"].startswith("usr_")
    assert answer.json["meta"]["version"] == "1.0.0"
    assert answer.header("set-cookie") is None
    user_id = answer.json["data"]["user_id"].removeprefix("usr_")
    assert records.find_access(user_id).sessions == {}
    workspaces = post("agentworks", "/auth/login", CREDENTIALS).json["workspaces"]
    assert [one["name"] for one in workspaces] == ["Analytical Engines"]


def test_aintandem_login_and_refresh_keep_the_refresh_token(aws):
    sign_up()
    first = login("aintandem")
    assert set(first) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert set(first["user"]) == {"user_id", "email", "name"}
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 3600)
    for _ in range(2):
        again = post("aintandem", "/auth/refresh", {"refresh_token": first["refresh_token"]})
        assert (again.status, set(again.json["data"])) == (200, {"access_token", "expires_in"})
    assert Client("agentworks", again.json["data"]["access_token"])("auth", "GET", "/auth/me").status == 200


def test_aintandem_logout_is_a_204_and_bites_at_once(aws):
    sign_up()
    opened = login("aintandem")
    ada = Client("aintandem", opened["access_token"])
    out = ada("auth", "POST", "/auth/logout")
    assert (out.status, out.text) == (204, "")
    again = ada("auth", "POST", "/auth/logout")
    assert (again.status, again.json["error"]["code"], again.json["success"]) == (401, "AUTHENTICATION_FAILED", False)
    assert post("aintandem", "/auth/refresh", {"refresh_token": opened["refresh_token"]}).status == 401


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"email": "nonsense"}, "email"), ({"password": "short"}, "password"), ({"name": "  "}, "name"), ({"name": None}, "name")],
)
def test_aintandem_says_which_field_is_wrong(aws, changed, field):
    answer = post("aintandem", "/auth/register", CREDENTIALS | {"name": "Ada"} | changed)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert [one["field"] for one in answer.json["error"]["details"]["fields"]] == [field]


@pytest.mark.parametrize("organization", ["A\x00B", "A\x1b[31m"])
def test_aintandem_takes_no_control_characters_in_the_name_of_an_organization(aws, organization):
    answer = post("aintandem", "/auth/register", CREDENTIALS | {"name": "Ada", "organization": organization})
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert [one["field"] for one in answer.json["error"]["details"]["fields"]] == ["organization"]


def test_aintandem_knows_the_address_already(aws):
    sign_up()
    answer = post("aintandem", "/auth/register", CREDENTIALS | {"name": "Ada"})
    assert (answer.status, answer.json["error"]["code"]) == (409, "RESOURCE_ALREADY_EXISTS")


def test_aintandem_takes_ten_attempts_a_minute_from_one_network_address_for_all_accounts_together(aws):
    sign_up()
    bodies = [CREDENTIALS] * 5 + [{"email": f"p{n}@example.com", "password": "x"} for n in range(6)]
    with time_machine.travel("2026-11-26T10:00:00Z", tick=False):  # one minute
        answers = [post("aintandem", "/auth/login", body) for body in bodies]
        assert post("aintandem", "/auth/login", CREDENTIALS).status == 429  # another account
        assert post("orchestrator", "/auth/login", CREDENTIALS).status == 200  # another contract
    assert [one.status for one in answers] == [200] * 5 + [401] * 5 + [429]
    last = answers[-1]
    assert last.json["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert last.json["error"]["details"]["limit"] == 10
    assert (last.header("X-RateLimit-Limit"), last.header("X-RateLimit-Remaining")) == ("10", "0")
    assert 1 <= int(last.header("Retry-After")) <= 60


# -- orchestrator


def test_orchestrator_login_shows_names_and_tier(aws):
    ada = sign_up()
    answer = login("orchestrator")
    assert set(answer) == {"access_token", "refresh_token", "expires_in", "token_type", "user"}
    assert answer["token_type"] == "Bearer"
    assert answer["user"] == {
        "id": ada.user["id"],
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "subscription_tier": "free",
    }


def test_orchestrator_refresh_does_not_rotate(aws):
    sign_up()
    token = login("orchestrator")["refresh_token"]
    for _ in range(2):
        again = post("orchestrator", "/auth/refresh", {"refresh_token": token})
        assert (again.status, set(again.json)) == (200, {"access_token", "expires_in", "token_type"})
    assert post("orchestrator", "/auth/refresh", {"refresh_token": token + "x"}).json["error"]["code"] == "AUTHENTICATION_ERROR"


def test_orchestrator_logout_says_so(aws):
    sign_up()
    ada = Client("orchestrator", login("orchestrator")["access_token"])
    assert (ada("auth", "POST", "/auth/logout").status, ada("auth", "GET", "/users/me").status) == (200, 401)
    assert Client("orchestrator", login("orchestrator")["access_token"])("auth", "POST", "/auth/logout").json == {
        "message": "Successfully logged out"
    }


def test_orchestrator_profile_follows_the_name_in_other_contracts(aws):
    ada = sign_up()
    mine = ada.at("orchestrator")
    profile = mine("auth", "GET", "/users/me")
    assert set(profile.json) == {
        "id", "email", "first_name", "last_name", "subscription_tier", "created_at", "last_login_at", "email_verified",
    }  # fmt: skip
    changed = mine("auth", "PUT", "/users/me", body={"last_name": "King", "unknown": 1})
    assert changed.status == 200
    assert set(changed.json) == {"id", "email", "first_name", "last_name", "subscription_tier", "updated_at"}
    assert ada("auth", "GET", "/auth/me").json["name"] == "Ada King"
    ada("auth", "PUT", "/auth/me", body={"name": "Grace Brewster Hopper"})
    after = mine("auth", "GET", "/users/me").json
    assert (after["first_name"], after["last_name"]) == ("Grace Brewster", "Hopper")


@pytest.mark.parametrize("body", [{"first_name": ""}, {"first_name": " "}, {"last_name": "x" * 61}, {"first_name": 7}])
def test_orchestrator_refuses_bad_names_with_a_400(aws, body):
    answer = sign_up().at("orchestrator")("auth", "PUT", "/users/me", body=body)
    assert (answer.status, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert [one["field"] for one in answer.json["error"]["details"]] == list(body)


# -- omoios


def test_omoios_login_shows_no_refresh_token(aws):
    ada = sign_up()
    answer = login("omoios")
    assert set(answer) == {"access_token", "token_type", "expires_in", "user"}
    assert answer["token_type"] == "bearer"
    assert answer["user"] == {"id": ada.user["id"], "email": "ada@example.com", "name": "Ada Lovelace", "role": "admin"}


def test_omoios_logout_says_so(aws):
    sign_up()
    ada = Client("omoios", login("omoios")["access_token"])
    assert ada("auth", "POST", "/auth/logout").json == {"status": "logged_out"}
    assert ada("auth", "GET", "/auth/me").status == 401


@pytest.mark.parametrize(
    ("role", "shown", "permissions"),
    [
        (Role.OWNER, "admin", ["create_tickets", "spawn_agents", "view_costs"]),
        (Role.ADMIN, "admin", ["create_tickets", "spawn_agents", "view_costs"]),
        (Role.MEMBER, "member", ["create_tickets", "spawn_agents", "view_costs"]),
        (Role.VIEWER, "viewer", []),
    ],
)
def test_omoios_shows_what_the_role_may_do(aws, role, shown, permissions):
    ada = sign_up()
    as_role(ada, role)
    answer = ada.at("omoios")("auth", "GET", "/auth/me")
    assert answer.json == {
        "id": ada.user["id"],
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "role": shown,
        "permissions": permissions,
    }
    assert login("omoios")["user"]["role"] == shown


# -- all of them


@pytest.mark.parametrize("issuer", ["agentworks", "aintandem", "orchestrator", "omoios"])
def test_a_token_opens_every_contract(aws, issuer):
    sign_up()
    opened = login(issuer)
    token = opened.get("access_token") or opened["token"]
    assert {name: Client(name, token)("auth", "GET", path).status for name, path in ME.items()} == dict.fromkeys(ME, 200)


@pytest.mark.parametrize("issuer", ["agentworks", "aintandem", "orchestrator", "omoios"])
def test_the_claims_of_a_token_are_those_of_the_enterprise_document(aws, issuer):
    ada = sign_up()
    opened = login(issuer)
    token = opened.get("access_token") or opened["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    named = {name: claims[name] for name in ("sub", "email", "role", "iss")}
    assert named == {"sub": ada.user["id"], "email": "ada@example.com", "role": "admin", "iss": settings().issuer}
    assert (claims["exp"] - claims["iat"], sorted(claims["permissions"])) == (3600, sorted(SCOPES))
    assert is_id(claims["org"])
    assert claims.keys() - {*named, "org", "permissions", "iat", "exp"} == {"jti", "sid", "typ", "ctr", "plan"}


REFRESH = {"agentworks": "refreshToken", "aintandem": "refresh_token", "orchestrator": "refresh_token"}


def refresh(contract: str, token: str):
    return post(contract, "/auth/refresh", {REFRESH[contract]: token})


@pytest.mark.parametrize("contract", REFRESH)
def test_a_stale_refresh_token_ends_its_session_whichever_contract_is_asked(aws, contract):
    ada = sign_up()
    second = refresh("agentworks", ada.refresh).json["refreshToken"]
    third = refresh("agentworks", second).json["refreshToken"]
    assert refresh(contract, ada.refresh).status == 401
    assert [refresh(name, third).status for name in REFRESH] == [401] * 3
    assert {name: ada.at(name)("auth", "GET", path).status for name, path in ME.items()} == dict.fromkeys(ME, 401)


@pytest.mark.parametrize("contract", ["aintandem", "orchestrator"])
def test_a_token_that_rotates_is_not_used_for_ever_at_a_contract_that_does_not_replace_it(aws, contract):
    """A stolen one is noticed when its owner refreshes."""
    ada = sign_up()
    second = refresh("agentworks", ada.refresh).json["refreshToken"]
    assert refresh(contract, second).status == 200
    assert refresh(contract, second).status == 200, "its successor was never handed out: the client goes on with it"
    third = refresh("agentworks", second).json["refreshToken"]
    assert refresh("agentworks", third).status == 200
    assert refresh(contract, second).status == 401
    assert ada("auth", "GET", "/auth/me").status == 401


@pytest.mark.parametrize("contract", ["aintandem", "orchestrator"])
def test_a_token_that_does_not_rotate_stays_good_wherever_it_is_refreshed(aws, contract):
    sign_up()
    token = login(contract)["refresh_token"]
    for _ in range(2):
        assert refresh("agentworks", token).json["refreshToken"] == token
        assert refresh(contract, token).status == 200
    assert refresh("agentworks", token + "x").status == 401
    assert refresh(contract, token).status == 200


@pytest.mark.parametrize("contract", ["agentworks", "aintandem", "orchestrator", "omoios"])
@pytest.mark.parametrize("who", ["ada@example.com", "nobody@example.com", "nobody@" + "x" * 243 + ".com"])
def test_wrong_credentials_look_the_same_everywhere(aws, contract, who):
    sign_up()
    answer = post(contract, "/auth/login", {"email": who, "password": "wrong"})
    expected = {"agentworks": "AUTH_INVALID_CREDENTIALS", "aintandem": "AUTHENTICATION_FAILED"}
    assert answer.status == 401
    assert answer.json["error"]["code"] == expected.get(contract, "AUTHENTICATION_ERROR")
    if contract == "agentworks":  # its document has these words for the code
        assert answer.json["error"]["message"] == "Invalid email or password"
    elif contract == "orchestrator":  # its document's details are a list of fields
        assert answer.json["error"]["details"] == [{"field": "request", "message": "Invalid email or password"}]
    else:
        assert answer.json["error"]["details"] == {"reason": "Invalid email or password"}


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_the_eleventh_guess_has_to_wait_whoever_it_is(aws, email):
    sign_up()
    contracts = ["orchestrator", "omoios"]
    answers = [post(contracts[n % 2], "/auth/login", {"email": email, "password": f"guess {n}"}) for n in range(11)]
    assert [one.status for one in answers] == [401] * 10 + [429]
    assert answers[-1].json["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert int(answers[-1].header("Retry-After")) <= 900
    right = post("agentworks", "/auth/login", {"email": email, "password": "correct horse"})
    assert right.status == 429  # even the right password: otherwise waiting would be no hindrance


def test_the_right_password_forgets_the_wrong_ones(aws):
    sign_up()
    for _ in range(3):
        answers = [post("omoios", "/auth/login", CREDENTIALS | {"password": "wrong"}).status for _ in range(9)]
        assert answers == [401] * 9
        assert post("omoios", "/auth/login", CREDENTIALS).status == 200


def test_a_locked_account_stays_open_where_it_is_logged_in(aws):
    ada = sign_up()
    for n in range(12):
        post("omoios", "/auth/login", {"email": "ada@example.com", "password": f"guess {n}"})
    assert ada("auth", "GET", "/auth/me").status == 200


# -- what it costs, in round trips


def test_round_trips(aws):
    ada = sign_up()
    ada("auth", "GET", "/auth/me")  # the first request of an hour also starts the window
    post("orchestrator", "/auth/login", CREDENTIALS)
    cost = {}
    for name, request in {
        "me": lambda: ada("auth", "GET", "/auth/me"),
        "omoios me": lambda: ada.at("omoios")("auth", "GET", "/auth/me"),
        "login": lambda: post("orchestrator", "/auth/login", CREDENTIALS),
        "register": lambda: post("agentworks", "/auth/register", {**CREDENTIALS, "email": "b@b.co", "name": "B"}),
        "refresh": lambda: post("agentworks", "/auth/refresh", {"refreshToken": ada.refresh}),
        "update": lambda: ada("auth", "PUT", "/auth/me", body={"name": "Ada King"}),
        "logout": lambda: ada("auth", "POST", "/auth/logout", body={}),
    }.items():
        ada.at("omoios")("auth", "GET", "/auth/me") if name == "omoios me" else None
        with count_requests() as seen:
            assert request().status < 300
        cost[name] = seen.names
    assert cost["me"] == ["BatchGetItem"]
    assert cost["omoios me"] == ["GetItem"]
    # the address; guesses from here and from here at this account; those in all (with the access record); all writes at once
    assert cost["login"] == ["UpdateItem", "TransactWriteItems", "UpdateItem", "TransactWriteItems"]
    assert len(cost["register"]) <= 3
    assert len(cost["refresh"]) <= 5
    assert cost["update"] == ["BatchGetItem", "TransactWriteItems"]
    assert cost["logout"] == ["GetItem", "TransactWriteItems"]
