"""A receiver of webhooks on loopback that does what it is told: answers, fails, hangs, redirects, talks rubbish, never stops talking."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

Behaviour = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def says(status: int, body: str = "", **headers: str) -> Behaviour:
    """An answer with a status; a header `retry_after` is Retry-After."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    text = f"HTTP/1.1 {status} Whatever\r\n{lines}Content-Length: {len(body.encode())}\r\n\r\n{body}"
    return lambda connection: connection.sendall(text.encode())


def closes(_: socket.socket) -> None:
    """Say nothing and go."""


def rubbish(connection: socket.socket) -> None:
    connection.sendall(b"\x00\x01 this is no HTTP\r\n\r\n")


def hangs(connection: socket.socket) -> None:
    """Say nothing until the other side goes."""
    while connection.recv(1024):
        pass


def stays(connection: socket.socket) -> None:
    """Answer, and neither say how long the answer is nor end it."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nTaken")
    hangs(connection)


def _trickles(head: bytes, part: bytes, pause: float) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        stop = threading.Event()
        connection.sendall(head)
        while not stop.wait(pause):
            connection.sendall(part)

    return behave


never_ends = _trickles(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n", 0)
"""A body without end, as fast as it is taken."""
drips = _trickles(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.02)
"""Headers without end, one at a time: no pause is long enough for a time-out of a single read."""


class Receiver:
    """`received` in the order of arrival. `behaviours` are used up one by one, then `usual` is what it does; `chooses` comes
    before both, if it says anything."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.behaviours: list[Behaviour] = []
        self.usual: Behaviour = says(204)
        self.chooses: Callable[[Received], Behaviour | None] = lambda _: None
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def events(self) -> list[Any]:
        return [one.json for one in self.received]

    def close(self) -> None:
        with suppress(OSError):  # closed before
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                request = _read(connection)
                with self._lock:
                    self.received.append(request)
                chosen = self.chooses(request)
                with self._lock:
                    queued = self.behaviours.pop(0) if self.behaviours and not chosen else self.usual
                (chosen or queued)(connection)
        except OSError:
            pass  # the other side has gone


def _read(connection: socket.socket) -> Received:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += connection.recv(65_536)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65_536)
    return Received(first.split(" ")[1], headers, body)
