"""A deploy hook of a team: it deploys nothing, answers as one that does, and keeps what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class DeployHook:
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(asked)
        match asked["action"]:
            case "deploy":
                return {"ready": True}
            case "set_weights":
                return {"weights": asked["weights"]}
            case "health":
                return {"healthy": True}
            case "figures":
                return {"requests": 100, "errors": 0, "p95_ms": 20}
        return {}


@contextmanager
def listening() -> Iterator[DeployHook]:
    hook = DeployHook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps(hook.answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
