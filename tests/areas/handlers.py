"""The functions behind real HTTP: requests are answered by the Lambda handlers, as API Gateway would choose them."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from infra.names import CONTRACTS, WELL_KNOWN
from infra.routes import table
from tests.areas.driving import Answer, call


@cache
def _routes() -> list[tuple[str, str, re.Pattern[str], str]]:
    return [
        (route.contract, route.method, re.compile(re.sub(r"\\{[^}]+\\}", "[^/]*", re.escape(route.path))), route.area)
        for route in table()
    ]


def answer(contract: str, method: str, path: str, body: bytes | None, headers: Any) -> Answer:
    """Call the function that API Gateway would choose; where it would choose none, one that answers for the path's beginning."""
    way = path.partition("?")[0]
    known = [(pattern.fullmatch(way), verb == method, area) for of, verb, pattern, area in _routes() if of == contract]
    area = max(known, key=lambda one: (bool(one[0]), one[1]))[2]
    return call(area, contract, method, path, body=body, headers=headers)


class Functions(HTTPAdapter):
    """Sends requests for `http://{contract}.test/...` to the functions that serve them."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        contract, path = re.fullmatch(r"https?://(\w+)\.test(.*)", str(request.url)).groups()
        body = request.body.encode() if isinstance(request.body, str) else request.body
        given = answer(contract, str(request.method), path, body, request.headers)
        headers = HTTPHeaderDict([(name, value) for name, values in given.headers.items() for value in values])
        return self.build_response(request, HTTPResponse(io.BytesIO(given.body), headers, given.status, preload_content=False))


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        mounted = {one.mount: one.name for one in CONTRACTS if self.path.startswith(f"{one.mount}/")}
        if self.path in WELL_KNOWN:
            mounted = {"": "enterprise"}
        if not mounted:
            self.send_error(404)
            return
        ((mount, contract),) = mounted.items()
        given = answer(contract, self.command, self.path.removeprefix(mount), body, dict(self.headers.items()))
        self.send_response(given.status)
        for name, values in given.headers.items():
            for value in values:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served() -> Iterator[str]:
    """Serve the functions at an address of this machine, below the paths of the edge."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Request)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
