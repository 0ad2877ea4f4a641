"""`python -m local.versions <folder> <port> <parent>`: the host's own process. It reads the secret of its requests as its first line."""

import hmac
import http.client
import json
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from local.parent import stop_with_parent
from local.versions.places import Place, Places, Refused

HOOK = "/hook"
_MAX_BODY = 10 * 1024**2
_ANSWER_SECONDS = 30.0
_OWN_HEADERS = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}


class Handler(BaseHTTPRequestHandler):
    """`POST /hook` is the deploy hook; `/<project>/<environment>/...` is traffic for what is deployed there."""

    protocol_version = "HTTP/1.1"
    places: ClassVar[Places]
    secret: ClassVar[str]

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > _MAX_BODY:
            self.close_connection = True
            self._send(413, b"{}")
            return
        body = self.rfile.read(length)
        try:
            if self.path == HOOK:
                self._answer_hook(body)
            else:
                self._route(body)
        except Refused as refused:
            self._send(refused.status, json.dumps({"message": str(refused)}).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _answer_hook(self, body: bytes) -> None:
        wanted = f"sha256={hmac.digest(self.secret.encode(), body, 'sha256').hex()}"
        if not hmac.compare_digest(wanted.encode(), (self.headers.get("X-Signature-256") or "").encode()):
            raise Refused(401, "The signature is not valid")
        try:
            asked = json.loads(body)
            place = self.places.of(asked["project_id"], asked["environment"])
            answer = place.answer(asked)
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(400, "The request is not one of the protocol") from error
        self._send(200, json.dumps(answer).encode())

    def _route(self, body: bytes) -> None:
        _, project, environment = [*self.path.partition("?")[0].split("/"), "", ""][:3]
        place = self.places.of(project, environment)
        version = place.routing.choose()
        if version is None:
            raise Refused(503, "Nothing is deployed here")
        target = self.path.removeprefix(f"/{project}/{environment}") or "/"
        started = time.monotonic()
        status, headers, answer = self._ask(place, version, target if target.startswith("/") else f"/{target}", body)
        place.routing.measure(version, status >= 500, (time.monotonic() - started) * 1000)
        self._send(status, answer, [*headers, ("X-Version", version)])

    def _ask(self, place: Place, version: str, path: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        with place.lock:
            port = place.version(version).port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN_HEADERS}
            connection.request(self.command, path, body or None, headers)
            answer = connection.getresponse()
            passed = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OWN_HEADERS]
            return answer.status, passed, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return 502, [], json.dumps({"message": f"The version does not answer ({type(error).__name__})"}).encode()
        finally:
            connection.close()

    def _send(self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers or [("Content-Type", "application/json")]:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing of single requests."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def make_server(folder: Path, port: int, secret: str) -> tuple[Server, Places]:
    """Return a server that listens on loopback, and what it serves."""
    places = Places(folder)
    handler = type("BoundHandler", (Handler,), {"places": places, "secret": secret})
    return Server(("127.0.0.1", port), handler), places


def main() -> None:
    folder, port, parent = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    stop_with_parent(parent)
    server, places = make_server(folder, port, sys.stdin.readline().strip())

    def stop(*_: Any) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this host
    print("ready", flush=True)
    server.serve_forever(0.1)
    places.end()


if __name__ == "__main__":
    main()
