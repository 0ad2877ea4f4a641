"""The front door before an engine that only echoes: what is passed on, what is refused, and who waits for whom."""

import asyncio
import io
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web
from yarl import URL

from infra.names import CONTRACTS, WELL_KNOWN
from local import LocalError
from local.engine import Engine, free_port
from local.front_door import FrontDoor
from local.routes import Routes, endpoints

OUTPUTS = {
    **{contract.name: {"Contract": contract.name, "ApiId": f"id{n}", "Stage": "v1"} for n, contract in enumerate(CONTRACTS)},
    "socket": {"SocketApiId": "sock", "SocketStage": "v1"},
}


class Echo:
    """An engine that answers with what it was asked."""

    def __init__(self) -> None:
        self.port = free_port()
        self.loop = asyncio.new_event_loop()
        self.ready, self.done = threading.Event(), asyncio.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        self.ready.wait(5)

    def run(self) -> None:
        self.loop.run_until_complete(self.serve())
        self.loop.close()

    async def serve(self) -> None:
        app = web.Application(client_max_size=20 << 20)
        app.router.add_get("/_aws/execute-api/sock/v1", self.socket)
        app.router.add_route("*", r"/_aws/execute-api/{api}/{stage}{rest:[\s\S]*}", self.rest)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        self.ready.set()
        await self.done.wait()
        await runner.cleanup()

    async def rest(self, request: web.Request) -> web.Response:
        if request.path.endswith("/bytes"):
            return web.Response(body=bytes(range(256)), content_type="image/png")
        body = await request.read()
        answer = web.json_response(
            {
                "method": request.method,
                "target": request.raw_path,
                "headers": [[name.lower(), value] for name, value in request.headers.items()],
                "body": body.hex() if len(body) < 1000 else len(body),
            },
            status=int(request.headers.get("X-Status", "200")),
        )
        answer.headers.add("Set-Cookie", "a=1")
        answer.headers.add("Set-Cookie", "b=2")
        return answer

    async def socket(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("token") == "bad":
            return web.Response(status=401)
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_json({name: request.query.getall(name, []) for name in ("path", "contract", "x")})
        async for message in ws:
            if message.data == "flood":
                for _ in range(20_000):
                    await ws.send_str("x" * 1000)
            elif message.data == "bye":
                await ws.close(code=4001)
            else:
                await ws.send_str(message.data)
        return ws

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.done.set)
        self.thread.join(5)


@pytest.fixture(scope="module")
def door() -> Iterator[FrontDoor]:
    engine = Echo()
    door = FrontDoor(Engine(Path("unused"), engine.port), Routes(OUTPUTS), free_port())
    door.start()
    yield door
    door.stop()
    engine.stop()


def ask(door: FrontDoor, path: str, method: str = "GET", **options: Any) -> tuple[int, Any, Any]:
    async def asking() -> tuple[int, Any, Any]:
        async with (
            ClientSession() as session,
            session.request(method, URL(f"http://127.0.0.1:{door.port}{path}", encoded=True), **options) as answer,
        ):
            body = await answer.json() if answer.content_type == "application/json" else await answer.read()
            return answer.status, answer.headers, body

    return asyncio.run(asking())


@pytest.mark.parametrize(("n", "contract"), list(enumerate(CONTRACTS)))
def test_each_contract_leads_to_its_own_api(door: FrontDoor, n: int, contract: Any) -> None:
    _, _, seen = ask(door, f"{contract.mount}/things/1?x=1&x=2&y=%20%2F")
    assert seen["target"] == f"/_aws/execute-api/id{n}/v1/things/1?x=1&x=2&y=%20%2F"


def test_a_request_passes_unchanged(door: FrontDoor) -> None:
    status, headers, seen = ask(
        door,
        "/omoios/api/v1/a%2Fb/",
        "PATCH",
        data=bytes(range(256)),
        headers={"X-Status": "418", "Content-Type": "image/png", "X-Forwarded-For": "9.9.9.9"},
    )
    sent = dict(seen["headers"])
    assert (status, seen["method"], seen["body"]) == (418, "PATCH", bytes(range(256)).hex())
    assert seen["target"].endswith("/v1/a%2Fb/")
    assert sent["content-type"] == "image/png"
    assert (sent["host"], sent["x-forwarded-host"]) == (f"127.0.0.1:{door._engine.port}", f"127.0.0.1:{door.port}")
    assert sent["x-forwarded-for"] == "127.0.0.1"
    assert headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_bytes_stay_bytes(door: FrontDoor) -> None:
    status, headers, body = ask(door, "/agentworks/v1/bytes")
    assert (status, headers["Content-Type"], body) == (200, "image/png", bytes(range(256)))


