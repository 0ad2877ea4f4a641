"""A model provider on loopback: answers with what a test scripts, remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.agents.providers import wire
from shared.agents.providers.attempts import RetryPolicy


@dataclass
class Reply:
    """`chunks` are flushed one by one. `breaks`: the connection dies without the closing chunk. `hangs`: silence after the chunks."""

    status: int = 200
    chunks: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    breaks: bool = False
    hangs: bool = False


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Loopback:
    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.asked: list[Asked] = []
        self.released = threading.Event()
        self.flushed: list[threading.Event] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._server.block_on_close = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                loopback.asked.append(Asked(self.path, headers, json.loads(body) if body else {}))
                reply = loopback.replies.pop(0)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("transfer-encoding", "chunked")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    for chunk in reply.chunks:
                        self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                        self.wfile.flush()
                    if reply.hangs:
                        loopback.released.wait(10)
                    if not reply.breaks and not reply.hangs:
                        self.wfile.write(b"0\r\n\r\n")
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    yield from serve()


def serve() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.close()
    wire._client().close()
    wire._client.cache_clear()


@dataclass
class Pauses:
    """Waits that take no time, and are remembered."""

    slept: list[float] = field(default_factory=list)

    def retry_policy(self, **changes: Any) -> RetryPolicy:
        return RetryPolicy(**{"sleep": self.slept.append, "connect_timeout_s": 2.0, "idle_timeout_s": 5.0, **changes})


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def sse(*events: dict[str, Any] | str, name: bool = False) -> bytes:
    """Server-sent events on the wire; with `name`, each carries its `type` as the event name, as Anthropic does."""
    lines = ""
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event)
        lines += (f"event: {event['type']}\n" if name and isinstance(event, dict) else "") + f"data: {data}\n\n"
    return lines.encode()
