"""What callers may send by mistake or malice: never a 5xx, always the contract's own form."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from shared.core.settings import settings
from shared.edge.contracts import contract as contract_named
from shared.edge.http.json_body import parse
from shared.people.access.records import Access
from shared.store import get
from tests.areas.driving import Answer, Context, call, event, sign_up

CONTRACTS = ("agentworks", "aintandem", "orchestrator", "omoios")
UPDATE = {"agentworks": ("PUT", "/auth/me"), "orchestrator": ("PUT", "/users/me")}
LOGIN = ("POST", "/auth/login")


def well_formed(contract: str, answer: Answer, status: int) -> str:
    """The error's code, after checking that it has the contract's form."""
    assert answer.status == status, answer.text
    assert answer.header("content-type") == "application/json"
    contract_named(contract).error_model.model_validate(answer.json, strict=True)
    assert answer.header("x-request-id")
    return answer.json["error"]["code"]


def raw_event(contract: str, method: str, path: str, body: str | None = None) -> dict:
    return event(contract, method, path, body=body)


def handled(made: dict) -> dict:
    from functions.auth.handler import handler

    return handler(made, Context())


# -- bodies

BROKEN = {
    "cut off": '{"email": "a',
    "no JSON": "email=a&password=b",
    "two values": "{} {}",
    "a comment": '{"email": 1 /* x */}',
    "single quotes": "{'email': 'a'}",
    "NaN": '{"email": NaN, "password": "x"}',
    "Infinity": '{"email": "a", "password": Infinity}',
    "-Infinity": '{"email": "a", "x": -Infinity}',
    "1e400": '{"email": "a", "x": 1e400}',
    "1e-200": '{"email": "a", "x": 1e-200}',
    "five thousand digits": '{"email": "a", "x": ' + "9" * 5000 + "}",
    "a lone surrogate": '{"email": "\\ud800", "password": "x"}',
    "a lone surrogate as a key": '{"\\udfff": 1}',
    "too deep": "[" * 65 + "]" * 65,
    "much too deep": "[" * 100_000 + "]" * 100_000,
    "too deep in objects": '{"a":' * 70 + "1" + "}" * 70,
}


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_is_no_json_is_a_400(aws, contract, body):
    answer = call("auth", contract, *LOGIN, body=body)
    assert well_formed(contract, answer, 400) == ("INVALID_REQUEST" if contract == "agentworks" else "VALIDATION_ERROR")


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b'{"email": "\xc3\x28"}', '{"email": 1}'.encode("utf-16"), b"\x00" * 10])
def test_what_is_no_utf8_is_a_400(aws, contract, body):
    import base64

    made = raw_event(contract, *LOGIN, body="x")
    made |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    answer = handled(made)
    assert answer["statusCode"] == 400
    contract_named(contract).error_model.model_validate(json.loads(answer["body"]), strict=True)


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("body", ["[]", "null", "7", '"text"', "{}", '{"email": {}, "password": []}', '{"email": null}'])
def test_json_of_another_shape_is_a_validation_error(aws, contract, body):
    status = {"agentworks": 422, "aintandem": 422, "orchestrator": 400, "omoios": 422}[contract]
    assert well_formed(contract, call("auth", contract, *LOGIN, body=body), status) == "VALIDATION_ERROR"


@pytest.mark.parametrize("contract", CONTRACTS)
def test_no_body_at_all_is_a_validation_error(aws, contract):
    status = {"agentworks": 422, "aintandem": 422, "orchestrator": 400, "omoios": 422}[contract]
    assert well_formed(contract, call("auth", contract, *LOGIN), status) == "VALIDATION_ERROR"


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("size", [1_048_577, 5_000_000])
def test_a_body_above_the_limit_is_a_413_whatever_its_header_says(aws, contract, size):
    made = raw_event(contract, *LOGIN, body="x" * size)
    made["headers"]["content-length"] = "2"
    made["multiValueHeaders"] = None
    answer = handled(made)
    assert answer["statusCode"] == 413
    assert json.loads(answer["body"])["error"]["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "junk"]
)
def test_another_media_type_is_a_415(aws, contract, kind):
    answer = call("auth", contract, *LOGIN, body={"email": "a@b.co", "password": "x"}, headers={"Content-Type": kind})
    assert well_formed(contract, answer, 415) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("kind", ["", "application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"])
def test_json_by_any_name_is_read(aws, kind):
    ada = sign_up()
    answer = ada("auth", "PUT", "/auth/me", body={"name": "Ada King"}, headers={"Content-Type": kind})
    assert (answer.status, answer.json["name"]) == (200, "Ada King")


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00b", "\u202e\u200b", "😀" * 20, "\ufeff", "İ", "ﷺ" * 30, "<script>", "'; --", "${jndi:x}", "\\ud83d\\ude00"]
)  # fmt: skip
def test_odd_texts_come_back_as_they_went(aws, text):
    ada = sign_up()
    workspace = f"/workspaces/{ada('workspaces', 'GET', '/workspaces').json['workspaces'][0]['id']}"
    assert ada("workspaces", "PUT", workspace, body={"description": text}).status == 200
    assert ada("workspaces", "GET", workspace).json["description"] == text


def test_a_pair_of_surrogates_is_a_character(aws):
    answer = sign_up()("auth", "PUT", "/auth/me", body='{"name": "\\ud83d\\ude00"}')
    assert (answer.status, answer.json["name"]) == (200, "😀")


def test_a_bom_is_no_error(aws):
    assert sign_up()("auth", "PUT", "/auth/me", body='\ufeff{"name": "Ada"}').status == 200


def test_the_words_of_an_error_never_hold_a_secret(aws):
    body = {"email": "ada@example.com", "password": ["hunter2-hunter2"], "token": "t0ps3cret", "rememberMe": "maybe"}
    answer = call("auth", "agentworks", *LOGIN, body=body)
    assert answer.status == 422
    assert "hunter2" not in answer.text
    assert "t0ps3cret" not in answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_read_can_be_written_again(body):
    try:
        value = parse(body)
    except HTTPException as refused:
        assert refused.status_code == 400  # noqa: PT017 - the other outcome is as good
    else:
        assert json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()) == value


@given(JSON.filter(lambda value: value != float("inf")))
def test_ordinary_json_is_read_as_it_is(value):
    text = json.dumps(value, ensure_ascii=True)
    if not any(odd in text for odd in ("NaN", "Infinity", "e+", "e-")) and all(
        len(run) <= 18 for run in re.findall(r"\d+", text)
    ):
        assert parse(text.encode()) == value


# -- methods and paths


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"])
def test_a_method_the_path_lacks_is_a_405_that_names_the_others(aws, contract, method):
    answer = call("auth", contract, method, "/auth/login")
    assert well_formed(contract, answer, 405) == "METHOD_NOT_ALLOWED"
    assert answer.header("allow") == "POST"


def test_every_method_of_a_path_is_named(aws):
    assert call("auth", "agentworks", "DELETE", "/auth/me").header("allow") == "GET, HEAD, PUT"
    assert call("auth", "orchestrator", "POST", "/users/me").header("allow") == "GET, HEAD, PUT"


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize(
    "path",
    [
        "/", "/auth/login/", "//auth/login", "/auth//login", "/AUTH/LOGIN", "/auth/login/more", "/auth/../auth/login",
        "/auth%2Flogin", "/%00", "/%ff", "/auth/login%20",
    ],
)  # fmt: skip
def test_a_path_that_is_none_is_a_404(aws, contract, path):
    answer = call("auth", contract, "POST", path, body={})
    assert well_formed(contract, answer, 404) in {"RESOURCE_NOT_FOUND", "NOT_FOUND"}


def test_an_encoded_slash_stays_inside_its_parameter(aws):
    answer = call("system", "agentworks", "GET", "/docs/assets/a%2Fb")
    assert (answer.status, answer.json["error"]["code"]) == (404, "FILE_NOT_FOUND")  # the operation was found


@pytest.mark.parametrize("base", ["", "/v1"])
def test_the_base_is_there_or_not(aws, base):
    made = raw_event("agentworks", "GET", "/auth/me") | {"path": f"{base}/auth/me"}
    assert handled(made)["statusCode"] == 401
    assert handled(made | {"path": f"{base}x/auth/me"})["statusCode"] == 404


# -- headers and queries


@pytest.mark.parametrize("host", ["", ":", "a:b", "[::1]:8000", "x" * 300, "a:1:2"])
def test_no_host_breaks_a_request(aws, host):
    assert call("auth", "agentworks", "GET", "/auth/me", headers={"Host": host}).status == 401


def test_headers_and_queries_that_are_no_text(aws):
    made = raw_event("agentworks", "GET", "/auth/me")
    made["headers"] |= {"x-odd": "\ud800", "é": "é"}
    made["multiValueHeaders"] = {"x-none": None, "x-list": ["a", None]}
    made["multiValueQueryStringParameters"] = {"a": ["\ud800", "b"], "": [""]}
    assert handled(made)["statusCode"] == 401
    assert handled(made | {"headers": None, "multiValueHeaders": None, "requestContext": {}})["statusCode"] == 401


@pytest.mark.parametrize("asked", ["é", "a b", "a\nb", "x" * 129, "{}", "", "ключ"])
def test_a_request_id_that_could_do_harm_is_replaced(aws, asked):
    assert call("auth", "agentworks", "GET", "/auth/me", headers={"X-Request-ID": asked}).header("x-request-id") == "req-1"


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_request_id_comes_back_in_header_and_body(aws, contract):
    answer = call("auth", contract, "POST", "/auth/logout", headers={"X-Request-ID": "my-id.1:2_3"})
    assert answer.header("x-request-id") == "my-id.1:2_3"
    assert "my-id.1:2_3" in answer.text


@pytest.mark.parametrize(
    ("headers", "counted"),
    [
        ({}, "192.0.2.1"),
        ({"X-Forwarded-For": "198.51.100.7, 192.0.2.1"}, "192.0.2.1"),
        ({"X-Forwarded-For": "1.1.1.1, 198.51.100.7, 192.0.2.1", "X-Cadre-Edge": "the-key"}, "198.51.100.7"),
        ({"X-Forwarded-For": "1.1.1.1, 198.51.100.7, 192.0.2.1", "X-Cadre-Edge": "a-guess"}, "192.0.2.1"),
        ({"X-Forwarded-For": "198.51.100.7", "X-Cadre-Edge": "the-key"}, "192.0.2.1"),
        ({"X-Forwarded-For": "x" * 500 + ", 192.0.2.1", "X-Cadre-Edge": "the-key"}, "x" * 45),
    ],
)
def test_anonymous_requests_are_counted_by_where_they_come_from(aws, headers, counted, monkeypatch):
    monkeypatch.setattr("shared.core.edge_keys.settings", lambda: replace(settings(), edge_keys="the-key"))
    call("auth", "agentworks", *LOGIN, body={"email": "a@b.co", "password": "x"}, headers=headers)
    assert get(Access, f"RL#agentworks#{counted}") is not None


# -- fuzzing the whole, with a fixed seed


def test_no_combination_of_odd_things_is_a_5xx(aws):
    import random

    dice = random.Random(20261121)  # noqa: S311 - repeatable, not secret
    ada = sign_up()
    texts = ["", "a", "\x00", "😀", "x" * 3000, "null", "ws_" + "0" * 32, "../..", "%", "a@b.co", "\ud800"]
    values = [*texts, None, True, 0, -1, 10**18, 0.5, [], {}, [[]], {"a": {"b": []}}]
    fields = [
        "email",
        "password",
        "name",
        "preferences",
        "avatarUrl",
        "refreshToken",
        "first_name",
        "last_name",
        "organization",
        "x",
    ]
    places = [
        ("agentworks", "POST", "/auth/login"), ("agentworks", "PUT", "/auth/me"), ("agentworks", "POST", "/auth/refresh"),
        ("agentworks", "PUT", "/auth/me/password"), ("aintandem", "POST", "/auth/register"), ("aintandem", "POST", "/auth/refresh"),
        ("orchestrator", "PUT", "/users/me"), ("orchestrator", "POST", "/auth/refresh"), ("omoios", "POST", "/auth/login"),
    ]  # fmt: skip
    for _ in range(300):
        contract, method, path = dice.choice(places)
        body = {name: dice.choice(values) for name in dice.sample(fields, dice.randint(0, 5))}
        headers = {"Authorization": dice.choice([f"Bearer {ada.token}", "Bearer ", "x"])}
        if dice.random() < 0.5:
            headers["Idempotency-Key"] = dice.choice(["k", "x" * 300, "é"])
        answer = call("auth", contract, method, path, body=body, headers=headers)
        assert answer.status < 500, (contract, method, path, body, headers, answer.text)
        if answer.status >= 400:
            contract_named(contract).error_model.model_validate(answer.json, strict=True)
