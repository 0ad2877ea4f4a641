"""What depends on how a request came in: through the edge or past it, the caller's address, HEAD, and paths that do not exist."""

import json
from importlib import import_module

import pytest

from functions.ws.handler import ENDPOINTS
from functions.ws.handler import handler as ws
from shared.core.settings import settings
from shared.edge.contracts import NAMES
from shared.edge.contracts import contract as contract_named
from shared.edge.http import call as calls
from tests.areas.driving import Context, call, event, sign_up
from tests.areas.viewers import socket_event
from tests.trips import count_requests

KEY, BEFORE = "known-to-the-edge-alone", "the-key-before"
FORGED = {"x-forwarded-for": "203.0.113.9, 198.51.100.7, 130.176.0.1", "x-amz-cf-id": "made-up"}


@pytest.fixture
def edge(aws, monkeypatch):
    monkeypatch.setenv("CADRE_EDGE_KEYS", f"{BEFORE},{KEY}")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture(params=["dev", "prod"])
def on_aws(edge, request, monkeypatch):
    monkeypatch.setenv("CADRE_STAGE", request.param)
    settings.cache_clear()


def address(**headers: str) -> str:
    """The address that a failed login counts by."""
    seen = []
    begin = calls.begin
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.edge.http.pipeline.begin", lambda one: (seen.append(one.client_ip), begin(one)))
        call("auth", "agentworks", "POST", "/auth/login", body={}, headers=headers)
    return seen[0]


def test_the_edge_is_believed_by_its_key(edge):
    """The viewer may send X-Forwarded-For itself: the edge appends the viewer's address, the gateway the edge's."""
    assert address(**FORGED, **{"x-cadre-edge": KEY}) == "198.51.100.7"
    assert address(**{"x-forwarded-for": "2001:db8::1, 130.176.0.1", "x-cadre-edge": BEFORE}) == "2001:db8::/64"


NO_KEY = [
    {},
    {"x-cadre-edge": ""},
    {"x-cadre-edge": "guessed"},
    {"x-cadre-edge": "schlüssel"},
    {"x-cadre-edge": KEY.upper()},
    {"x-cadre-edge": f"{KEY}, {KEY}"},
    {"x-cadre-edge": f"{BEFORE},{KEY}"},
]


@pytest.mark.parametrize("sent", NO_KEY)
def test_nobody_else_is(edge, sent):
    assert address(**FORGED, **sent) == "192.0.2.1"


def test_where_there_is_no_edge_no_header_counts(aws):
    assert address(**FORGED, **{"x-cadre-edge": ""}) == "192.0.2.1"


def test_the_edge_without_an_address_is_the_address(edge):
    assert address(**{"x-forwarded-for": "130.176.0.1", "x-cadre-edge": KEY}) == "192.0.2.1"


def test_head_is_get_without_the_body(aws):
    ada = sign_up()
    sent = event("agentworks", "HEAD", "/auth/me", headers={"Authorization": f"Bearer {ada.token}"})
    answer = import_module("functions.auth.handler").handler(sent, Context())
    assert (answer["statusCode"], answer["body"]) == (200, "")
    refused = import_module("functions.auth.handler").handler(event("agentworks", "HEAD", "/auth/me"), Context())
    assert (refused["statusCode"], refused["body"]) == (401, "")


@pytest.mark.parametrize("contract", NAMES)
def test_what_no_path_matches_is_answered_in_full(aws, contract):
    answer = call("system", contract, "BREW", "/no/such/../thing")
    assert answer.status == 404
    contract_named(contract).error_model.model_validate(answer.json)
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-request-id") in json.dumps(answer.json)


# -- past the edge, and so past its firewall


WAYS_IN = [
    ("auth", "POST", "/auth/login"),
    ("auth", "GET", "/auth/me"),
    ("auth", "BREW", "/auth/me"),
    ("system", "GET", "/health"),
    ("system", "GET", "/no/such/thing"),
]
HEALTH = [("enterprise", "/health"), ("aintandem", "/system/health")]


@pytest.mark.parametrize("contract", NAMES)
def test_what_did_not_come_through_the_edge_is_refused_before_anything_else(on_aws, contract):
    for area, method, path in WAYS_IN:
        if contract not in import_module(f"functions.{area}.handler").handler.contracts:
            continue
        with count_requests() as trips:
            answer = call(area, contract, method, path, body={})
        assert (answer.status, trips.names) == (403, [])
        contract_named(contract).error_model.model_validate(answer.json)


@pytest.mark.parametrize("sent", NO_KEY)
def test_no_other_value_than_a_key_opens_an_origin(on_aws, sent):
    assert call("auth", "agentworks", "POST", "/auth/login", body={}, headers=sent).status == 403


@pytest.mark.parametrize("key", [KEY, BEFORE])
def test_the_current_key_and_the_one_before_open_an_origin(on_aws, key):
    """The key changes without an outage: functions know the new one before the edge sends it."""
    assert call("auth", "agentworks", "POST", "/auth/login", body={}, headers={"X-Cadre-Edge": key}).status == 422
    assert call("system", "agentworks", "GET", "/no/such/thing", headers={"X-Cadre-Edge": key}).status == 404


@pytest.mark.parametrize(("contract", "path"), HEALTH)
def test_the_health_is_asked_through_the_edge_without_a_token(on_aws, contract, path):
    assert call("system", contract, "GET", path, headers={"x-cadre-edge": KEY}).status in (200, 503)
    assert call("system", contract, "GET", path).status == 403


def test_without_any_key_an_origin_on_aws_is_closed_and_not_open(on_aws, monkeypatch):
    monkeypatch.setenv("CADRE_EDGE_KEYS", "")
    settings.cache_clear()
    assert call("auth", "agentworks", "POST", "/auth/login", body={}, headers={"x-cadre-edge": ""}).status == 403


@pytest.mark.parametrize(("sent", "status"), [(None, 403), ("guessed", 403), (KEY, 401), (BEFORE, 401)])
def test_a_socket_opens_through_the_edge_only(on_aws, sent, status):
    """401: it came through the edge, and then lacks a token."""
    request = socket_event("CONNECT", "c=", query={"path": "/api/workspaces/w1/events", "contract": "agentworks"})
    request["headers"] = {"X-Cadre-Edge": sent} if sent else {}
    assert ws(request, Context()) == {"statusCode": status}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_no_socket_of_any_contract_opens_past_the_edge(on_aws, endpoint):
    for contract in (endpoint.contract, "nobody", None):
        query = {"path": endpoint.path, "token": "t"} | ({"contract": contract} if contract else {})
        request = socket_event("CONNECT", "c=", query=query)
        with count_requests() as trips:
            assert ws(request, Context()) == {"statusCode": 403}
        assert trips.names == []


def test_a_local_platform_has_no_edge_and_asks_for_none(aws):
    assert call("auth", "agentworks", "POST", "/auth/login", body={}).status == 422
    assert ws(socket_event("CONNECT", "c=", query={"path": "/api/workspaces/w1/events"}), Context()) == {"statusCode": 401}
