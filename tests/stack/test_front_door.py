"""The front door of the deployed stack: what is published where, and how it refuses."""

import asyncio
import io
import json
import re
from collections import Counter
from collections.abc import Mapping

import pytest
from aiohttp import ClientSession, TCPConnector, WSServerHandshakeError

from local.stack import LocalStack
from shared.edge.contracts import NAMES
from shared.edge.contracts import contract as contract_named


def ask(stack: LocalStack, path: str, **options: object) -> tuple[int, str, bytes]:
    async def asking() -> tuple[int, str, bytes]:
        async with (
            ClientSession() as session,
            session.request(str(options.pop("method", "GET")), stack.root + path, **options) as answer,
        ):
            return answer.status, answer.content_type, await answer.read()

    return asyncio.run(asking())


CODES = {404: ("NOT_FOUND", "RESOURCE_NOT_FOUND"), 405: ("METHOD_NOT_ALLOWED",)}
ASKED = [
    ("GET", "/no-such-thing", 404),
    ("POST", "/no/such/thing?x=1", 404),
    ("DELETE", "", 404),
    ("PUT", "/", 404),
    ("POST", "/openapi.json", 405),
]


@pytest.mark.parametrize("contract", NAMES)
@pytest.mark.parametrize(("method", "path", "expected"), ASKED)
def test_what_does_not_exist_is_answered_in_the_form_of_the_contract(
    stack: LocalStack, contract: str, method: str, path: str, expected: int
) -> None:
    status, kind, body = ask(stack, stack.url(contract).removeprefix(stack.root) + path, method=method)
    assert (status, kind) == (expected, "application/json")
    contract_named(contract).error_model.model_validate_json(body, strict=True)
    assert json.loads(body)["error"]["code"] in CODES[expected]
    assert re.search(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"', body)


@pytest.mark.parametrize("contract", NAMES)
def test_head_and_preflights_have_no_body(stack: LocalStack, contract: str) -> None:
    base = stack.url(contract).removeprefix(stack.root)
    assert ask(stack, base + "/openapi.json", method="HEAD")[::2] == (200, b"")
    assert ask(stack, base + "/no-such-thing", method="HEAD")[::2] == (404, b"")
    for path in ("/openapi.json", "/no-such-thing"):
        assert ask(stack, base + path, method="OPTIONS", headers={"Origin": "https://x.dev"})[::2] == (204, b"")


def test_version_0_is_told_where_it_is_now(stack: LocalStack) -> None:
    async def asking() -> tuple[int, Mapping[str, str]]:
        async with ClientSession() as session, session.delete(f"{stack.root}/enterprise/v0/organizations") as answer:
            return answer.status, answer.headers

    status, headers = asyncio.run(asking())
    assert (status, headers["Deprecation"], headers["Sunset"]) == (404, "true", "2024-12-31T00:00:00Z")
    successor = headers["Link"].partition(">")[0].removeprefix(f"<{stack.root}")
    assert ask(stack, successor, method="HEAD")[0] == 401, "it exists"


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/openapi.json", "/postman-collection.json"])
def test_what_enterprise_documents_beside_its_base_is_there(stack: LocalStack, page: str) -> None:
    assert ask(stack, f"/enterprise{page}") == ask(stack, f"/enterprise/v1{page}")


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


@pytest.mark.thorough
def test_two_hundred_requests_at_once_to_a_cold_function_are_all_answered(stack: LocalStack) -> None:
    functions = stack.boto("lambda").list_functions()["Functions"]
    name = next(one["FunctionName"] for one in functions if one["Description"] == "Cadre: documents")
    stack.boto("lambda").update_function_configuration(FunctionName=name, MemorySize=512)  # its workers end

    async def asking() -> list[int]:
        async with ClientSession(connector=TCPConnector(limit=0)) as session:

            async def ask_one() -> int:
                async with session.get(f"{stack.url('agentworks')}/projects/unknown/docs") as answer:
                    return answer.status

            return await asyncio.gather(*(ask_one() for _ in range(200)))

    assert Counter(asyncio.run(asking())) == {401: 200}