def test_the_start_page_says_which_model_works(door: FrontDoor) -> None:
    _, _, page = ask(door, "/", headers={"Accept": "text/html"})
    assert b"embedded/cadre-embedded-1 (no language model was found); for a language model start Ollama" in page
    _, _, answer = ask(door, "/", headers={"Accept": "application/json"})
    assert answer["model"]["name"] == "cadre-embedded-1"


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
def test_pages_load_nothing_from_elsewhere(door: FrontDoor, path: str) -> None:
    status, _, body = ask(door, path, headers={"Accept": "text/html"})
    assert status == 200
    assert b"//cdn" not in body
    assert b'src="http' not in body


@pytest.mark.parametrize(
    "path", ["/agentworks", "/agentworks/v2/x", "/agentworks/v10/x", "/nobody/v1/x", "/omoios/v1/x", "/favicon.ico"]
)
def test_what_is_not_published_is_not_found(door: FrontDoor, path: str) -> None:
    assert ask(door, path)[0] == 404


@pytest.mark.parametrize("path", ["/verify-email", "/forgot-password", "/reset-password", "/invitations/accept"])
def test_the_links_of_mails_lead_somewhere_and_leave_the_token_in_the_browser(door: FrontDoor, path: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{door.port}{path}?token=s3cret", timeout=10) as answer:
        page = answer.read().decode()
        assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")
    assert '"/agentworks/v1"+path' in page
    assert "s3cret" not in page


def test_ten_megabytes_pass_and_more_does_not(door: FrontDoor) -> None:
    limit = 10 * 1024 * 1024
    assert ask(door, "/aintandem/api/v1/x", "POST", data=io.BytesIO(b"x" * (limit - 1)))[2]["body"] == limit - 1
    status, _, body = ask(door, "/aintandem/api/v1/x", "POST", data=io.BytesIO(b"x" * (limit + 1)))
    assert (status, body["success"], body["error"]["message"]) == (413, False, "Request Too Long")


def test_an_address_may_be_as_long_as_the_cdn_takes_it(door: FrontDoor) -> None:
    assert ask(door, "/aintandem/api/v1/" + "x" * 8000)[0] == 200  # a little less: the address behind the door is longer
    status, _, body = ask(door, "/aintandem/api/v1/" + "x" * (8193 - 18))
    assert (status, body["success"], body["error"]["code"]) == (414, False, "URI_TOO_LONG")
    assert ask(door, "/agentworks/v1/cards/" + "%41" * 100_000)[0] == 414


def test_an_address_with_a_line_break_is_passed_on_as_any_other(door: FrontDoor) -> None:
    status, _, seen = ask(door, "/agentworks/v1/a%0Ab")
    assert (status, seen["target"]) == (200, "/_aws/execute-api/id0/v1/a%0Ab")


@pytest.mark.parametrize(
    ("address", "contract", "path"),
    [
        ("/agentworks/api/cards/c1/terminal?token=t", "agentworks", "/api/cards/c1/terminal"),
        ("/agentworks/api/workspaces/w1/events?token=t", "agentworks", "/api/workspaces/w1/events"),
        ("/aintandem/ws/sandboxes/s1?x=1&x=2", "aintandem", "/ws/sandboxes/s1"),
        ("/aintandem/ws/collaborations/c1", "aintandem", "/ws/collaborations/c1"),
        ("/aintandem/ws/system", "aintandem", "/ws/system"),
        ("/orchestrator/v1/ws", "orchestrator", "/v1/ws"),
        ("/omoios/api/v1/ws/events", "omoios", "/api/v1/ws/events"),
        ("/omoios/api/v1/ws/events?contract=agentworks&pat%68=/api/workspaces/w1/events", "omoios", "/api/v1/ws/events"),
    ],
)
def test_sockets_carry_their_documented_path(door: FrontDoor, address: str, contract: str, path: str) -> None:
    async def talking() -> None:
        async with ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{door.port}{address}") as ws:
            first = await ws.receive_json(timeout=5)
            assert (first["contract"], first["path"]) == ([contract], [path])
            assert first["x"] == (["1", "2"] if "x=1" in address else [])
            await ws.send_str("hello")
            assert await ws.receive_str(timeout=5) == "hello"

    asyncio.run(talking())


def test_a_refusal_and_a_close_code_come_through(door: FrontDoor) -> None:
    async def talking() -> None:
        async with ClientSession() as session:
            with pytest.raises(WSServerHandshakeError) as refused:
                await session.ws_connect(f"http://127.0.0.1:{door.port}/aintandem/ws/system?token=bad")
            assert refused.value.status == 401
            async with session.ws_connect(f"http://127.0.0.1:{door.port}/aintandem/ws/system") as ws:
                await ws.receive(timeout=5)
                await ws.send_str("bye")
                assert (await ws.receive(timeout=5)).type is WSMsgType.CLOSE
                assert ws.close_code == 4001

    asyncio.run(talking())


def test_a_message_above_the_limit_closes_with_1009(door: FrontDoor) -> None:
    async def talking() -> None:
        async with ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{door.port}/orchestrator/v1/ws") as ws:
            await ws.receive(timeout=5)
            await ws.send_str("x" * (129 * 1024))
            assert (await ws.receive(timeout=5)).type is WSMsgType.CLOSE
            assert ws.close_code == 1009

    asyncio.run(talking())


def test_a_client_that_does_not_read_holds_up_nobody(door: FrontDoor) -> None:
    async def talking() -> None:
        address = f"http://127.0.0.1:{door.port}/orchestrator/v1/ws"
        async with ClientSession() as session, session.ws_connect(address) as stalled, session.ws_connect(address) as other:
            await stalled.receive(timeout=5)
            await other.receive(timeout=5)
            stalled._response.connection.transport.pause_reading()
            await stalled.send_str("flood")  # 20 MB towards a client that takes none of it
            for n in range(200):
                await other.send_str(str(n))
                assert await other.receive_str(timeout=5) == str(n)
            stalled._response.connection.transport.abort()

    asyncio.run(talking())


def test_a_taken_port_is_told_in_one_line(door: FrontDoor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LocalError, match="is in use"):
            FrontDoor(Engine(Path("unused"), 1), Routes(OUTPUTS), taken.getsockname()[1]).start()


def test_an_engine_that_does_not_answer_is_503() -> None:
    door = FrontDoor(Engine(Path("unused")), Routes(OUTPUTS), free_port())
    door.start()
    try:
        status, _, body = ask(door, "/enterprise/v1/projects")
        assert (status, body["status"]) == (503, 503)
        assert ask(door, "/local/health")[0] == 503
    finally:
        door.stop()


def test_a_deployment_without_an_api_is_refused() -> None:
    with pytest.raises(LocalError, match="omoios"):
        Routes({name: found for name, found in OUTPUTS.items() if name != "omoios"})


@pytest.mark.parametrize("path", WELL_KNOWN)
def test_clients_of_the_authorization_server_find_it_at_the_root(path: str) -> None:
    target = Routes(OUTPUTS).find(path)
    assert target is not None
    assert (target.contract.name, target.path.endswith(f"/v1{path}")) == ("enterprise", True)
    assert target == Routes(OUTPUTS).find(f"/enterprise/v1{path}")


def test_what_is_documented_beside_the_base_and_version_0_are_found_as_at_the_edge() -> None:
    routes = Routes(OUTPUTS)
    for page in ("/docs", "/redoc", "/openapi.json", "/postman-collection.json"):
        moved = routes.find(f"/enterprise{page}")
        assert moved is not None
        assert moved.moved == f"/enterprise/v1{page}"
        assert routes.find(f"/omoios{page}") is None
    for path in ("/v0", "/v0/organizations"):
        retired = routes.find(f"/enterprise{path}")
        assert retired is not None
        assert (retired.moved, retired.path.endswith(f"/v1{path}")) == (None, True)
        assert routes.find(f"/omoios{path}") is None
    assert routes.find("/enterprise/v00") is None
    beside = routes.find("/omoios/api/validation/status")
    assert beside == routes.find("/omoios/api/v1/validation/status")
    assert beside is not None
    assert beside.path.endswith("/v1/validation/status")
    assert routes.find("/omoios/api/validations") is None


def test_a_page_that_lies_elsewhere_is_redirected(door: FrontDoor) -> None:
    status, headers, _ = ask(door, "/enterprise/docs", allow_redirects=False)
    assert (status, headers["Location"]) == (302, "/enterprise/v1/docs")


def test_seven_sockets_are_announced() -> None:
    found: dict[str, Any] = endpoints("http://localhost:8000")
    assert len(found["websockets"]) == 7
    routes = Routes(OUTPUTS)
    for url in found["websockets"].values():
        target = routes.find(url.removeprefix("ws://localhost:8000").partition("?")[0])
        assert target is not None
        assert target.socket is not None
    for url in found["rest"].values():
        assert routes.find(f"{url.removeprefix('http://localhost:8000')}/x").socket is None  # type: ignore[union-attr]  # published


@pytest.mark.parametrize("path", ["/", "/local/mail", "/local/health", "/enterprise/v1/projects", "/docs"])
def test_a_name_that_a_page_made_lead_here_is_refused(door: FrontDoor, path: str) -> None:
    """DNS rebinding: to the browser the page and the front door are one origin, but the Host is the page's."""
    for host in ("evil.example", f"evil.example:{door.port}", "localhost.evil.example", "127.0.0.1.nip.example", ""):
        assert ask(door, path, headers={"Host": host})[0] == 403, host
    for host in ("localhost:8000.evil.example", "localhost:1<script>", "localhost:", "localhost:1:2", "localhost@evil:80"):
        assert ask(door, path, headers={"Host": host})[0] == 403, host
    for host in (f"localhost:{door.port}", f"127.0.0.1:{door.port}", "localhost:9000"):
        assert ask(door, path, headers={"Host": host})[0] != 403, host


def test_a_refused_name_is_an_error_of_the_contract(door: FrontDoor) -> None:
    _, _, body = ask(door, "/agentworks/v1/projects", headers={"Host": "evil.example"})
    assert body["error"]["code"] == "FORBIDDEN"
