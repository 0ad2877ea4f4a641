"""A DynamoDB that answers by a script, over real sockets: what a network and a busy service do to a call.

with scripted(Answer(400, {"__type": "ThrottlingException"}), CUT, OK) as server:
    client.get_item(...)
assert len(server.requests) == 3
"""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from zlib import crc32


@dataclass(frozen=True)
class Answer:
    """What one request gets. `promised` are bytes more than there are, `closes` ends the connection afterwards without a word of it."""

    status: int = 200
    body: Any = field(default_factory=dict)
    checksum: int = 0
    promised: int = 0
    closes: bool = False
    stalls: bool = False

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


OK = Answer(body={"Item": {"PK": {"S": "A"}, "n": {"N": "1"}}})
CUT = Answer(closes=True, promised=-1)  # not a byte comes
HALF = Answer(body=OK.body, promised=10, closes=True)
STALLED = Answer(stalls=True)


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes
    connection: int


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: tuple[Answer, ...], context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.answers, self.requests, self.over = list(answers), list[Received](), Event()
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is what some scripts are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(Received(dict(self.headers), body, self.client_address[1]))
        answer = self.server.answers.pop(0)
        self.close_connection = answer.closes
        if answer.stalls:
            self.server.over.wait()
        if answer.promised < 0 or answer.stalls:
            return
        self.send_response_only(answer.status)
        for name, value in {
            "Content-Type": "application/x-amz-json-1.0",
            "Content-Length": len(answer.content) + answer.promised,
            "x-amzn-RequestId": "R1",
            "x-amz-crc32": answer.checksum or crc32(answer.content),
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def scripted(*answers: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(answers, context)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
