"""What the hosts of the local stack have in common: a process that ends with the stack, and an HTTP server on loopback that knows one key.

The key is the first line of the standard input, so that no environment has it.
"""

import contextlib
import hmac
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.parent import stop_with_parent

Answer = tuple[int, dict[str, Any]]
"""A status and a body."""
Body = Callable[[], dict[str, Any]]
"""Reads the body of a request. Raises Refused and ValueError."""


class Refused(Exception):
    """Status and reason of an answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Started:
    """How a host was started: `python -m <module> <folder> <port> <parent>`, with its key on the standard input."""

    folder: Path
    port: int
    key: str


def read_start() -> Started:
    """Return how this process was started; from now on it ends with its parent."""
    folder, port, parent = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    key = sys.stdin.readline().strip()
    stop_with_parent(parent)
    return Started(folder, port, key)


def serve(listening: ThreadingHTTPServer, work: Callable[[], None], end: Callable[[], object]) -> None:
    """Answer requests and work beside it until a signal comes; then call `end`, and end the process."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    threading.Thread(target=work, daemon=True).start()
    print("ready", flush=True)
    ended.wait()
    end()
    os._exit(0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def make_server(port: int, key: str, answer: Callable[[str, str, Body], Answer], max_body: int) -> ThreadingHTTPServer:
    """Return a server, which listens already. `answer` gets the method, the path and what reads the body of at most so many bytes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def _serve(self) -> None:
            self._unread = self.headers.get("Content-Length", "0") != "0"
            try:
                status, body = self._result()
            except Refused as refused:
                status, body = refused.status, {"error": refused.reason}
            except (ValueError, KeyError, TypeError, AttributeError):
                status, body = 400, {"error": "The request is not understood"}
            if self._unread or status in (400, 401):
                self.close_connection = True  # else a body that was not read would be taken for the next request
            raw = json.dumps(body, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(raw)

        do_GET = do_PUT = do_DELETE = _serve

        def log_message(self, *_: Any) -> None:
            return None

        def _result(self) -> Answer:
            given = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), key.encode()):
                return 401, {}
            return answer(self.command, self.path, self._body)

        def _body(self) -> dict[str, Any]:
            length = int(self.headers.get("Content-Length") or 0)
            if length > max_body:
                raise Refused(413, "The request is too large")
            raw, self._unread = self.rfile.read(length), False
            body = json.loads(raw)
            if not isinstance(body, dict):
                raise ValueError("The body is not an object")  # noqa: TRY004 - as what is no JSON
            return body

    return _Server(("127.0.0.1", port), Handler)
