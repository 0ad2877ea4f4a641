"""Post messages to many connections at once (a kept-alive `http.client` and botocore's signer: a fifth of boto3's cost per post)."""

import http.client
import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from shared.core.settings import settings

SENT, GONE, FAILED = "sent", "gone", "failed"
AT_ONCE = 32
_TIMEOUT = 3.0  # seconds; API Gateway responds in milliseconds, even if the client is slow
_TRIES = 3
_PAUSE = 0.05
_PATIENCE = 2.5
"""Seconds after which a post is not tried again: what one connection does not take must not keep the others waiting. A job tries later."""
log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """What became of a post: SENT, GONE, or FAILED, and the frames that were not sent."""

    outcome: str
    unsent: tuple[str, ...] = ()


class Poster:
    """Post to the connections of one socket API."""

    def __init__(self, endpoint: str) -> None:
        import botocore.session
        from botocore.auth import SigV4Auth

        self._url = endpoint.rstrip("/").replace("wss://", "https://").replace("ws://", "http://")
        parts = urlsplit(self._url)
        self._host, self._port, self._base = str(parts.hostname), parts.port, parts.path
        self._secure = parts.scheme == "https"
        session = botocore.session.get_session()
        self._credentials: Any = session.get_credentials()
        self._region = session.get_config_variable("region") or "us-east-1"
        self._signer = SigV4Auth
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="post")

    def post(self, connection_id: str, *frames: str) -> Delivery:
        """Send frames one after the other; stop at the first that is GONE, or has FAILED three times or for seconds."""
        until = time.monotonic() + _PATIENCE
        for number, frame in enumerate(frames):
            outcome = self._deliver(connection_id, "POST", frame.encode(), until)
            if outcome != SENT:
                return Delivery(outcome, frames[number:])
        return Delivery(SENT)

    def post_all(self, outgoing: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Delivery]:
        """Call `post` for many connections at once. Return what became of it by connection."""
        jobs = [(connection, frames) for connection, frames in outgoing if frames]
        if len(jobs) == 1:
            return {jobs[0][0]: self.post(jobs[0][0], *jobs[0][1])}
        results = self._pool.map(lambda job: self.post(job[0], *job[1]), jobs)
        return {connection: outcome for (connection, _), outcome in zip(jobs, results, strict=True)}

    def disconnect(self, connection_id: str) -> None:
        """Close a connection; one that is already gone is no error."""
        self._deliver(connection_id, "DELETE", b"", time.monotonic() + _PATIENCE)

    def _deliver(self, connection_id: str, method: str, body: bytes, until: float) -> str:
        path = f"{self._base}/@connections/{quote(connection_id, safe='')}"
        for attempt in range(_TRIES):
            status = self._request(method, path, body)
            if status in (200, 204):
                return SENT
            if status in (410, 404):
                return GONE
            if status not in (0, 429) and status < 500:
                log.warning("a post was refused with %d", status)
                return FAILED
            if time.monotonic() > until:
                return FAILED
            time.sleep(_PAUSE * 2**attempt)
        return FAILED

    def _request(self, method: str, path: str, body: bytes) -> int:
        """Return the status; 0 if there was no response. A kept connection that the other side has closed is replaced by a new
        one, once."""
        for fresh in (False, True):
            connection = self._connection(fresh)
            try:
                connection.request(method, path, body, self._headers(method, path, body))
                answer = connection.getresponse()
                answer.read()
            except TimeoutError:  # it is there and silent: a new connection would wait as long
                connection.close()
                return 0
            except (OSError, http.client.HTTPException):
                connection.close()
            else:
                self._idle.append(connection)
                return answer.status
        return 0

    def _connection(self, fresh: bool) -> http.client.HTTPConnection:
        if not fresh:
            with suppress(IndexError):
                return self._idle.pop()
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=_TIMEOUT)

    def _headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        from botocore.awsrequest import AWSRequest

        port = f":{self._port}" if self._port else ""
        url = f"{'https' if self._secure else 'http'}://{self._host}{port}{path}"
        request = AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"})
        frozen = self._credentials.get_frozen_credentials()
        self._signer(frozen, "execute-api", self._region).add_auth(request)
        return dict(request.headers.items())


@cache
def socket_client() -> Poster:
    return Poster(settings().need("socket_endpoint"))
