"""MCP servers over stdio and HTTP, by the official SDK. It is loaded only where such a server is configured.

Servers over HTTP are asked through the platform's egress: the sandbox has no network of its own.
"""

import asyncio
import base64
import contextlib
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from cadre_sandbox.logs import Log
from cadre_sandbox.platform import Platform, PlatformError, Unreachable

_CONNECTS_WITHIN, _CALL_WITHIN = 30.0, 60.0  # seconds
_LOOKS_EVERY: Final = 20.0  # seconds between two looks whether a server still answers
_PAUSES: Final = (1.0, 5.0, 30.0, 120.0)  # seconds before a server that failed is connected again
_MAX_RESULT: Final = 100_000  # characters
CONNECTED, ERROR = "connected", "error"


class Server:
    """One MCP server, in a task of its own: the SDK wants to be closed where it was opened."""

    def __init__(self, config: dict[str, Any], platform: Platform, work: Path, log: Log) -> None:
        self.name, self.status = str(config["name"]), ERROR
        self.tools: list[dict[str, Any]] = []
        self._config, self._platform, self._work, self._log = config, platform, work, log
        self._client: Any = None
        self._ready, self._wake, self._closing = asyncio.Event(), asyncio.Event(), False
        self.on_change: Callable[[], None] = lambda: None
        self._task = asyncio.create_task(self._run())

    async def connected(self) -> bool:
        """Wait until it is connected or has failed."""
        try:
            await asyncio.wait_for(self._ready.wait(), _CONNECTS_WITHIN)
        except TimeoutError:
            self._log("error", f"The MCP server {self.name} did not connect within {_CONNECTS_WITHIN:g} seconds")
        return self.status == CONNECTED

    async def close(self) -> None:
        self._closing = True
        self._wake.set()
        done, _ = await asyncio.wait([self._task], timeout=5)
        if not done:
            self._task.cancel()

    async def _run(self) -> None:
        """Keep it connected until it is closed: one that fails is connected again after a pause, each time a longer one."""
        failures = 0
        while not self._closing:
            try:
                await self._serve()
            except asyncio.CancelledError:
                raise
            except (Exception, BaseExceptionGroup) as error:
                self._log("error", f"The MCP server {self.name} failed: {_said(error)}")
            finally:
                failures = 1 if self.status == CONNECTED else failures + 1
                self.status, self._client = ERROR, None
                self._ready.set()
                self.on_change()
            await self._closes_within(_PAUSES[min(failures, len(_PAUSES)) - 1])

    async def _serve(self) -> None:
        """Connect, and look again and again whether it still answers. Raises whatever its connection does."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(_CONNECTS_WITHIN):
                client = await stack.enter_async_context(self._made())
            self.tools = await _tools(client)
            self._client, self.status = client, CONNECTED
            self._ready.set()
            self.on_change()
            self._log("info", f"MCP server {self.name} connected, {len(self.tools)} tools")
            while not await self._closes_within(_LOOKS_EVERY):
                self.tools = await _tools(client)

    async def _closes_within(self, seconds: float) -> bool:
        """Wait so long, or until it is closed or a call of it has failed; return whether it is closed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()
        return self._closing

    def _made(self) -> Any:
        from mcp import Client, StdioServerParameters

        if command := self._config.get("command"):
            told = StdioServerParameters(command=str(command[0]), args=[*map(str, command[1:])], env=_own(), cwd=self._work)
            return Client(told, read_timeout_seconds=_CALL_WITHIN)
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        asks = httpx2.AsyncClient(transport=_egress(self._platform), timeout=_CALL_WITHIN)
        headers = self._config.get("headers") or {}
        asks.headers.update({str(name): str(value) for name, value in headers.items()})
        return Client(streamable_http_client(str(self._config["url"]), http_client=asks), read_timeout_seconds=_CALL_WITHIN)

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Return the text of a tool's result. Raises ValueError if the tool or the server fails."""
        if self._client is None:
            raise ValueError(f"The MCP server {self.name} is not connected")
        try:
            result = await asyncio.wait_for(self._client.call_tool(name, arguments), _CALL_WITHIN)
        except TimeoutError:
            self._wake.set()  # whether it still answers at all is looked at now
            raise ValueError(f"{name} did not answer within {_CALL_WITHIN:g} seconds") from None
        except Exception as error:
            self._wake.set()
            raise ValueError(_said(error)) from error
        text = "\n".join(part.text for part in result.content if getattr(part, "type", "") == "text")[:_MAX_RESULT]
        if result.is_error:
            raise ValueError(text or f"{name} failed")
        return text


async def _tools(client: Any) -> list[dict[str, Any]]:
    """Ask a server for its tools, which it has to answer each time."""
    async with asyncio.timeout(_CONNECTS_WITHIN):
        listed = await client.list_tools(cache_mode="bypass")
    return [{"name": tool.name, "description": tool.description or "", "parameters": _schema(tool)} for tool in listed.tools]


def _own() -> dict[str, str]:
    """Return the variables that a server gets: those of the sandbox's configuration, nothing of how it reaches the platform."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CADRE_")}


def _schema(tool: Any) -> dict[str, Any]:
    schema: dict[str, Any] = tool.input_schema or {"type": "object"}
    return schema


def _said(error: BaseException) -> str:
    """Return the words of an error; of a group those of its first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:500]


def _egress(platform: Platform) -> Any:
    """Return a transport of the HTTP client that asks through the platform. It has no streams: what a server would push is not heard."""
    import httpx2

    class Egress(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.method == "GET":
                return httpx2.Response(405, request=request)  # the server's own stream, which is optional
            body = (await request.aread()).decode()
            headers = {
                name: value
                for name, value in request.headers.items()
                if name.lower() not in ("host", "content-length", "connection")
            }
            try:
                answer = await platform.egress(request.method, str(request.url), headers, body or None)
            except (PlatformError, Unreachable) as error:
                raise httpx2.ConnectError(str(error), request=request) from error
            kept = {
                name: value
                for name, value in answer["headers"].items()
                if name.lower() not in ("content-length", "content-encoding", "transfer-encoding")
            }
            text = answer["body"] or ""
            content = base64.b64decode(text) if answer.get("encoding") == "base64" else text.encode()
            return httpx2.Response(answer["status"], headers=kept, content=content, request=request)

    return Egress()
