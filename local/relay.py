"""WebSockets through the front door: each client has its own connection to the engine, and only its own buffers.

A client that reads slowly slows down its own connection (the engine's side is then not read either); one that does not read at all
is closed. Nothing is queued here, so no client can make another one wait or fill the memory.
"""

import asyncio
import contextlib
from urllib.parse import quote

from aiohttp import (
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    ClientWSTimeout,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from yarl import URL

from local.routes import Target, problem

MESSAGE_BYTES = 128 * 1024  # API Gateway's limit for a message
_FROM_ENGINE = 1024 * 1024
_SEND_WITHIN = 20.0  # a client that takes nothing for so long is gone
_PING_EVERY = 30.0
_HANDSHAKE_WITHIN = 35.0
_PASSED_ON = ("authorization", "cookie", "origin", "user-agent", "x-request-id", "x-api-key")


class Relay:
    """All open sockets of the door."""

    def __init__(self, session: ClientSession, engine: str) -> None:
        self._session = session
        self._engine = engine
        self._open: set[web.WebSocketResponse] = set()

    async def connect(self, request: web.Request, target: Target, query: str) -> web.StreamResponse:
        """Answer an upgrade: first the engine's side, so that its refusal is the client's answer."""
        protocols = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if part.strip()]
        try:
            async with asyncio.timeout(_HANDSHAKE_WITHIN):
                engine = await self._session.ws_connect(
                    self._address(target, query),
                    headers=_headers(request),
                    protocols=protocols,
                    max_msg_size=_FROM_ENGINE,
                    timeout=ClientWSTimeout(ws_close=1.0),
                )
        except WSServerHandshakeError as refused:
            code = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 429: "RATE_LIMIT_EXCEEDED"}.get(
                refused.status, "REFUSED"
            )
            return _answer(target, refused.status, code, "The connection was refused")
        except (ClientError, TimeoutError):
            return _answer(target, 503, "SERVICE_UNAVAILABLE", "The local engine does not answer")
        client = web.WebSocketResponse(
            protocols=[engine.protocol] if engine.protocol else (),
            max_msg_size=MESSAGE_BYTES,
            heartbeat=_PING_EVERY,
            timeout=1.0,
            compress=False,
        )
        try:
            await client.prepare(request)
            self._open.add(client)
            await _relay(client, engine)
        finally:
            self._open.discard(client)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2.0):
                    await engine.close()
        return client

    def _address(self, target: Target, query: str) -> URL:
        added = f"path={quote(target.socket or '', safe='')}&contract={target.contract.name}"
        return URL(f"{self._engine}{target.path}?{added}{'&' + query if query else ''}", encoded=True)

    async def close(self) -> None:
        """Tell every client that the server goes away."""
        await asyncio.gather(
            *(client.close(code=1001, message=b"server stops") for client in list(self._open)), return_exceptions=True
        )


def _headers(request: web.Request) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in request.headers.items() if name.lower() in _PASSED_ON]
    return [*kept, ("X-Forwarded-For", request.remote or "127.0.0.1"), ("X-Forwarded-Host", request.host)]


def _answer(target: Target, status: int, code: str, message: str) -> web.Response:
    return web.json_response(problem(target.contract, status, code, message, ""), status=status)


async def _relay(client: web.WebSocketResponse, engine: ClientWebSocketResponse) -> None:
    """Pass messages both ways until one side closes, then close the other with the same code."""
    up = asyncio.create_task(_upwards(client, engine))
    down = asyncio.create_task(_downwards(client, engine))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
    if not client.closed:
        await _close(client, engine.close_code or 1000)


async def _upwards(client: web.WebSocketResponse, engine: ClientWebSocketResponse) -> None:
    async for message in client:
        await _pass(message, engine)


async def _downwards(client: web.WebSocketResponse, engine: ClientWebSocketResponse) -> None:
    async for message in engine:
        async with asyncio.timeout(_SEND_WITHIN):
            await _pass(message, client)


async def _pass(message: WSMessage, side: web.WebSocketResponse | ClientWebSocketResponse) -> None:
    if message.type is WSMsgType.TEXT:
        await side.send_str(message.data)
    elif message.type is WSMsgType.BINARY:
        await side.send_bytes(message.data)


async def _close(client: web.WebSocketResponse, code: int) -> None:
    if code in (1005, 1006):  # reserved: never sent on the wire
        code = 1000 if code == 1005 else 1011
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(3.0):
            await client.close(code=code)
