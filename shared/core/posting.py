"""Ask an address that a customer has entered: only to public networks, within a deadline, without redirects, with a bounded answer.

The address is looked up once, each result is checked, and the connection goes to what was checked: a name that shows another address a
moment later gains nothing. On the local stage this machine itself is allowed too.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2

from shared.core.networks import is_permitted
from shared.core.outbound import is_allowed

SECONDS = 10.0
"""From the first lookup to the last byte of the answer."""
MAX_ANSWER = 65_536  # bytes


class NotDelivered(Exception):
    """There is no answer; says why in words that the owner of the address may read."""


@dataclass(frozen=True)
class Answer:
    """`body` is what came of it within the limits."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a POST and return the answer, whatever its status. Raises NotDelivered."""
    return ask("POST", url, body, headers, seconds=SECONDS, max_answer=MAX_ANSWER)


def ask(method: str, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, max_answer: int) -> Answer:
    """Send a request and return the answer, whatever its status. Raises NotDelivered."""
    if not is_allowed(url):
        raise NotDelivered("The address must be https")
    deadline = time.monotonic() + seconds
    try:
        with (
            httpcore2.ConnectionPool(ssl_context=_tls(), network_backend=_PublicNetworks(deadline)) as pool,
            pool.stream(method, url, headers=list(headers.items()), content=body) as response,
        ):
            return Answer(response.status, _texts(response.headers), _start_of(response, max_answer))
    except httpcore2.TimeoutException:
        raise NotDelivered(f"No answer within {seconds:g} seconds") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, ValueError) as error:
        raise NotDelivered(f"The receiver cannot be reached or does not speak HTTP ({type(error).__name__})") from None


@cache
def _tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _start_of(response: httpcore2.Response, most: int) -> bytes:
    """Return the first bytes of the body. The status has come, so an answer that breaks off or never ends is one all the same."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_stream():
            parts.append(part)
            size += len(part)
            if size >= most:
                break
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
        pass
    return b"".join(parts)[:most]


class _PublicNetworks(httpcore2.NetworkBackend):
    """Connects to permitted addresses only, and gives every read and write what is left until the deadline."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError):
            raise NotDelivered("The name of the receiver is not known") from None
        if not all(map(is_permitted, found)):
            raise NotDelivered("The receiver is not in the public internet")
        return self._connect(list(dict.fromkeys(found)), port, socket_options)

    def _connect(self, addresses: list[str], port: int, options: Iterable[Any] | None) -> httpcore2.NetworkStream:
        """Connect to the first address that answers; none may use up the time of the others."""
        for number, address in enumerate(addresses, 1):
            share = _left(self._deadline, httpcore2.ConnectTimeout) / (len(addresses) - number + 1)
            try:
                stream = httpcore2.SyncBackend().connect_tcp(address, port, share, socket_options=options)
                return _Timed(stream, self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise NotDelivered("The name of the receiver has no address")


class _Timed(httpcore2.NetworkStream):
    """A connection that ends at a deadline, however small the parts are that come through it."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(self._deadline, httpcore2.ConnectTimeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, late: Callable[[], Exception]) -> float:
    """Return the seconds that are left. Raises `late` if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise late()
    return left
