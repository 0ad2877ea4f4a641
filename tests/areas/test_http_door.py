"""The door: tokens, rate limits, sending twice, cookies, and what is logged."""

import base64
import json
import logging
import time
from typing import Any

import jwt
import pytest
import time_machine
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from opentelemetry import _logs, metrics, trace

from shared.core import clock
from shared.core.aws import busy_error
from shared.core.errors import Upstream
from shared.core.keys import key_for
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.edge.contracts import NAMES
from shared.edge.contracts import contract as contract_named
from shared.edge.http import log
from shared.edge.http.idempotency import IdempotencyRecord
from shared.people.access import records
from shared.people.access.records import Access
from shared.people.identity import users
from shared.store import NumberAttribute, get, update_now, write
from shared.store.client import dynamodb
from tests.areas.driving import Client, call, sign_up
from tests.trips import count_requests

ME = {"agentworks": "/auth/me", "orchestrator": "/users/me", "omoios": "/auth/me"}
CODES = {
    "agentworks": {"invalid": "AUTH_TOKEN_INVALID", "expired": "AUTH_TOKEN_EXPIRED"},
    "orchestrator": {"invalid": "AUTHENTICATION_ERROR", "expired": "AUTHENTICATION_ERROR"},
    "omoios": {"invalid": "AUTHENTICATION_ERROR", "expired": "AUTHENTICATION_ERROR"},
}


def refused(contract: str, token: str, why: str = "invalid") -> None:
    answer = Client(contract, token)("auth", "GET", ME[contract])
    assert (answer.status, answer.json["error"]["code"]) == (401, CODES[contract][why]), answer.text
    assert answer.header("www-authenticate") == "Bearer"
    contract_named(contract).error_model.model_validate(answer.json, strict=True)


def segments(token: str) -> list[dict]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def joined(header: dict, claims: dict, signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, signature])


# -- tokens


@pytest.mark.parametrize("contract", ME)
def test_a_forged_token_opens_nothing(aws, contract):
    token = sign_up().token
    header, claims = segments(token)
    signature = token.split(".")[2]
    wrong = jwt.encode(claims, b"another key of thirty-two bytes!!", algorithm="HS256")
    forged = [
        joined({"alg": "none", "typ": "JWT"}, claims),
        joined({"alg": "None"}, claims, signature),
        joined({"alg": "HS512"}, claims, signature),
        joined({"alg": "RS256"}, claims, signature),
        joined({**header, "kid": "../../dev/null"}, claims, signature),
        joined(header, claims | {"sub": claims["sub"][:-1] + "0"}, signature),
        joined(header, claims | {"platform_admin": True}, signature),
        wrong,
        token[:-2],
        token + "a",
        token.replace(".", ""),
        "....",
        "null",
        "a" * 20_000,
        "é.é.é",
    ]
    for one in forged:
        refused(contract, one)


@pytest.mark.parametrize("contract", ME)
@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"typ": "refresh"},
        {"sub": "someone"},
        {"sub": ""},
        {"sid": "unknown-session"},
        {"exp": "soon"},
        {"nbf": 9_999_999_999},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"sid": 7},
        {"sid": {"a": 1}},
        {"typ": ["access"]},
        {"plan": ["enterprise"]},
        {"org": 7},
    ],
)
def test_our_own_key_signs_nothing_else_in(aws, contract, changed):
    _, claims = segments(sign_up().token)
    token = jwt.encode(claims | changed, key_for("tokens"), algorithm="HS256")
    answer = Client(contract, token)("auth", "GET", ME[contract])
    assert answer.status in ({401} if set(changed) & {"iss", "typ", "sub", "sid", "exp", "nbf", "iat"} else {200, 401}), (
        answer.text
    )


@pytest.mark.parametrize("contract", ME)
def test_a_token_ends_after_an_hour(aws, contract):
    ada = sign_up()
    with time_machine.travel(time.time() + 3590, tick=False):
        assert ada.at(contract)("auth", "GET", ME[contract]).status == 200
    with time_machine.travel(time.time() + 3601, tick=False):
        refused(contract, ada.token, "expired")


