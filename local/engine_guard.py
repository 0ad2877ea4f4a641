"""Who may talk to the engine: it can read and change everything, and every web page can send requests to this machine.

Without credentials one reaches the APIs and their sockets, files by signed addresses, and the engine's health. All else is signed with
the secret of this start (`Engine.secret`), which the engine's own process and its functions have in their environment.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost")
_HEALTH = "/_ministack/health"
_APIS = "/_aws/execute-api/"
_MANAGEMENT = "/@connections"
_FILE_METHODS = ("GET", "HEAD", "PUT")
_NOT_HASHED = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")


def guarded(engine: Any, port: int, secret: str) -> App:
    """The engine's ASGI app behind the guard."""
    hosts = {f"{name}:{port}" for name in LOOPBACK}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await engine.app(scope, receive, send)
            return
        request = _Request(engine, scope)
        if request.headers.get("host") not in hosts:
            await _refuse(scope, receive, send, 403, {"Content-Type": "text/plain"}, b"This is not the name of this server")
        elif request.is_open():
            await engine.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await _refuse(scope, receive, send, 403, {}, b"")
        elif hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {secret}".encode()):
            await engine.app(scope, receive, _without_cors(send))
        else:
            body = b""
            failure = request.lacks_signature()
            if failure is None:
                body = await _read(receive)
                failure = request.signature_failure(body)
            if failure is None:
                await engine.app(scope, _replayed(body, receive), send if request.presigned else _without_cors(send))
            else:
                await _refuse(scope, receive, send, *request.refusal(failure))

    return app


class _Request:
    """What the guard reads of a request, as the engine reads it."""

    def __init__(self, engine: Any, scope: Scope) -> None:
        from ministack.core.sigv4 import decode_header_value

        self._engine = engine
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self._raw_path = (scope.get("raw_path") or quote(self.path).encode()).decode("latin-1")
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), decode_header_value(value)
            self.headers[key] = f"{self.headers[key]},{text}" if key in self.headers else text
        self.query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
        self.presigned = "X-Amz-Signature" in self.query

    def is_open(self) -> bool:
        """Whether it needs no credentials: a call of an API, a question for the health, a preflight of a signed address."""
        if self.path.startswith(_APIS):
            parsed = self._engine._parse_execute_api_url(self.headers["host"], self.path)
            return parsed is not None and not parsed[2].startswith(_MANAGEMENT)
        if self.path == _HEALTH:
            return self.method == "GET"
        return self.method == "OPTIONS" and self.presigned

    def lacks_signature(self) -> tuple[str, str] | None:
        """Why it cannot be verified at all. A signed address leads to a file and nowhere else, whatever its headers say."""
        if self.presigned:
            service = self._engine.detect_service(self.method, self.path, self.headers, self.query)
            if self.method not in _FILE_METHODS or service != "s3" or "authorization" in self.headers:
                return "AccessDenied", "A signed address is for a file"
            if self._unsigned():
                return "AccessDenied", "There were headers present in the request which were not signed"  # as S3 says
            return None
        if self.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return None
        return "MissingAuthenticationToken", "Sign the request with the credentials of this start of the engine"

    def _unsigned(self) -> set[str]:
        """S3's own headers that were not signed, which S3 takes from nobody: `x-amz-copy-source` would copy any file to the address."""
        signed = self.query.get("X-Amz-SignedHeaders", [""])[0].split(";")
        return {name for name in self.headers if name.startswith("x-amz-")} - set(signed)

    def signature_failure(self, body: bytes) -> tuple[str, str] | None:
        """Why its signature is not that of its key. Its age is not asked: the secret lives no longer than the engine."""
        from ministack.core import sigv4

        parse = sigv4.parse_query_signature if self.presigned else sigv4.parse_header_signature
        signature = parse(self.query if self.presigned else self.headers)
        if isinstance(signature, tuple):
            return signature
        if not self.presigned:
            digest = hashlib.sha256(body).hexdigest()
            if self.headers.get("x-amz-content-sha256", digest) not in (digest, *_NOT_HASHED):
                return "XAmzContentSHA256Mismatch", "The body is not the one that was signed"
        key = _secret_of(signature.access_key_id)
        if key is None:
            return "InvalidClientTokenId", "The security token included in the request is invalid."
        failure: tuple[str, str] | None = sigv4.header_signature_failure(
            signature, key, self.method, self._raw_path, self.query, self.headers, body, presigned=self.presigned
        )
        return failure

    def refusal(self, failure: tuple[str, str]) -> tuple[int, dict[str, str], bytes]:
        """The answer in the protocol of the service that was asked."""
        from ministack.core.iam_evaluator import AuthError

        service = self._engine.detect_service(self.method, self.path, self.headers, self.query)
        _status, headers, body = self._engine._credential_failure(service, "", "", AuthError(*failure), self.headers)
        return 403, headers, body if isinstance(body, bytes) else body.encode()


def _secret_of(access_key: str) -> str | None:
    """The secret of an access key: an account's, a user's or that of a role's session."""
    from ministack.core import iam_evaluator, responses

    account = access_key if access_key.isdigit() else responses._account_from_sts_session(access_key)
    try:
        account = account or iam_evaluator.find_iam_access_key_account(access_key)
    except iam_evaluator.AmbiguousAccessKeyError:
        return None
    found = iam_evaluator.resolve_credential(access_key, account) if access_key else None
    return found.secret_access_key if isinstance(found, iam_evaluator.ResolvedCredential) else None


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body that was read, then what else arrives."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return replay


def _without_cors(send: Send) -> Send:
    """No page may read an answer of the engine: it says that every page may."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if not name.lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client gets 403
        return
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send(
        {"type": "http.response.start", "status": status, "headers": [*listed, (b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
