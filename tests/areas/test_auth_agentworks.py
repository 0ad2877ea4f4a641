"""agentworks: registering, logging in, staying logged in, the profile."""

import pytest

from tests.areas.driving import Client, call, sign_up


def post(path: str, **body):
    return call("auth", "agentworks", "POST", path, body=body)


def test_register_answers_tokens_and_a_profile(aws):
    answer = post("/auth/register", name="Ada Lovelace", email="Ada@Example.com", password="correct horse")
    assert answer.status == 201
    assert answer.json["emailVerificationRequired"] is True
    assert answer.json["user"]["email"] == "ada@example.com"
    assert set(answer.json["user"]["preferences"]) == {"theme", "timezone", "notifications", "editor"}
    assert "__Host-cadre_session=" in answer.header("set-cookie")
    me = Client(token=answer.json["token"])("auth", "GET", "/auth/me")
    assert (me.status, me.json) == (200, answer.json["user"])


def test_an_address_registers_once(aws):
    sign_up()
    again = post("/auth/register", name="Eve", email="ADA@example.com ", password="another phrase")
    assert (again.status, again.json["error"]["code"]) == (409, "EMAIL_ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "A", "email": "nonsense", "password": "correct horse"}, "INVALID_EMAIL_FORMAT"),
        ({"name": "A", "email": "a@b.co", "password": "short"}, "PASSWORD_TOO_WEAK"),
        ({"name": "A", "email": "a@b.co", "password": "aaaaaaaaaa"}, "PASSWORD_TOO_WEAK"),
        ({"email": "a@b.co"}, "VALIDATION_ERROR"),
        ({"name": "A", "email": "a@b.co", "password": "correct horse", "role": "owner"}, "VALIDATION_ERROR"),
    ],
)
def test_a_bad_registration_says_what_is_wrong(aws, body, code):
    answer = post("/auth/register", **body)
    assert (answer.status, answer.json["error"]["code"]) == (422, code)
    assert answer.json["validationErrors"]
    assert "correct horse" not in answer.text


def test_login_lists_the_workspaces(aws):
    sign_up()
    answer = post("/auth/login", email="ada@example.com", password="correct horse", rememberMe=True)
    assert answer.status == 200
    assert answer.json["expiresIn"] == 3600
    assert [(one["role"], one["memberCount"], one["projectCount"]) for one in answer.json["workspaces"]] == [("owner", 1, 0)]


@pytest.mark.parametrize(("email", "password"), [("ada@example.com", "wrong"), ("nobody@example.com", "correct horse")])
def test_wrong_credentials_look_the_same(aws, email, password):
    sign_up()
    answer = post("/auth/login", email=email, password=password)
    assert (answer.status, answer.json["error"]["code"], answer.json["error"]["message"]) == (
        401,
        "AUTH_INVALID_CREDENTIALS",
        "Invalid email or password",
    )


def test_a_refresh_token_rotates_and_its_reuse_ends_the_session(aws):
    ada = sign_up()
    first = post("/auth/refresh", refreshToken=ada.refresh)
    second = post("/auth/refresh", refreshToken=first.json["refreshToken"])
    assert (first.status, second.status) == (200, 200)
    stolen = post("/auth/refresh", refreshToken=ada.refresh)
    assert (stolen.status, stolen.json["error"]["code"]) == (401, "AUTH_TOKEN_INVALID")
    assert post("/auth/refresh", refreshToken=second.json["refreshToken"]).status == 401
    assert Client(token=second.json["token"])("auth", "GET", "/auth/me").status == 401


def test_a_lost_answer_does_not_lock_out(aws):
    ada = sign_up()
    post("/auth/refresh", refreshToken=ada.refresh)  # the answer never arrives
    again = post("/auth/refresh", refreshToken=ada.refresh)
    assert again.status == 200
    assert post("/auth/refresh", refreshToken=again.json["refreshToken"]).status == 200


def test_logout_bites_at_once(aws):
    ada = sign_up()
    assert ada("auth", "POST", "/auth/logout", body={}).status == 204
    after = ada("auth", "GET", "/auth/me")
    assert (after.status, after.json["error"]["code"]) == (401, "AUTH_TOKEN_INVALID")
    assert post("/auth/refresh", refreshToken=ada.refresh).status == 401


def test_the_profile_changes_and_preferences_merge(aws):
    ada = sign_up()
    answer = ada("auth", "PUT", "/auth/me", body={"name": "Ada King", "preferences": {"editor": {"tabSize": 2}, "theme": "dark"}})
    assert answer.status == 200
    assert (answer.json["name"], answer.json["preferences"]["theme"]) == ("Ada King", "dark")
    assert answer.json["preferences"]["editor"] == {"fontSize": 14, "tabSize": 2, "wordWrap": True}
    assert ada("auth", "GET", "/auth/me").json == answer.json