@pytest.mark.parametrize("contract", ME)
def test_a_token_of_a_deleted_session_opens_nothing(aws, contract):
    ada = sign_up()
    write(records.close_session(ada.user["id"], segments(ada.token)[1]["sid"]))
    refused(contract, ada.token)


def test_a_token_of_an_account_without_a_record_opens_nothing(aws):
    ada = sign_up()
    from shared.store import delete

    write(delete(records.key_row(ada.user["id"])))
    refused("agentworks", ada.token)
    assert get(Access, f"ACCESS#{ada.user['id']}") is None  # asking made no record either


@pytest.mark.parametrize("key", ["", "x", "sk-" + "0" * 40, "é", "x" * 9000])
def test_an_unknown_api_key_opens_nothing(aws, key):
    ada = sign_up()
    answer = ada.at("aintandem")("auth", "POST", "/auth/logout", headers={"X-API-Key": key})
    assert (answer.status, answer.json["error"]["code"]) == (401, "AUTHENTICATION_FAILED")
    assert ada("auth", "GET", "/auth/me", headers={"X-API-Key": key}).status == 401


# -- rate limits


def fill(pk: str, rule: str, window: int, count: int) -> None:
    """Set a counter as if `count` requests had been made in the current window."""
    name = f"Counter{window}{count}"
    row = type(name, (Access,), {
        "w": NumberAttribute(attr_name=f"w.{rule}"), "n": NumberAttribute(attr_name=f"n.{rule}"), "TABLE": "ephemeral_table",
    })  # fmt: skip
    update_now(row(pk=pk, sk="META"), [row.w.set(clock.epoch() // window), row.n.set(count)])


@pytest.mark.parametrize(
    ("contract", "rule", "limit", "window"),
    [("agentworks", "aw", 1000, 3600), ("orchestrator", "or3600", 1000, 3600), ("omoios", "om3600", 1000, 3600)],
)
def test_the_last_request_of_a_window_and_the_one_after(aws, contract, rule, limit, window):
    with time_machine.travel(1_795_231_000, tick=False):
        ada = sign_up().at(contract)
        fill(f"ACCESS#{ada.user['id']}", rule, window, limit - 1)
        last = ada("auth", "GET", ME[contract])
        assert (last.status, last.header("x-ratelimit-remaining")) == (200, "0")
        over = ada("auth", "GET", ME[contract])
        reset = (clock.epoch() // window + 1) * window
        assert (over.status, over.json["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
        assert over.header("x-ratelimit-limit") == str(limit)
        assert over.header("x-ratelimit-remaining") == "0"
        assert over.header("x-ratelimit-reset") == str(reset)
        assert over.header("retry-after") == str(reset - clock.epoch())
        assert over.header("x-ratelimit-window") == (str(window) if contract == "agentworks" else None)
        contract_named(contract).error_model.model_validate(over.json, strict=True)
        details = over.json["error"]["details"]
        details = details[0] if contract == "orchestrator" else details  # its document's details are a list of fields
        assert (details["limit"], details["window"]) == (limit, window)
        assert sign_up_again(contract).status == 200  # somebody else is not held up
    with time_machine.travel(reset, tick=False):
        assert ada("auth", "GET", ME[contract]).status in {200, 401}


def sign_up_again(contract: str):
    return sign_up("Eve", "eve@example.com").at(contract)("auth", "GET", ME[contract])


@pytest.mark.parametrize("contract", ["agentworks", "orchestrator", "omoios", "aintandem"])
def test_anonymous_requests_run_out_too(aws, contract):
    body = {"email": "ada@example.com", "password": "x"}
    call("auth", contract, "POST", "/auth/login", body=body)
    subject = f"RL#{contract}#192.0.2.1"
    rule = contract_named(contract).rate_rules("auth", "free")[0]
    fill(subject, rule.name, rule.window, rule.limit)
    answer = call("auth", contract, "POST", "/auth/login", body=body)
    assert (answer.status, answer.json["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert 1 <= int(answer.header("retry-after")) <= rule.window


# -- sending twice


def register(email: str = "ada@example.com", key: str | None = "k1", contract: str = "aintandem", **more):
    headers = {"Idempotency-Key": key} if key is not None else {}
    body = {"email": email, "password": "correct horse", "name": "Ada"} | more
    return call("auth", contract, "POST", "/auth/register", body=body, headers=headers)


def test_a_repetition_is_answered_from_the_first(aws):
    first, again = register(), register()
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert (first.header("idempotent-replayed"), again.header("idempotent-replayed")) == (None, "true")
    other = register(name="Eve")
    assert (other.status, other.json["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_an_answer_with_a_secret_is_done_once_but_never_kept(aws):
    body = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}
    first, again = (
        call("auth", "agentworks", "POST", "/auth/register", body=body, headers={"Idempotency-Key": "my key"}) for _ in range(2)
    )
    assert (first.status, again.status, again.json["error"]["code"]) == (201, 409, "IDEMPOTENCY_CONFLICT")
    stored = json.dumps(kept_rows()[0].attribute_values)
    for secret in (first.json["token"], first.json["refreshToken"], "ada@example.com", "my key", "correct horse"):
        assert secret not in stored


def test_a_key_belongs_to_its_user_and_its_operation(aws):
    ada, eve = sign_up(), sign_up("Eve", "eve@example.com")
    for one in (ada, eve):
        answer = one("auth", "POST", "/auth/logout", body={}, headers={"Idempotency-Key": "same"})
        assert (answer.status, answer.header("idempotent-replayed")) == (204, None)
    assert register("new@example.com", key="same").status == 201


def test_a_failed_request_leaves_its_key_free(aws):
    assert register(password="short").status == 422
    assert register().status == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_no_or_too_many_characters_is_refused(aws, key):
    answer = register(key=key)
    assert (answer.status, answer.json["error"]["code"]) == (422, "VALIDATION_ERROR")


def kept_rows() -> list[IdempotencyRecord]:
    from moto.dynamodb.models import dynamodb_backends

    items = dynamodb_backends["123456789012"]["us-east-1"].tables["ephemeral"].items
    keys = [key.value for key in items if key.value.startswith("IDEMP#")]
    return [found for key in keys if (found := get(IdempotencyRecord, key)) is not None]


# -- cookies


def session_cookie() -> str:
    answer = call(
        "auth", "agentworks", "POST", "/auth/register", body={"name": "A", "email": "a@b.co", "password": "correct horse"}
    )
    cookie = answer.header("set-cookie")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    return cookie.partition(";")[0]


def test_a_cookie_is_agentworks_alone(aws):
    cookie = session_cookie()
    status = {name: call("auth", name, "GET", path, headers={"Cookie": cookie}).status for name, path in ME.items()}
    assert status == {"agentworks": 200, "orchestrator": 401, "omoios": 401}


@pytest.mark.parametrize(
    "cookie",
    ["__Host-cadre_session=", "__Host-cadre_session=junk", "__Host-cadre_session", "=;;=", "a=b; __Host-cadre_session=x.y.z"],
)
def test_a_bad_cookie_is_a_401_that_takes_it_away(aws, cookie):
    answer = call("auth", "agentworks", "GET", "/auth/me", headers={"Cookie": cookie})
    assert (answer.status, answer.json["error"]["code"]) == (401, "AUTH_TOKEN_INVALID")


def test_a_token_wins_over_a_cookie(aws):
    cookie = session_cookie()
    eve = sign_up("Eve", "eve@example.com")
    assert eve("auth", "GET", "/auth/me", headers={"Cookie": cookie}).json["name"] == "Eve"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:8000", 200),
        ("http://localhost", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost:8000.evil.example", 403),
        ("http://evil.example/localhost:8000", 403),
        ("", 403),
    ],
)
def test_a_cookie_counts_only_from_our_own_pages(aws, origin, status):
    headers = {"Cookie": session_cookie()} | ({} if origin is None else {"Origin": origin})
    assert call("auth", "agentworks", "PUT", "/auth/me", body={"name": "B"}, headers=headers).status == status


def test_a_named_page_may_use_the_cookie_too(aws, monkeypatch):
    headers = {"Cookie": session_cookie(), "Origin": "https://app.agentworks.dev"}
    monkeypatch.setenv("CADRE_ALLOWED_ORIGINS", "https://other.dev, https://app.agentworks.dev")
    settings.cache_clear()
    try:
        assert call("auth", "agentworks", "PUT", "/auth/me", body={"name": "B"}, headers=headers).status == 200
        for foreign in ("https://evil.dev", "*", "null", ""):
            answer = call("auth", "agentworks", "PUT", "/auth/me", body={"name": "B"}, headers=headers | {"Origin": foreign})
            assert answer.status == 403
    finally:
        settings.cache_clear()


# -- trouble on our side


def test_a_crash_is_a_500_without_a_word_of_it(aws, monkeypatch, logged):
    ada = sign_up()

    def crash(_):
        raise RuntimeError("the secret of the pharaohs")

    monkeypatch.setattr(users, "get_user", crash)
    for contract, code in {"agentworks": "INTERNAL_ERROR", "orchestrator": "INTERNAL_ERROR"}.items():
        answer = ada.at(contract)("auth", "GET", ME[contract])
        assert (answer.status, answer.json["error"]["code"]) == (500, code)
        assert "pharaohs" not in answer.text
    lines = logged()[1:]
    assert [line["message"] for line in lines] == ["unexpected error", "request"] * 2
    assert "pharaohs" in lines[0]["exception"]
    assert lines[1]["server_errors"] == 1


def test_what_a_new_version_cannot_answer_counts_for_the_version(aws, monkeypatch, logged):
    """The alarm that stops a gradual deployment is on it: to Lambda a 500 is no error."""
    ada = sign_up()

    def crash(_):
        raise RuntimeError

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cadre-prod-functions-Auth-1")
    for version, failing in {"$LATEST": False, "8": True, "7": False}.items():
        with monkeypatch.context() as patched:
            patched.setenv("AWS_LAMBDA_FUNCTION_VERSION", version)
            if version != "7":  # that one works
                patched.setattr(users, "get_user", crash)
            ada("auth", "GET", "/auth/me")
        line = logged()[-1]
        metrics = line["_aws"]["CloudWatchMetrics"]
        counted = [line[one["Metrics"][0]["Name"]] for one in metrics if one["Dimensions"] == [["function", "version"]]]
        assert counted == ([1] if failing else [])
        if failing:
            assert (line["function"], line["version"], line["failures"]) == ("cadre-prod-functions-Auth-1", "8", 1)


def refusal(code: str, status: int = 400, **more: Any) -> ClientError:
    about = {"Error": {"Code": code, "Message": "slow down"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(about | more, "GetItem")


BUSY = {
    "throttled": refusal("ThrottlingException"),
    "over capacity": refusal("ProvisionedThroughputExceededException"),
    "conflict": refusal("TransactionConflictException"),
    "cancelled": refusal("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]),
    "slow down": refusal("SlowDown", 503),
    "its own error": refusal("InternalError", 500),
    "no answer": ReadTimeoutError(endpoint_url="https://dynamodb"),
    "no connection": ConnectTimeoutError(endpoint_url="https://dynamodb"),
    "no endpoint": EndpointConnectionError(endpoint_url="https://dynamodb"),
}


@pytest.mark.parametrize("error", BUSY.values(), ids=BUSY)
def test_a_busy_platform_is_a_503_that_says_when_to_come_back(aws, monkeypatch, error):
    def busy(_):
        raise error

    ada = sign_up()
    monkeypatch.setattr(users, "get_user", busy)
    for contract in ("agentworks", "orchestrator"):
        answer = ada.at(contract)("auth", "GET", ME[contract])
        assert (answer.status, answer.json["error"]["code"], answer.header("retry-after")) == (503, "SERVICE_UNAVAILABLE", "1")
    for name in NAMES:
        problem = contract_named(name).problem(busy_error(error))
        assert (problem.status, problem.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ResourceNotFoundException"])
def test_what_does_not_pass_is_not_called_busy(code):
    assert busy_error(refusal(code)) is None
    assert busy_error(refusal("TransactionCanceledException", CancellationReasons=[{"Code": "ValidationError"}])) is None
    assert busy_error(ValueError()) is None


def test_a_request_that_is_counted_during_a_transaction_on_the_same_row_is_counted_a_moment_later(aws):
    ada = sign_up()
    conflicts = iter([refusal("TransactionConflictException")] * 3)

    def busy(model: Any, **_: Any) -> None:
        if model.name == "UpdateItem" and (error := next(conflicts, None)):
            raise error

    events = dynamodb().meta.events
    events.register("before-call.dynamodb", busy)
    try:
        assert ada("auth", "GET", "/auth/me").status == 200
    finally:
        events.unregister("before-call.dynamodb", busy)
    assert next(conflicts, None) is None


def test_an_upstream_that_asks_to_wait_is_passed_on(aws, monkeypatch):
    def down(_):
        raise Upstream(Situation.PROVIDER_RATE_LIMITED, "Provider rate limit exceeded", retry_after=7)

    ada = sign_up()
    monkeypatch.setattr(users, "get_user", down)
    answer = ada("auth", "GET", "/auth/me")
    assert (answer.status, answer.json["error"]["code"], answer.header("retry-after")) == (503, "PROVIDER_RATE_LIMITED", "7")


# -- logging

SECRETS = ("correct horse", "wrong guess", "t0ken-in-the-query")


def test_one_line_a_request_and_never_a_secret(aws, logged, caplog, capsys):
    ada = sign_up()
    me = ada("auth", "GET", "/auth/me?token=t0ken-in-the-query")
    call("auth", "agentworks", "POST", "/auth/login", body={"email": "ada@example.com", "password": "wrong guess"})
    call("auth", "agentworks", "GET", "/auth/me?token=t0ken-in-the-query", headers={"Authorization": "Bearer t0ken-in-the-query"})
    call("auth", "agentworks", "POST", "/auth/refresh", body={"refreshToken": ada.refresh + "x"})
    call("auth", "agentworks", "POST", "/auth/register", body='{"password": "correct horse", ')
    assert me.status == 200
    for secret in (*SECRETS, ada.token, ada.refresh, ada.refresh.partition(".")[2], "ada@example.com"):
        assert secret not in str(logged())
    assert capsys.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name != "test"] == []  # no library adds a line of its own
    lines = logged()
    assert [(line["operation"], line["status"], line.get("code")) for line in lines] == [
        ("auth.register", 201, None),
        ("auth.me", 200, None),
        ("auth.login", 401, "AUTH_INVALID_CREDENTIALS"),
        ("auth.me", 401, "AUTH_TOKEN_INVALID"),
        ("auth.refresh", 401, "AUTH_TOKEN_INVALID"),
        ("auth.register", 400, "INVALID_REQUEST"),
    ]
    line = lines[1]
    assert (line["contract"], line["area"], line["actor"]) == ("agentworks", "auth", ada.user["id"])
    assert line["stage"] == settings().stage
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Cadre"


def test_the_metrics_of_a_request_are_written_at_every_log_level(aws, logged):
    own = logging.getLogger(log.logger.name)
    level = own.level
    own.setLevel(logging.CRITICAL)
    try:
        call("auth", "agentworks", "GET", "/auth/me")
    finally:
        own.setLevel(level)
    (line,) = logged()
    assert (line["message"], line["status"]) == ("request", 401)
    assert {one["Name"] for one in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == {"duration_ms"}  # no count that is zero


def test_a_refused_request_costs_no_more_than_the_question(aws):
    with count_requests() as seen:
        Client("agentworks", "junk")("auth", "GET", "/auth/me")
        call("auth", "agentworks", "GET", "/auth/me")
    assert seen.count == 0


def test_no_request_looks_for_telemetry_that_nobody_provides(aws, monkeypatch):
    """FastAPI would ask OpenTelemetry three times a request."""
    for module, question in ((trace, "get_tracer_provider"), (metrics, "get_meter_provider"), (_logs, "get_logger_provider")):
        monkeypatch.setattr(module, question, lambda: pytest.fail("asked"))
    assert call("auth", "agentworks", "GET", "/auth/me").status == 401
