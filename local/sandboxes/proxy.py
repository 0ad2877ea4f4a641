"""The only way out of a sandbox: a Unix socket behind which the platform's API for this sandbox answers, and nothing else.

One connection carries one request. `GET /usage` for the name `sandbox-host` says what the host has measured of the sandbox.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

log = logging.getLogger(__name__)
SOCKET: Final = "platform.sock"
HOST_NAME: Final = "sandbox-host"
_MAX_HEAD: Final = 32_000  # bytes
_MAX_BODY: Final = 6_000_000  # what API Gateway and Lambda take together
_HEAD_WITHIN, _CONNECT_WITHIN = 10.0, 5.0  # seconds
_MOST: Final = 32  # connections of one sandbox at once
_CHUNK: Final = 65_536


@dataclass
class Way:
    """What one sandbox may ask, and what it sent and received."""

    sandbox_id: str
    api: str
    socket: str
    usage: Callable[[], dict[str, Any]]
    received: int = 0
    sent: int = 0
    connections: int = 0
    listening: asyncio.Server | None = None
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    def target(self, host: str, path: str, *, upgrade: bool) -> tuple[str, int] | None:
        """Return where a request goes; None: nowhere."""
        allowed = urlsplit(self.socket if upgrade else self.api)
        plain = path.partition("?")[0]
        if host != allowed.netloc or not plain.isascii() or any(part in plain for part in ("..", "//", "%", "\\", "#")):
            return None
        if upgrade:
            fits = plain == allowed.path
        else:
            own = (f"{allowed.path}/sandboxes/{self.sandbox_id}", f"{allowed.path}/sandboxes/sb_{self.sandbox_id}")
            fits = plain.startswith((*(f"{place}/" for place in own), f"{allowed.path}/messages/"))
        return (str(allowed.hostname), allowed.port or 80) if fits else None


class Refused(Exception):
    """A request that goes nowhere: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Proxy:
    """The proxies of all sandboxes, in one thread. Their sockets lie in a folder that only this user can enter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ways: dict[str, Way] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def open(self, way: Way) -> Path:
        """Listen for one sandbox; return the folder of its socket."""
        place = self.folder / way.sandbox_id
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
        self._wait(self._open(way, place))
        return place

    def close(self, sandbox_id: str) -> None:
        self._wait(self._close(sandbox_id))
        shutil.rmtree(self.folder / sandbox_id, ignore_errors=True)

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _open(self, way: Way, place: Path) -> None:
        await self._close(way.sandbox_id)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _serve(way, reader, writer)

        (place / SOCKET).unlink(missing_ok=True)
        way.listening = await asyncio.start_unix_server(serve, place / SOCKET, limit=_MAX_HEAD, backlog=_MOST)
        os.chmod(place / SOCKET, 0o666)  # noqa: S103 - the folder above is closed; inside the sandbox it is another user's
        self._ways[way.sandbox_id] = way

    async def _close(self, sandbox_id: str) -> None:
        way = self._ways.pop(sandbox_id, None)
        if way is None or way.listening is None:
            return
        way.listening.close()
        for writer in list(way.open):
            writer.close()


async def _serve(way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    way.connections += 1
    way.open.add(writer)
    try:
        if way.connections > _MOST:
            raise Refused(503, "Too many connections at once")
        await _forward(way, reader, writer)
    except Refused as refused:
        with contextlib.suppress(OSError):
            await _answer(writer, refused.status, {"error": refused.reason})
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        pass  # one of the two sides went away
    finally:
        way.connections -= 1
        way.open.discard(writer)
        writer.close()


async def _answer(writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + raw)
    await writer.drain()


async def _forward(way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_WITHIN)
    except asyncio.LimitOverrunError:
        raise Refused(431, "The head of the request is too long") from None
    method, path, headers = _read(head)
    named = {name.lower(): value for name, value in headers}
    if len(named) != len(headers) or "transfer-encoding" in named:
        raise Refused(400, "The request repeats a header, or has no length")
    upgrade = named.get("upgrade", "").lower() == "websocket"
    if named.get("host") == HOST_NAME and (method, path) == ("GET", "/usage"):
        network = {"network_in_bytes": way.received, "network_out_bytes": way.sent}
        return await _answer(writer, 200, way.usage() | network)
    target = way.target(named.get("host", ""), path, upgrade=upgrade)
    length = _length(named)
    if target is None:
        raise Refused(403, "A sandbox reaches only the platform's API for this sandbox")
    try:
        there, back = await asyncio.wait_for(asyncio.open_connection(*target), _CONNECT_WITHIN)
    except (OSError, TimeoutError):
        raise Refused(502, "The platform does not answer") from None
    way.open.add(back)
    try:
        await _carry(
            way, (reader, writer), (there, back), _head(method, path, headers, upgrade=upgrade), None if upgrade else length
        )
    finally:
        way.open.discard(back)
        back.close()
    return None


def _read(head: bytes) -> tuple[str, str, list[tuple[str, str]]]:
    try:
        first, *lines = head.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
        method, path, version = first.split(" ")
        headers = [(name, value.strip()) for name, value in (line.split(":", 1) for line in lines)]
    except ValueError:
        raise Refused(400, "This is no HTTP request") from None
    named = all(name and name.replace("-", "").isalnum() for name, _ in headers)
    if version != "HTTP/1.1" or not path.startswith("/") or not named or any(c in head.decode() for c in ("\0", "\n ", "\n\t")):
        raise Refused(400, "This is no HTTP request")
    return method, path, headers


def _length(headers: dict[str, str]) -> int:
    given = headers.get("content-length", "0")
    if not given.isdecimal() or int(given) > _MAX_BODY:
        raise Refused(413, "The body is too large")
    return int(given)


def _head(method: str, path: str, headers: list[tuple[str, str]], *, upgrade: bool) -> bytes:
    kept = [(name, value) for name, value in headers if name.lower() != "connection"]
    lines = [f"{name}: {value}" for name, value in [*kept, ("Connection", "Upgrade" if upgrade else "close")]]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _carry(way: Way, inside: _Ends, outside: _Ends, head: bytes, length: int | None) -> None:
    """Carry one request and its answer; with no length both ways until one side ends."""
    reader, writer = inside
    there, back = outside

    async def out() -> None:
        back.write(head)
        way.sent += len(head)
        left = length
        while left is None or left > 0:
            if not (data := await reader.read(_CHUNK if left is None else min(left, _CHUNK))):
                return
            left = None if left is None else left - len(data)
            way.sent += len(data)
            back.write(data)
            await back.drain()

    async def home() -> None:
        while data := await there.read(_CHUNK):
            way.received += len(data)
            writer.write(data)
            await writer.drain()

    tasks = [asyncio.create_task(out()), asyncio.create_task(home())]
    try:
        if length is None:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        else:
            await tasks[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
