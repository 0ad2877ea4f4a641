"""What depends on how a request came in: the caller's address behind the edge, HEAD, and paths that do not exist."""

import json
from importlib import import_module

import pytest

from shared.core.settings import settings
from shared.edge.contracts import NAMES
from shared.edge.contracts import contract as contract_named
from shared.edge.http import call as calls
from tests.areas.driving import Context, call, event, sign_up

KEY = "known-to-the-edge-alone"
FORGED = {"x-forwarded-for": "203.0.113.9, 198.51.100.7, 130.176.0.1", "x-amz-cf-id": "made-up"}


@pytest.fixture
def edge(aws, monkeypatch):
    monkeypatch.setenv("CADRE_EDGE_KEY", KEY)
    settings.cache_clear()
    yield
    monkeypatch.undo()
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
    assert address(**{"x-forwarded-for": "2001:db8::1, 130.176.0.1", "x-cadre-edge": KEY}) == "2001:db8::/64"


@pytest.mark.parametrize("sent", [{}, {"x-cadre-edge": ""}, {"x-cadre-edge": "guessed"}, {"x-cadre-edge": "schlüssel"}])
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
