"""A platform of tests for the sandbox agent: its socket and its HTTP operations, as the agent sees them, in a thread of its own."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from aiohttp import WSMsgType, web

SANDBOX = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
Reply = dict[str, Any]


class FakePlatform:
    """`model` says what a completion answers. `redeliver`: send at each connection what is not acknowledged, and the rest once more."""

    def __init__(self, model: Callable[[dict[str, Any]], Reply] | None = None, servers: list[Any] | None = None) -> None:
        self.model = model or (lambda asked: {"content": f"Done: {asked['messages'][-1]['content']}"})
        self.configuration: dict[str, Any] = {
            "name": "frontend-team",
            "agent_config": {"primary_agent": {"name": "lead", "role": "Lead"}, "sub_agents": [{"name": "tester"}]},
            "resources": {"timeout_seconds": 30},
            "mcp_servers": servers or [],
            "workspace_id": "ws_1",
        }
        self.messages: dict[str, dict[str, Any]] = {}
        self.said: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        """Every message that was posted, also when it was posted before."""
        self.questions: dict[str, Any] = {}
        self.loses_answers = False
        self.completions: dict[str, Reply] = {}
        self.asked: list[dict[str, Any]] = []
        self.egress: Callable[[dict[str, Any]], Reply] = lambda _: {"status": 404, "headers": {}, "body": ""}
        self.refuses: Callable[[str, str], int] = lambda _method, _path: 0
        """Status of an error that a request gets; 0: it is served."""
        self._socket: web.WebSocketResponse | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self.port = self._call(self._start())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(20)

    async def _start(self) -> int:
        app = web.Application()
        app.router.add_get("/ws", self._serve_socket)
        app.router.add_put("/sandboxes/{sandbox}/completions/{id}", self._complete)
        app.router.add_get("/sandboxes/{sandbox}/completions/{id}", self._completed)
        app.router.add_post("/sandboxes/{sandbox}/messages", self._post)
        app.router.add_post("/sandboxes/{sandbox}/egress", self._egress)
        app.router.add_get("/messages/{id}", self._message)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    def close(self) -> None:
        if self._runner is not None:
            self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CADRE_SANDBOX_ID": SANDBOX,
            "CADRE_SANDBOX_TOKEN": "a-token",
            "CADRE_SANDBOX_API": f"http://127.0.0.1:{self.port}",
            "CADRE_SANDBOX_SOCKET": f"ws://127.0.0.1:{self.port}/ws",
        }

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        if status := self.refuses("GET", "/ws"):
            return web.Response(status=status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._socket = socket
        await socket.send_json({"event": "configure", "data": self.configuration})
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._hear(json.loads(frame.data), socket)
        return socket

    async def _hear(self, said: dict[str, Any], socket: web.WebSocketResponse) -> None:
        self.said.append(said)
        if said["action"] == "ready":
            for message in list(self.messages.values()):
                await socket.send_json({"event": "message", "data": message})

    def tell(self, event: str, **data: Any) -> None:
        """Send an event to the agent that is connected now."""

        async def send() -> None:
            assert self._socket is not None
            with contextlib.suppress(ConnectionError):  # it has just been killed: it is told again when it connects
                await self._socket.send_json({"event": event, "data": data})

        self._call(send())

    def deliver(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message, and again at each connection."""
        self.messages[message["message_id"]] = message
        if self._socket is not None and not self._socket.closed:
            self.tell("message", **message)
        return message

    def of(self, action: str) -> list[dict[str, Any]]:
        """What the agent said of one kind."""
        return [one for one in self.said if one["action"] == action]

    @property
    def acknowledged(self) -> set[str]:
        return {one["message_id"] for one in self.of("ack")}

    def answers(self, message_id: str) -> list[dict[str, Any]]:
        return [one for one in self.sent if one["message_type"] == "response" and one["in_reply_to"] == message_id]

    def log(self) -> list[str]:
        return [entry["message"] for one in self.of("log") for entry in one["entries"]]

    def _refused(self, request: web.Request) -> web.Response | None:
        status = self.refuses(request.method, request.path)
        return web.json_response({"error": {"code": "REFUSED", "message": "No"}}, status=status) if status else None

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (refused := self._refused(request)) is not None:
            return refused
        request_id = request.match_info["id"]
        if self.questions.setdefault(request_id, body) != body:
            error = {"code": "IDEMPOTENCY_CONFLICT", "message": "This id was used for another question"}
            return web.json_response({"error": error}, status=409)
        if request_id not in self.completions:
            self.asked.append(body)
            self.completions[request_id] = self.model(body)
            if self.loses_answers:
                return web.json_response({"error": {"code": "UNAVAILABLE", "message": "Lost"}}, status=503)
        return web.json_response({"data": self._state(request_id)})

    def _state(self, request_id: str) -> dict[str, Any]:
        reply = self.completions[request_id]
        if "error" in reply:
            return {"status": "failed", "error": reply["error"]}
        return {"status": "done", "reply": reply}

    async def _completed(self, request: web.Request) -> web.Response:
        return self._refused(request) or web.json_response({"data": self._state(request.match_info["id"])})

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (refused := self._refused(request)) is not None:
            return refused
        self.sent.append(body)
        return web.json_response({"data": {"message_id": body["message_id"], "status": "queued"}}, status=201)

    async def _egress(self, request: web.Request) -> web.Response:
        body = await request.json()
        return self._refused(request) or web.json_response({"data": self.egress(body)})

    async def _message(self, request: web.Request) -> web.Response:
        return self._refused(request) or web.json_response({"data": self.messages[request.match_info["id"]]})


def message(message_id: str, text: str = "Design the login page", sender: str = OTHER, **more: Any) -> dict[str, Any]:
    """A request as the platform delivers it."""
    return {
        "message_id": message_id,
        "from_sandbox": sender,
        "from_name": "backend-team",
        "from_agent": None,
        "to_agent": "lead",
        "message_type": "request",
        "content": {"text": text},
        "priority": 5,
        "requires_response": True,
        "timeout": 30,
        "in_reply_to": None,
        "collaboration_id": None,
        "number": 1,
    } | more
