"""Convert API Gateway's event to an ASGI scope. Mangum's adapter, corrected for requests that made it fail or misread:

* a Host header that is not `host:port` raised (the function would not respond at all)
* texts that are not UTF-8 (lone surrogates) raised
* an encoded slash in a path parameter became a path separator, so one operation could be mistaken for another
"""

import re
from typing import Any
from urllib.parse import unquote, urlencode

from mangum.handlers.api_gateway import APIGateway
from mangum.types import LambdaConfig, LambdaContext, LambdaEvent, Scope

_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)


class RestEvent(APIGateway):
    @classmethod
    def infer(cls, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> bool:  # noqa: ARG003
        return True

    @property
    def scope(self) -> Scope:
        event = self.event
        context = event.get("requestContext") or {}
        headers = _headers(event)
        return {
            "type": "http",
            "http_version": "1.1",
            "method": "GET" if event["httpMethod"] == "HEAD" else event["httpMethod"],  # `LambdaHandler` removes the body
            "headers": [[name.encode("latin-1", "replace"), value.encode("utf-8", "replace")] for name, value in headers.items()],
            "path": _path(event["path"], self.config["api_gateway_base_path"]),
            "raw_path": None,
            "root_path": "",
            "scheme": "https",
            "query_string": _query(event),
            "server": ("api", 443),
            "client": ((context.get("identity") or {}).get("sourceIp") or "", 0),
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "aws.event": event,
            "aws.context": self.context,
        }


def _headers(event: dict[str, Any]) -> dict[str, str]:
    headers = {name.lower(): value or "" for name, value in (event.get("headers") or {}).items()}
    for name, values in (event.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = ("; " if name.lower() == "cookie" else ", ").join(value or "" for value in values or [])
    return headers


def _path(path: str, base: str) -> str:
    """Return the path without the contract's base path, which is present if the request came through a custom domain."""
    if path == base or path.startswith(f"{base}/"):
        path = path[len(base) :]
    return unquote(_ENCODED_SLASH.sub("%252F", path)) or "/"


def _query(event: dict[str, Any]) -> bytes:
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return urlencode(query, doseq=True, errors="replace").encode()
