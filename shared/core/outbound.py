"""JSON requests to external servers: https only, no redirects, with limits for time and size.

On the local stage (a laptop), a server on the loopback interface may use plain http.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.core import strict_json
from shared.core.errors import Upstream
from shared.core.networks import is_permitted
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.core.web_addresses import parse_host

if TYPE_CHECKING:
    import httpx2

CONNECT_S, READ_S = 3.0, 5.0
"""API Gateway times out after 29 s: after four such requests in a row, each timing out, we can still return our own error."""
MAX_BYTES = 1_048_576


@cache
def _client() -> "httpx2.Client":
    """Return the process's one client; building a TLS context takes 20 ms."""
    import httpx2

    timeout = httpx2.Timeout(READ_S, connect=CONNECT_S)
    return httpx2.Client(follow_redirects=False, timeout=timeout, headers={"User-Agent": "Cadre"})


def is_allowed(url: str) -> bool:
    """Tell whether a URL is allowed: https, or on the local stage also http to the loopback interface."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and settings().local and is_loopback(host))


def refusal_of(url: str) -> str | None:
    """Return why nothing is ever sent to an address of a customer; None: it may be. A name is looked up when something is sent."""
    host = parse_host(url)
    if host is None or not url.isascii() or not is_allowed(url):
        return "An address that begins with https:// and has no user name and no fragment"
    try:
        permitted = is_permitted(host)
    except ValueError:  # a name
        return None
    return None if permitted else "An address in the public internet"


class AnswerTooLong(Upstream):
    """A server answered with more than is read. It will do so again."""

    def __init__(self, who: str, max_bytes: int) -> None:
        super().__init__(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{who} answered with more than {max_bytes:,} bytes")


@dataclass(frozen=True)
class Response:
    """What a server answered. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def request(
    who: str,
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    json: Any = None,
    max_bytes: int = MAX_BYTES,
) -> Response:
    """Send a request; return the response, whatever its status.

    `who` names the server in errors, which never contain the URL or the data sent. Raises Upstream(EXTERNAL_SERVICE_UNAVAILABLE) for a
    URL that is not allowed, a timeout, and a body that is too large.
    """
    import httpx2

    if not is_allowed(url):
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{who} has an address that is not asked: it must be https")
    try:
        accept = {"Accept": "application/json"} | dict(headers or {})
        with _client().stream(method, url, data=form, json=json, headers=accept, auth=auth) as response:
            return Response(response.status_code, dict(response.headers), _read_body(who, response, max_bytes))
    except (httpx2.TransportError, httpx2.InvalidURL, httpx2.DecodingError) as error:
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{who} cannot be reached ({type(error).__name__})") from error


def request_json(
    who: str,
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    json: Any = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[int, Any]:
    """Send a request as `request` does; return the status and the parsed JSON of the response.

    Raises Upstream(EXTERNAL_SERVICE_UNAVAILABLE) also for a redirect, a 5xx and a body that is not JSON; the caller handles a 4xx.
    """
    response = request(who, method, url, form=form, headers=headers, auth=auth, json=json, max_bytes=max_bytes)
    status = response.status
    if status >= 500 or 300 <= status < 400:
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{who} answered {status}")
    try:
        return status, strict_json.parse(response.body, "The answer")
    except ValueError as error:
        raise Upstream(Situation.EXTERNAL_SERVICE_UNAVAILABLE, f"{who} answered {status}, and not in JSON") from error


def _read_body(who: str, response: "httpx2.Response", max_bytes: int) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise AnswerTooLong(who, max_bytes)
    return body


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
