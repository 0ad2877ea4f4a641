"""Where the browser comes back to: a server on this machine alone, for one answer (RFC 8252, 7.3)."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit

PATH = "/callback"
_TURN = 0.1  # seconds between two looks whether it is to end
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Cadre</title>'
    '<body style="font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:3rem auto"><h1>{}</h1><p>You can close this page.</p>'
)


class Loopback(ThreadingHTTPServer):
    """Listens on 127.0.0.1 for the answer with this `state`; anything else is refused, and not waited for.

    It answers from the start, so that a browser in this terminal, which has to be left before the command goes on, gets its page.
    With threads: browsers open connections ahead on which they say nothing.
    """

    def __init__(self, state: str, port: int = 0) -> None:
        self.state, self.answer, self.answered = state, dict[str, str](), threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{PATH}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(_TURN,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def wait(self, seconds: float) -> dict[str, str]:
        """Return what the browser brought back; nothing if it does not come in time."""
        self.answered.wait(seconds)
        return self.answer


class _Handler(BaseHTTPRequestHandler):
    server: Loopback
    timeout = 30  # seconds for one request

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query))
        if address.path != PATH or query.get("state") != self.server.state:
            self._show(404, "This is not the page that was asked for.")
            return
        try:
            self._show(200, "You are logged in." if "code" in query else "You are not logged in.")
        finally:
            self.server.answer = query
            self.server.answered.set()

    def _show(self, status: int, title: str) -> None:
        page = _PAGE.format(title).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Referrer-Policy", "no-referrer")  # the address has the code
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: the address has the code."""
