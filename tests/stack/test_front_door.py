"""The front door of the deployed stack: what is published where, and how it refuses."""

import asyncio
import io
import json

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from local.stack import LocalStack


def ask(stack: LocalStack, path: str, **options: object) -> tuple[int, str, bytes]:
    async def asking() -> tuple[int, str, bytes]:
        async with (
            ClientSession() as session,
            session.request(str(options.pop("method", "GET")), stack.root + path, **options) as answer,
        ):
            return answer.status, answer.content_type, await answer.read()

    return asyncio.run(asking())


@pytest.mark.parametrize("contract", ["agentworks", "enterprise", "aintandem", "orchestrator", "omoios"])
def test_unknown_paths_answer_in_the_words_of_the_contract(stack: LocalStack, contract: str) -> None:
    status, kind, body = ask(stack, stack.url(contract).removeprefix(stack.root) + "/no-such-thing")
    assert (status, kind) == (404, "application/json")
    assert json.loads(body)["error"]["code"] in ("NOT_FOUND", "RESOURCE_NOT_FOUND")


def test_the_platform_is_healthy(stack: LocalStack) -> None:
    assert stack.wait_until_healthy() == "healthy"


def test_nothing_is_published_elsewhere(stack: LocalStack) -> None:
    assert ask(stack, "/agentworks/v2/boards")[0] == 404
    assert ask(stack, "/nobody/v1")[0] == 404


def test_a_body_above_ten_megabytes_is_refused(stack: LocalStack) -> None:
    status, _, body = ask(stack, "/agentworks/v1/auth/login", method="POST", data=io.BytesIO(b"x" * (10 * 1024 * 1024 + 1)))
    assert status == 413
    assert json.loads(body)["error"]["message"] == "Request Too Long"


def test_a_socket_address_wants_an_upgrade(stack: LocalStack) -> None:
    assert ask(stack, "/aintandem/ws/system")[0] == 426


def test_the_pages_for_people(stack: LocalStack) -> None:
    for path in ("/", "/docs", "/redoc", "/local/mail", "/local/static/swagger-ui-bundle.js"):
        status, _, body = ask(stack, path, headers={"Accept": "text/html"})
        assert status == 200, path
        assert b"https://cdn" not in body[:5000], path
    assert json.loads(ask(stack, "/local/health")[2]) == {"status": "healthy"}
    assert json.loads(ask(stack, "/local/mail")[2])["mails"] is not None


def test_a_refused_socket_keeps_the_status_of_the_refusal(stack: LocalStack) -> None:
    async def connecting() -> int:
        async with ClientSession() as session:
            try:
                async with session.ws_connect(stack.ws("agentworks", "/api/workspaces/nothing/events?token=not-a-token")):
                    return 101
            except WSServerHandshakeError as refused:
                return refused.status

    routes = stack.boto("apigatewayv2").get_routes(ApiId=stack.outputs["cadre-local-socket"]["SocketApiId"])["Items"]
    if not routes:
        pytest.skip("no socket function is deployed")
    assert asyncio.run(connecting()) in (401, 403, 404)
