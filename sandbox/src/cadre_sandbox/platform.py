"""The platform's HTTP operations for a sandbox: messages, completions and egress."""

import asyncio
import http.client
import json
import random
import socket
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

from cadre_sandbox.settings import Settings

_WITHIN: Final = 30.0  # seconds for one request
_TRIES: Final = 6
_LONGEST_PAUSE: Final = 8.0
_MAX_ANSWER: Final = 8_000_000  # bytes


class PlatformError(Exception):
    """The platform refuses: its status, its code and its words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Unreachable(Exception):
    """The platform does not answer, or not for now."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, host: str) -> None:
        super().__init__(host, timeout=_WITHIN)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Platform:
    """One request, one connection; what fails for now is tried again, since each operation may be repeated."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def ask(self, method: str, path: str, body: Any = None, *, tries: int = _TRIES) -> Any:
        """Return `data` of the answer. Raises PlatformError, and Unreachable after the last try."""
        for turn in range(tries):
            try:
                return await asyncio.to_thread(self._ask, method, path, body)
            except Unreachable:
                if turn + 1 == tries:
                    raise
            await asyncio.sleep(min(_LONGEST_PAUSE, 0.25 * 2**turn) * (0.5 + random.random() / 2))  # noqa: S311 - no secret
        raise AssertionError

    def _ask(self, method: str, path: str, body: Any) -> Any:
        url = urlsplit(self._settings.api)
        raw = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Authorization": f"Bearer {self._settings.token}", "Accept": "application/json"}
        if raw is not None:
            headers["Content-Type"] = "application/json"
        status, text = self._send(method, url.netloc, f"{url.path}{path}", raw, headers)
        return _data(status, text)

    def _send(self, method: str, host: str, path: str, raw: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection
        if self._settings.proxy:
            connection = _UnixConnection(self._settings.proxy, host)
        elif self._settings.api.startswith("https:"):
            connection = http.client.HTTPSConnection(host, timeout=_WITHIN, context=ssl.create_default_context())
        else:
            connection = http.client.HTTPConnection(host, timeout=_WITHIN)
        try:
            connection.request(method, path, raw, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"The platform does not answer: {type(error).__name__}") from error
        finally:
            connection.close()

    async def host_usage(self) -> dict[str, Any] | None:
        """Return what the host measures of this sandbox; None if nothing outside measures it."""
        if not self._settings.proxy:
            return None
        try:
            status, text = await asyncio.to_thread(self._send, "GET", "sandbox-host", "/usage", None, {})
            usage = json.loads(text) if status == 200 else None
        except (Unreachable, ValueError):
            return None
        return usage if isinstance(usage, dict) else None

    async def send(self, message: dict[str, Any]) -> Any:
        """Send a message of this sandbox; its `message_id` makes it idempotent."""
        return await self.ask("POST", f"/sandboxes/sb_{self._settings.sandbox_id}/messages", message)

    async def message(self, message_id: str) -> Any:
        return await self.ask("GET", f"/messages/{message_id}")

    async def begin_completion(self, request_id: str, body: dict[str, Any]) -> Any:
        return await self.ask("PUT", f"/sandboxes/sb_{self._settings.sandbox_id}/completions/{request_id}", body)

    async def completion(self, request_id: str) -> Any:
        return await self.ask("GET", f"/sandboxes/sb_{self._settings.sandbox_id}/completions/{request_id}")

    async def egress(self, method: str, url: str, headers: dict[str, str], body: str | None) -> Any:
        """Ask another host through the platform's guard: `{status, headers, body}`."""
        told = {"method": method, "url": url, "headers": headers, "body": body}
        return await self.ask("POST", f"/sandboxes/sb_{self._settings.sandbox_id}/egress", told, tries=1)


def _data(status: int, text: bytes) -> Any:
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    if status < 400:
        return body.get("data", body)
    error = body.get("error")
    error = error if isinstance(error, dict) else {}
    message = str(error.get("message") or f"The platform answered {status}")
    if status == 429 or status >= 500:
        raise Unreachable(message)
    raise PlatformError(status, str(error.get("code") or status), message)