def test_a_new_password_ends_the_other_sessions(aws):
    ada = sign_up()
    other = post("/auth/login", email="ada@example.com", password="correct horse").json
    wrong = ada("auth", "PUT", "/auth/me/password", body={"currentPassword": "no", "newPassword": "battery staple"})
    assert (wrong.status, wrong.json["validationErrors"][0]["field"]) == (422, "currentPassword")
    right = ada("auth", "PUT", "/auth/me/password", body={"currentPassword": "correct horse", "newPassword": "battery staple"})
    assert right.status == 204
    assert ada("auth", "GET", "/auth/me").status == 200
    assert Client(token=other["token"])("auth", "GET", "/auth/me").status == 401
    assert post("/auth/login", email="ada@example.com", password="battery staple").status == 200


def test_every_answer_says_where_the_rate_limit_stands(aws):
    ada = sign_up()
    first, second = ada("auth", "GET", "/auth/me"), ada("auth", "GET", "/auth/me")
    assert first.header("X-RateLimit-Limit") == "1000"
    assert first.header("X-RateLimit-Window") == "3600"
    assert int(first.header("X-RateLimit-Remaining")) - int(second.header("X-RateLimit-Remaining")) == 1
    assert int(first.header("X-RateLimit-Reset")) > 0


def test_the_cookie_opens_the_same_door_but_not_from_another_site(aws):
    answer = post("/auth/register", name="Ada", email="ada@example.com", password="correct horse")
    cookie = answer.header("set-cookie").partition(";")[0]
    assert call("auth", "agentworks", "GET", "/auth/me", headers={"Cookie": cookie}).status == 200
    foreign = call(
        "auth", "agentworks", "PUT", "/auth/me", body={"name": "X"}, headers={"Cookie": cookie, "Origin": "https://evil.example"}
    )
    assert (foreign.status, foreign.json["error"]["code"]) == (403, "INSUFFICIENT_PERMISSIONS")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "AUTH_TOKEN_INVALID"),
        ({"Authorization": "Bearer junk"}, "AUTH_TOKEN_INVALID"),
        ({"Authorization": "Basic x"}, "AUTH_TOKEN_INVALID"),
    ],
)
def test_without_a_good_token_nobody_gets_in(aws, headers, code):
    answer = call("auth", "agentworks", "PUT", "/auth/me", body="{broken", headers=headers)
    assert (answer.status, answer.json["error"]["code"]) == (401, code)
    assert answer.json["error"]["requestId"] == answer.header("X-Request-ID")


def test_what_cannot_be_read_is_a_400_and_an_unknown_path_a_404(aws):
    ada = sign_up()
    broken = ada("auth", "PUT", "/auth/me", body="{broken")
    assert (broken.status, broken.json["error"]["code"]) == (400, "INVALID_REQUEST")
    assert ada("auth", "GET", "/auth/nowhere").json["error"]["code"] == "RESOURCE_NOT_FOUND"
    assert ada("auth", "PATCH", "/auth/me").status == 405


def test_a_post_with_a_key_happens_once(aws):
    ada, body, key = sign_up(), {"name": "Engines", "slug": "engines"}, {"Idempotency-Key": "k1"}
    first, again = (ada("workspaces", "POST", "/workspaces", body=body, headers=key) for _ in range(2))
    other = ada("workspaces", "POST", "/workspaces", body=body | {"name": "Looms"}, headers=key)
    assert (first.status, again.status, again.json) == (201, 201, first.json)
    assert again.header("Idempotent-Replayed") == "true"
    assert (other.status, other.json["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_two_answers_to_one_refresh_are_both_good_until_one_is_used(aws):
    ada = sign_up()
    one = post("/auth/refresh", refreshToken=ada.refresh).json["refreshToken"]
    other = post("/auth/refresh", refreshToken=ada.refresh).json["refreshToken"]
    kept = post("/auth/refresh", refreshToken=one)
    assert kept.status == 200
    assert post("/auth/refresh", refreshToken=other).status == 401
    assert post("/auth/refresh", refreshToken=kept.json["refreshToken"]).status == 401


def test_guesses_at_the_current_password_are_counted(aws):
    ada = sign_up()
    guess = {"currentPassword": "a wild guess", "newPassword": "battery staple"}
    answers = [ada("auth", "PUT", "/auth/me/password", body=guess).status for _ in range(11)]
    assert answers == [422] * 10 + [429]
