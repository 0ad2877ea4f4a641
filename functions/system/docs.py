"""Serve each contract's OpenAPI document and the two pages that show it. Everything comes from the package: no page loads from
another host."""

import gzip
import hashlib
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shared.core.errors import CadreError, NotFound
from shared.core.situations import Situation
from shared.edge.contracts.base import Contract
from shared.edge.http.call import current
from shared.edge.http.pipeline import failure
from shared.edge.http.routing import Routes

ROOT = Path(__file__).parents[2] / "openapi"
"""The folder in which the deployment puts `<contract>.json`."""
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "favicon.png": "image/png",
}
_DAY, _FIVE_MINUTES = 86_400, 300
_SMALL = 1_400  # bytes: a response that fits into one packet is not compressed
_CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; worker-src 'self' blob:; connect-src *"
)


def publish(routes: Routes, document_id: str = "docs.openapi") -> None:
    """Add the document, its pages and their files to a contract's routes."""
    contract = routes.contract
    free: dict[str, Any] = {"public": True, "limited": False, "addition": True}

    @routes.get("/openapi.json", document_id, **free, media="application/json")
    async def openapi(request: Request) -> Response:
        """This API as an OpenAPI document."""
        body = read_document(contract.name)
        return document_missing(contract) if body is None else _answer(request, body, "application/json", _FIVE_MINUTES)

    @routes.get("/docs", "docs.swagger", **free, media="text/html")
    async def swagger(request: Request) -> Response:
        """This API in Swagger UI, to read and to try."""
        return _page(request, _swagger_page(contract.about.title))

    @routes.get("/redoc", "docs.redoc", **free, media="text/html")
    async def redoc(request: Request) -> Response:
        """This API in ReDoc, to read."""
        return _page(request, _redoc_page(contract.about.title))

    @routes.get("/docs/assets/{file}", "docs.asset", **free, media="application/octet-stream")
    async def asset(file: str, request: Request) -> Response:
        """A script, a style sheet or the icon of the two pages."""
        if file not in ASSETS:
            raise NotFound("file")
        return _answer(request, _asset(file), ASSETS[file], _DAY)


@cache
def read_document(name: str) -> bytes | None:
    """Return a contract's document from the deployment; None if it has none."""
    path = ROOT / f"{name}.json"
    return path.read_bytes() if path.exists() else None


def document_missing(contract: Contract) -> Response:
    error = CadreError(Situation.UNAVAILABLE, "The OpenAPI document is made when the platform is deployed; here it was not")
    return failure(contract, contract.problem(error), current().request_id)


@cache
def _asset(file: str) -> bytes:
    spec = find_spec("fastapi_offline")  # its files only: importing the package would cost 20 ms
    if spec is None or not spec.submodule_search_locations:
        raise LookupError("fastapi_offline is not installed: it holds the files of the documentation pages")
    return (Path(spec.submodule_search_locations[0]) / "static" / file).read_bytes()


@cache
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)


@cache
def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:20]}"'


def _answer(request: Request, body: bytes, media: str, seconds: int) -> Response:
    headers = {
        "Cache-Control": f"public, max-age={seconds}",
        "ETag": _tag(body),
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if _tag(body) in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if len(body) > _SMALL and media != "image/png" and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = _compressed(body)
    return Response(body, headers=headers, media_type=media)


def _page(request: Request, html: str) -> Response:
    answer = _answer(request, html.encode(), "text/html", _FIVE_MINUTES)
    answer.headers["Content-Security-Policy"] = _CONTENT_POLICY
    return answer


# Addresses are relative to the page (`.../docs`), so they are valid wherever the API is mounted


@cache
def _swagger_page(title: str) -> str:
    from fastapi.openapi.docs import get_swagger_ui_html

    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=title,
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon.png",
        swagger_ui_parameters={"persistAuthorization": True, "docExpansion": "none", "filter": True},
    )
    return bytes(page.body).decode()


@cache
def _redoc_page(title: str) -> str:
    from fastapi.openapi.docs import get_redoc_html

    page = get_redoc_html(
        openapi_url="openapi.json",
        title=title,
        redoc_js_url="docs/assets/redoc.standalone.js",
        redoc_favicon_url="docs/assets/favicon.png",
        with_google_fonts=False,
    )
    return bytes(page.body).decode()


def document(name: str) -> dict[str, Any] | None:
    body = read_document(name)
    parsed: dict[str, Any] | None = json.loads(body) if body is not None else None
    return parsed
