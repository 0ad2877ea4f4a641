"""Who the Python client is: keys, tokens that are asked for, kept and renewed, and that one renewal is enough for all threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import httpx2
import pytest

from ai_agents import APIKey, BearerToken, Client, ClientCredentials, UserTokens, errors
from ai_agents.agentworks import AgentWorks, AsyncAgentWorks
from tests.unit.sdk.server import BASE, META, Server, awaiting, data, refusal, token, waiting
from tests.unit.sdk.test_client import PROJECT

SERVICE = {"client_id": "c-1", "client_secret": "s-1", "scopes": ["projects:read", "features:read"]}
REFUSED = refusal(401, "AUTHENTICATION_FAILED")


def get_project(client):
    return client.projects.get("p-1")


@pytest.fixture(params=[waiting, awaiting])
def run(request):
    return request.param


def forms(server):
    return [dict(parse_qsl(one.content.decode())) for one in server.requests if one.url.path.endswith("/oauth/token")]


def test_a_key_and_a_token_are_sent_as_documented(run):
    server = Server(data(PROJECT), data(PROJECT))
    run(server, get_project, api_key="sk-1")
    run(server, get_project, token="t-0")
    assert server.header("x-api-key") == ["sk-1", None]
    assert server.header("authorization") == [None, "Bearer t-0"]


def test_no_secret_is_shown_by_accident():
    secrets = (APIKey("sk-1"), BearerToken("sk-1"), ClientCredentials("c-1", "sk-1"), UserTokens("sk-1", "sk-1", "cli"))
    assert "sk-1" not in repr(secrets)


def test_a_refused_key_is_not_tried_again(run):
    server = Server(REFUSED)
    with pytest.raises(errors.AuthenticationError):
        run(server, get_project, api_key="sk-1")
    assert len(server.requests) == 1


def test_a_service_asks_once_for_its_token_and_keeps_it(run):
    server = Server(token(), data(PROJECT), data(PROJECT))
    run(server, get_project, get_project, **SERVICE)
    assert forms(server) == [
        {
            "grant_type": "client_credentials",
            "client_id": "c-1",
            "client_secret": "s-1",
            "scope": "projects:read features:read",
        }
    ]
    assert server.header("authorization") == [None, "Bearer t-1", "Bearer t-1"]
    assert server.header("idempotency-key")[0] is None  # the platform keeps no answer that has a token


def test_a_token_is_renewed_before_it_ends_and_after_it_was_refused(run):
    server = Server(token("short", 29), data(PROJECT), token("revoked"), REFUSED, token("good"), data(PROJECT))
    run(server, get_project, get_project, **SERVICE)
    sent = [one for one in server.header("authorization") if one]
    assert sent == ["Bearer short", "Bearer revoked", "Bearer good"]
    assert server.slept == [0]


def test_a_token_that_is_refused_although_it_is_new_is_an_error(run):
    server = Server(token(), REFUSED, token("t-2"), REFUSED)
    with pytest.raises(errors.AuthenticationError):
        run(server, get_project, **SERVICE)
    assert server.answers == []


def test_a_persons_tokens_are_replaced_and_told(run):
    kept = []
    tokens = UserTokens("old", "r-1", "cli", expires_at=time.time(), on_renewed=lambda one: kept.append(one.refresh_token))
    server = Server(token("new", 10, refresh_token="r-2"), data(PROJECT), token("newer", refresh_token="r-3"), data(PROJECT))
    run(server, get_project, get_project, credential=tokens)
    assert [one["refresh_token"] for one in forms(server)] == ["r-1", "r-2"]
    assert "client_secret" not in forms(server)[0]
    assert kept == ["r-2", "r-3"]


def test_an_authorization_that_has_ended_says_so(run):
    server = Server(httpx2.Response(400, json={"error": "invalid_grant", "error_description": "The token was used"}))
    with pytest.raises(errors.OAuthError, match=r"The token was used \(invalid_grant, 400\)"):
        run(server, get_project, credential=UserTokens("old", "r-1", "cli", expires_at=0))


def test_a_lost_answer_of_the_token_endpoint_is_not_asked_for_again(run):
    server = Server(httpx2.ReadError("broke"))
    with pytest.raises(errors.APIConnectionError):
        run(server, get_project, credential=UserTokens("old", "r-1", "cli", expires_at=0))
    assert len(server.requests) == 1  # the refresh token may be used up


def test_the_board_beside_a_client_has_its_credential_renewed_there():
    """agentworks has no token endpoint."""
    server = Server(token("short", 10), httpx2.Response(200, json=[]), token("revoked"), REFUSED, token("good"), data(PROJECT))
    transport = httpx2.MockTransport(server.answer)
    with (
        Client(base_url=BASE, transport=transport, sleep=server.slept.append, **SERVICE) as client,
        AgentWorks(base_url="https://api.example.com/board/v1", transport=transport, beside=client) as board,
    ):
        assert board.boards.lanes("b-1") == []
        assert get_project(client).name == "Shop"
        with pytest.raises(ValueError, match="has its credential"):
            AgentWorks(base_url=BASE, beside=client, api_key="sk-1")
    for kind in (AgentWorks, AsyncAgentWorks):
        with pytest.raises(ValueError, match="gives no tokens"):
            kind(base_url=BASE, **SERVICE)
    tokens, asked = "POST /v1/oauth/token", "GET /v1/projects/p-1"
    assert server.sent() == [tokens, "GET /board/v1/boards/b-1/lanes", tokens, asked, tokens, asked]


def test_many_threads_renew_once():
    """All of them were refused with the same token."""
    together, lock, asked = threading.Barrier(8), threading.Lock(), []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/oauth/token"):
            with lock:
                asked.append(request)
            return token("good")
        if request.headers["authorization"] == "Bearer old":
            together.wait(30)
            return httpx2.Response(401, json={"error": {"code": "AUTHENTICATION_FAILED", "message": "No"}, "meta": META})
        return data(PROJECT)

    credential = ClientCredentials("c-1", "s-1")
    credential.access_token, credential.expires_at = "old", float("inf")
    with (
        Client(base_url=BASE, transport=httpx2.MockTransport(answer), credential=credential) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        names = [one.result().name for one in [pool.submit(client.projects.get, "p-1") for _ in range(8)]]
    assert (names, len(asked)) == (["Shop"] * 8, 1)


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ({"api_key": "sk-1", "token": "t-1"}, "one credential, not api_key and token"),
        ({"client_id": "c-1"}, "belong together"),
        ({"client_secret": "s-1"}, "belong together"),
    ],
)
def test_half_a_credential_or_two_are_refused(who, words):
    with pytest.raises(ValueError, match=words):
        Client(base_url=BASE, **who)
