"""WebSockets through the front door: each client has its own connection to the engine, and its own buffers.

A client that reads slowly slows down only its own connection, and one that reads nothing is disconnected. Nothing is queued here, so that
no client can delay another one or fill the memory.
"""

import asyncio
import contextlib
from urllib.parse import quote, unquote_plus, urlencode

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
_SEND_WITHIN = 20.0  # a client that receives nothing for so long is disconnected
_PING_EVERY = 30.0
_HANDSHAKE_WITHIN = 35.0
_FORWARDED_HEADERS = ("authorization", "cookie", "origin", "user-agent", "x-request-id", "x-api-key")


class WebSocketProxy:
    """All open WebSockets of the front door."""

    def __init__(self, session: ClientSession, engine: str) -> None:
        self._session = session
        self._engine = engine
        self._open: set[web.WebSocketResponse] = set()

    async def connect(self, request: web.Request, target: Target, query: str) -> web.StreamResponse:
        """Handle an upgrade request: connect to the engine first, so that the client gets its status when it refuses."""
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
        except WSServerHandshakeError as error:
            code = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 429: "RATE_LIMIT_EXCEEDED"}.get(
                error.status, "REFUSED"
            )
            return _error(target, error.status, code, "The connection was refused")
        except (ClientError, TimeoutError):
            return _error(target, 503, "SERVICE_UNAVAILABLE", "The local engine does not answer")
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
            await _forward(client, engine)
        finally:
            self._open.discard(client)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2.0):
                    await engine.close()
        return client

    def _address(self, target: Target, query: str) -> URL:
        ours = {"path": target.socket or "", "contract": target.contract.name}
        theirs = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in ours]
        return URL(f"{self._engine}{target.path}?{'&'.join([urlencode(ours, quote_via=quote), *theirs])}", encoded=True)

    async def close(self) -> None:
        """Close every client's connection with code 1001, going away."""
        await asyncio.gather(
            *(client.close(code=1001, message=b"server stops") for client in list(self._open)), return_exceptions=True
        )


def _headers(request: web.Request) -> list[tuple[str, str]]:
    headers = [(name, value) for name, value in request.headers.items() if name.lower() in _FORWARDED_HEADERS]
    return [*headers, ("X-Forwarded-For", request.remote or "127.0.0.1"), ("X-Forwarded-Host", request.host)]


def _error(target: Target, status: int, code: str, message: str) -> web.Response:
    return web.json_response(problem(target.contract, status, code, message, ""), status=status)


async def _forward(client: web.WebSocketResponse, engine: ClientWebSocketResponse) -> None:
    """Forward messages in both directions until one side closes, then close the other with the same code."""
    to_engine = asyncio.create_task(_to_engine(client, engine))
    to_client = asyncio.create_task(_to_client(client, engine))
    try:
        await asyncio.wait({to_engine, to_client}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (to_engine, to_client):
            task.cancel()
        await asyncio.gather(to_engine, to_client, return_exceptions=True)
    if not client.closed:
        await _close(client, engine.close_code or 1000)


async def _to_engine(client: web.WebSocketResponse, engine: ClientWebSocketResponse) -> None:
    async for message in client:
        await _send(message, engine)


async def _to_client(client: web.WebSocketResponse, engine: ClientWebSocketResponse) -> None:
    async for message in engine:
        async with asyncio.timeout(_SEND_WITHIN):
            await _send(message, client)


async def _send(message: WSMessage, side: web.WebSocketResponse | ClientWebSocketResponse) -> None:
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
