"""HTTP exchanges with a real model server, recorded once (`make try-local-model`) and replayed in tests.

A cassette is a file of JSON lines, one for each exchange: {method, path, request, status, content_type, body}.
"""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2

from local.engine import ROOT

FOLDER = Path(__file__).parent / "data" / "cassettes"
Exchange = dict[str, Any]


class _Server(ABC):
    """A server on loopback that knows what to answer to each request."""

    @abstractmethod
    def exchange(self, method: str, path: str, body: bytes) -> Exchange: ...

    @contextmanager
    def running(self) -> Iterator[int]:
        """Serve, and give the port."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.exchange

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                made = answer(self.command, self.path, self.rfile.read(int(self.headers.get("content-length", 0))))
                body = made["body"].encode()
                self.send_response(made["status"])
                self.send_header("content-type", made["content_type"])
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


class Recorder(_Server):
    """Passes requests on to `upstream` and remembers the exchanges."""

    def __init__(self, upstream: str) -> None:
        self.upstream, self.exchanges = upstream, list[Exchange]()

    def exchange(self, method: str, path: str, body: bytes) -> Exchange:
        headers = {"content-type": "application/json"}
        answer = httpx2.request(method, self.upstream + path, content=body, headers=headers, timeout=600, trust_env=False)
        made = {
            "method": method,
            "path": path,
            "request": json.loads(body) if body else None,
            "status": answer.status_code,
            "content_type": answer.headers["content-type"],
            "body": answer.text,
        }
        self.exchanges.append(made)
        return made

    def save(self, name: str) -> Path:
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / f"{name}.jsonl"
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in self.exchanges)
        path.write_text(lines.replace(str(ROOT), "."))  # errors of the server name its files
        return path


class Replay(_Server):
    """Answers as recorded, in the same order. A request that was not recorded next is answered 404."""

    def __init__(self, name: str) -> None:
        self.left = [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]
        self.asked: list[Any] = []

    def exchange(self, method: str, path: str, body: bytes) -> Exchange:
        self.asked.append(json.loads(body) if body else None)
        if self.left and (self.left[0]["method"], self.left[0]["path"]) == (method, path):
            return dict(self.left.pop(0))
        return {"status": 404, "content_type": "text/plain", "body": f"not recorded: {method} {path}"}
