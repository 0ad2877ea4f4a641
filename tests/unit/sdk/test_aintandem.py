"""The Python client of aintandem without a platform: pages, sandboxes as objects, errors, sockets that go on."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from itertools import islice
from typing import Any

import httpx2
import pytest
from websockets.sync.server import ServerConnection, serve

from ai_agents._calls import Retries
from aintandem import AInTandemClient, Frame, errors
from tests.unit.sdk.server import META, Server

BASE = "https://api.example.com/api/v1"
TEAM: Any = {"name": "frontend-team", "agent_config": {"primary_agent": {"name": "frontend-architect"}}}
TIME = "2026-11-01T00:00:00.000Z"
DETAILS = {"collaboration_bus_url": "wss://api.example.com/ws/sandboxes/sb_1", "api_endpoint": f"{BASE}/sandboxes/sb_1"}
CREATED = {
    "sandbox_id": "sb_1",
    "name": "frontend-team",
    "status": "provisioning",
    "connection_details": DETAILS,
    "created_at": TIME,
}


def data(body: Any, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json={"success": True, "data": body, "meta": META})


def page(entries: list[Any], number: int, pages: int) -> httpx2.Response:
    shown = {"page": number, "per_page": 1, "total": pages, "total_pages": pages}
    meta = META | shown | {"has_next": number < pages, "has_prev": number > 1}
    return httpx2.Response(200, json={"success": True, "data": entries, "meta": meta})


def refusal(status: int, code: str, details: Any = None) -> httpx2.Response:
    error = {"code": code, "message": "Said so"} | ({"details": details} if details else {})
    return httpx2.Response(status, json={"success": False, "error": error, "meta": META})


def workspace(name: str) -> dict[str, Any]:
    settings = {
        "max_sandboxes": 10,
        "default_llm_provider": "qwen",
        "collaboration_policy": "allow_all",
        "resource_defaults": None,
    }
    fields = {"workspace_id": f"ws_{name}", "name": name, "description": "", "owner_id": "usr_1", "settings": settings}
    return fields | {"sandbox_limit": 5, "sandbox_count": 0, "created_at": TIME, "updated_at": TIME}


def run(server: Server, play: Callable[[AInTandemClient], Any]) -> Any:
    async def main() -> Any:
        transport = httpx2.MockTransport(server.answer)
        async with AInTandemClient(api_key="sk-1", base_url=BASE, transport=transport, retries=Retries(attempts=0)) as client:
            return await play(client)

    return asyncio.run(main())


def test_a_list_goes_on_through_its_pages_and_each_thing_has_an_id():
    async def play(client: AInTandemClient) -> Any:
        found = await client.workspaces.list(per_page=1)
        return found.pagination.total, [one.id async for one in found.all()]

    server = Server(page([workspace("a")], 1, 2), page([workspace("b")], 2, 2))
    assert run(server, play) == (2, ["ws_a", "ws_b"])
    assert server.sent() == ["GET /api/v1/workspaces?per_page=1", "GET /api/v1/workspaces?page=2&per_page=1"]
    assert set(server.header("x-api-key")) == {"sk-1"}


def test_sandboxes_of_a_list_can_be_asked_on_every_page():
    def summary(number: int) -> dict[str, Any]:
        resources = {"memory_mb": 512, "cpu_cores": 1, "timeout_seconds": 300, "max_processes": 20, "disk_mb": 512}
        health = {"status": "unknown", "last_heartbeat": None}
        about = {"sandbox_id": f"sb_{number}", "name": f"team-{number}", "workspace_id": "ws_1", "status": "stopped"}
        return about | {"agent_config": {}, "resources": resources, "health": health, "created_at": TIME}

    async def play(client: AInTandemClient) -> Any:
        found = await client.workspaces.list_sandboxes("ws_1", status="stopped")
        for one in [one async for one in found.all()]:
            await one.delete()

    server = Server(page([summary(1)], 1, 2), page([summary(2)], 2, 2), httpx2.Response(204), httpx2.Response(204))
    run(server, play)
    assert server.sent()[2:] == ["DELETE /api/v1/sandboxes/sb_1", "DELETE /api/v1/sandboxes/sb_2"]


@pytest.mark.parametrize("status", ["provisioning", "starting", "restarting", "running"])
def test_to_start_what_starts_already_is_no_error(status):
    server = Server(data(CREATED, 201), refusal(409, "SANDBOX_NOT_READY", {"status": status}))

    async def play(client: AInTandemClient) -> Any:
        sandbox = await client.sandboxes.create("ws_1", TEAM)
        await sandbox.start()
        return sandbox.id, sandbox.name, sandbox.status

    assert run(server, play) == ("sb_1", "frontend-team", "provisioning")
    assert json.loads(server.requests[0].content) == TEAM


@pytest.mark.parametrize(
    ("answer", "error", "detail"),
    [
        (refusal(409, "SANDBOX_NOT_READY", {"status": "stopping"}), errors.NotReadyError, ("status", "stopping")),
        (refusal(429, "RESOURCE_EXHAUSTED", {"limit": 5}), errors.ExhaustedError, ("limit", "5")),
        (
            refusal(422, "VALIDATION_ERROR", {"fields": [{"field": "name", "message": "Too long"}]}),
            errors.ValidationError,
            ("name", "Too long"),
        ),
        (refusal(409, "RESOURCE_ALREADY_EXISTS"), errors.DuplicateError, None),
        (refusal(403, "AUTHORIZATION_FAILED"), errors.AuthorizationError, None),
        (refusal(404, "RESOURCE_NOT_FOUND"), errors.NotFoundError, None),
    ],
)
def test_a_refusal_is_an_error_of_its_kind_with_its_details(answer, error, detail):
    async def play(client: AInTandemClient) -> Any:
        sandbox = await client.sandboxes.create("ws_1", TEAM)
        await sandbox.start()

    with pytest.raises(error) as refused:
        run(Server(data(CREATED, 201), answer), play)
    assert [(one.field, one.message) for one in refused.value.details] == ([detail] if detail else [])


def test_the_address_is_that_of_the_local_stack_or_of_a_variable(monkeypatch):
    assert AInTandemClient(api_key="sk-1")._transport.base_url == "http://localhost:8000/aintandem/api/v1"
    monkeypatch.setenv("AINTANDEM_BASE_URL", "https://api.example.com/api/v1/")
    client = AInTandemClient(api_key="sk-1")
    assert (client._transport.base_url, client._socket_url) == (BASE, "wss://api.example.com/ws")


def frame(sequence: Any, channel: str = "logs") -> dict[str, Any]:
    return {"channel": channel, "event": "log_lines", "data": {}, "timestamp": TIME, "sequence": sequence}


class Sockets:
    """Each connection gets the next list of messages and is closed then; `asked` is what clients said first."""

    def __init__(self, *connections: list[dict[str, Any]]) -> None:
        self.connections, self.asked, self.paths = list(connections), list[Any](), list[str]()

    def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.asked.append(json.loads(connection.recv()))
        for message in self.connections.pop(0):
            connection.send(json.dumps(message))

    @contextmanager
    def url(self) -> Iterator[str]:
        with serve(self.serve, "127.0.0.1", 0) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/aintandem/api/v1"
            finally:
                server.shutdown()
                thread.join()


def listened(sockets: Sockets, count: int, **who: Any) -> list[Frame]:
    async def main(url: str) -> list[Frame]:
        async with AInTandemClient(base_url=url, retries=Retries(first=0.01), **(who or {"token": "t"})) as client:
            sandbox = client.sandboxes._open(_created())
            async with aclosing(sandbox.listen("logs", "events")) as frames:
                return [await anext(frames) for _ in range(count)]

    with sockets.url() as url:
        return asyncio.run(main(url))


def _created() -> Any:
    from aintandem.models import CreatedSandbox

    return CreatedSandbox.model_validate(CREATED)


def test_a_socket_goes_on_after_a_connection_that_broke_off_and_shows_nothing_twice():
    answer = {"channel": "control", "event": "subscribed", "data": {"channels": ["logs"]}, "timestamp": TIME}
    sockets = Sockets([answer, frame(1), frame(3), frame("t#a", "events")], [answer, frame("t#a", "events"), frame(4)])
    assert [one.sequence for one in islice(listened(sockets, 4), 4)] == [1, 3, "t#a", 4]
    first, second = sockets.asked
    assert first == {"action": "subscribe", "channels": ["logs", "events"]}
    assert second == first | {"last_sequence": {"logs": 3, "events": "t#a"}}
    assert sockets.paths == ["/aintandem/ws/sandboxes/sb_1?token=t"] * 2


def test_a_socket_that_refuses_says_why_and_a_key_opens_none():
    refused = {"channel": "control", "event": "error", "data": {"code": "VALIDATION_ERROR", "message": "No"}, "timestamp": TIME}
    with pytest.raises(errors.UnexpectedAnswerError, match="VALIDATION_ERROR"):
        listened(Sockets([refused]), 1)
    with pytest.raises(ValueError, match="API key"):
        listened(Sockets(), 1, api_key="sk-1")
