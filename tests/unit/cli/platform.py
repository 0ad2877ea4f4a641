"""A platform that answers as it is told, over HTTP and by sockets."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web

META = {"timestamp": "2026-11-01T00:00:00Z", "request_id": "req-1"}


def data(body: Any, status: int = 200) -> tuple[int, Any]:
    """An answer of enterprise."""
    return status, {"success": True, "status": status, "data": body, "meta": META}


def bare(body: Any, status: int = 200) -> tuple[int, Any]:
    """An answer of agentworks."""
    return status, body


def refusal(status: int, code: str) -> tuple[int, Any]:
    return status, {
        "success": False,
        "status": status,
        "error": {"code": code, "message": "Said so", "details": []},
        "meta": META,
    }


class Platform:
    """`answers` by method and path: the last one is given again and again. A socket is sent `messages`: a text is the request that is
    waited for before the next message."""

    def __init__(
        self,
        answers: dict[str, list[tuple[int, Any]]],
        messages: list[Any] | None = None,
        asked: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`asked` is called with each method and path, before the answer."""
        self.asked = asked
        self.answers, self.messages = {name: list(given) for name, given in answers.items()}, messages or []
        self.requests: list[tuple[str, Any]] = []
        self.url = ""
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Platform":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def sent(self, name: str) -> list[Any]:
        """The bodies that came for a method and path."""
        return [body for of, body in self.requests if of == name]

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._over, self._news = asyncio.Event(), asyncio.Condition()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._speak(request)
        name = f"{request.method} {request.path}"
        text = await request.text()
        async with self._news:
            self.requests.append((name, json.loads(text) if text.startswith("{") else text))
            self._news.notify_all()
        self.asked(name)
        left = self.answers[name]
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return web.json_response(body, status=status)

    async def _speak(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        for message in self.messages:
            if isinstance(message, str):
                async with self._news:
                    await self._news.wait_for(lambda name=message: self.sent(name))
            else:
                await socket.send_json(message)
        await socket.receive()
        return socket
