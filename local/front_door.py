"""The front door: one port that does on this machine what CloudFront does on AWS.

Documented paths go to the APIs of the engine. Other paths are pages for developers: documentation, the e-mails sent, an overview.
"""

import asyncio
import contextlib
import datetime
import io
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from yarl import URL

from infra.names import Contract
from local import LocalError, mail_links, pages
from local.engine import Engine
from local.engine_guard import LOOPBACK
from local.models import EMBEDDED, Model
from local.routes import Routes, Target, problem
from local.websocket_proxy import WebSocketProxy

MAX_BODY = 10 * 1024 * 1024  # API Gateway's payload limit
MAX_ADDRESS = 8192  # CloudFront's limit of a URL
_MAX_LINE = 1024 * 1024  # a longer URL is read up to this size, so that the error has the contract's format and not aiohttp's
_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "date",
        "server",
    )
)
_NOT_FORWARDED = _HOP_BY_HOP | {"host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"}
# What CloudFront adds to every response (infra/edge.py)
_ADDED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Access-Control-Expose-Headers": (
        "X-Request-ID, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-RateLimit-Window, Retry-After, ETag, "
        "Location, Deprecation, Sunset, Link, Content-Disposition, X-Total-Count, X-Next-Cursor"
    ),
}
_ENGINE_TIMEOUT = 40.0  # API Gateway stops waiting after 29 s; the engine waits longer
_STOP_WITHIN = 2.5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FrontDoor:
    """An HTTP and WebSocket server on `port` of 127.0.0.1, in its own thread."""

    def __init__(self, engine: Engine, routes: Routes, port: int, model: Model = EMBEDDED) -> None:
        self.port = port
        self._model = model
        self.url = f"http://localhost:{port}"
        self._engine = engine
        self._routes = routes
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="front-door", daemon=True)
        self._started = threading.Event()
        self._failure: OSError | None = None
        self._stopping: asyncio.Event | None = None
        self._session: ClientSession | None = None
        self._websockets: WebSocketProxy | None = None

    def start(self) -> None:
        """Listen; raises `LocalError` when the port is taken."""
        self._thread.start()
        self._started.wait()
        if self._failure:
            raise LocalError(f"port {self.port} is in use: end what listens there, or choose another with CADRE_PORT=8001")

    def stop(self) -> None:
        """Close every connection and stop the thread, within 3 s."""
        if self._stopping and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_WITHIN + 0.5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._started.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._own_names_only])
        app.cleanup_ctx.append(self._clients)
        pages.add_to(app, self._engine, self._model)
        mail_links.add_to(app)
        app.router.add_route("*", r"/{path:[\s\S]*}", self._handle)  # also a path with an encoded line break
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=1.0,
            handler_cancellation=True,
            auto_decompress=False,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        except OSError as error:
            self._failure = error
            await runner.cleanup()
            return
        self._started.set()
        await self._stopping.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WITHIN):
                if self._websockets:
                    await self._websockets.close()
                await runner.cleanup()

    async def _clients(self, _app: web.Application) -> AsyncIterator[None]:
        connector = TCPConnector(limit=200, keepalive_timeout=30)
        async with ClientSession(
            connector=connector, timeout=ClientTimeout(total=_ENGINE_TIMEOUT), cookie_jar=DummyCookieJar(), auto_decompress=False
        ) as session:
            self._session = session
            self._websockets = WebSocketProxy(session, self._engine.url)
            yield

    @web.middleware
    async def _own_names_only(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what a page sends to a name of its own that it made lead here (DNS rebinding). Any port: it may be a tunnel's."""
        if _name_of(request.headers.get("Host", "")) in LOOPBACK:
            return await handler(request)
        return _error(self._routes.contract_of(request.path), 403, "FORBIDDEN", "This is not the name of this server")

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if len(request.raw_path) > MAX_ADDRESS:
            return _error(self._routes.contract_of(path), 414, "URI_TOO_LONG", "The address is too long")
        target = self._routes.find(path)
        if target is None:
            return _error(self._routes.contract_of(path), 404, "RESOURCE_NOT_FOUND", "No such path")
        if target.moved is not None:
            raise web.HTTPFound(target.moved)
        if target.socket is None:
            return await self._rest(request, target, query)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _error(target.contract, 426, "UPGRADE_REQUIRED", "This address is a WebSocket")
        assert self._websockets is not None  # noqa: S101  # set before the first request
        return await self._websockets.connect(request, target, query)

    async def _rest(self, request: web.Request, target: Target, query: str) -> web.StreamResponse:
        assert self._session is not None  # noqa: S101  # set before the first request
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _error(target.contract, 413, "PAYLOAD_TOO_LARGE", "Request Too Long")
        url = URL(f"{self._engine.url}{target.path}{'?' + query if query else ''}", encoded=True)
        try:
            async with self._session.request(
                request.method,
                url,
                headers=forwarded(request),
                data=io.BytesIO(body) if body else None,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            ) as upstream:
                payload = await upstream.read()
        except TimeoutError:
            return _error(target.contract, 504, "GATEWAY_TIMEOUT", "The request took too long")
        except ClientError:
            return _error(target.contract, 503, "SERVICE_UNAVAILABLE", "The local engine does not answer")
        response = web.Response(status=upstream.status, body=payload)
        response.headers.popall("Content-Type", None)
        for name, value in upstream.headers.items():
            if name.lower() not in _HOP_BY_HOP and not name.lower().startswith("access-control-expose"):
                response.headers.add(name, value)
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
        response.headers.update(_ADDED_HEADERS)
        return response


def _name_of(host: str) -> str:
    """The name in a Host header; the whole header unless its port is a number."""
    name, _, port = host.rpartition(":")
    return name if port.isdecimal() else host


def forwarded(request: web.Request) -> list[tuple[str, str]]:
    """The client's headers in their order, with the `X-Forwarded-` headers that CloudFront adds."""
    peer = request.remote or "127.0.0.1"
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED]
    return [
        *headers,
        ("X-Forwarded-For", peer),
        ("X-Forwarded-Host", request.host),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", request.host.rpartition(":")[2] if ":" in request.host else "80"),
    ]


def _error(contract: Contract | None, status: int, code: str, message: str) -> web.Response:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    request_id = str(uuid.uuid4())
    body = problem(contract, status, code, message, request_id, now)
    return web.json_response(
        body, status=status, headers={"X-Request-ID": request_id, "Access-Control-Allow-Origin": "*", **_ADDED_HEADERS}
    )
