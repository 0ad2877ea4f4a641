"""Record AWS responses from moto once and replay them, so that a loop measures our code and not an emulator.

A stub in botocore's `before-send` hook, the last step before the network, answers every request. Recording stores the bytes of moto's
responses; replaying returns the same bytes to the same requests, which may be sent at the same time.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import Lock
from typing import Any
from zlib import crc32

from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.httpsession import URLLib3Session

Recorded = tuple[int, dict[str, str], bytes]
Key = tuple[bytes, bytes]


_READS = (b".Query", b".GetItem", b".BatchGetItem")


class _Raw(BytesIO):
    """The raw response from which botocore reads a body."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(request: AWSRequest, recorded: Recorded) -> AWSResponse:
    status, headers, body = recorded
    return AWSResponse(request.url, status, dict(headers), _Raw(body))


def _key(target: str | bytes, body: str | bytes) -> Key:
    """Return what tells requests apart that are sent at the same time: reads are known by their whole body."""
    name, sent = (one.encode() if isinstance(one, str) else one for one in (target, body))
    return name, sent if name.endswith(_READS) else b""


class Tape:
    """A `before-send` handler that replays its recorded responses in an endless loop, each kind of request in its own order."""

    def __init__(self) -> None:
        self.kept: list[tuple[Key, Recorded]] = []
        self.at = 0
        self._by_key: dict[Key, list[Recorded]] = {}
        self._positions: Counter[Key] = Counter()
        self._lock = Lock()

    def keep(self, key: Key, recorded: Recorded) -> None:
        self.kept.append((key, recorded))
        self._by_key.setdefault(key, []).append(recorded)

    def play(self, request: AWSRequest, **_: Any) -> AWSResponse:
        key = _key(request.headers["X-Amz-Target"], request.body)
        with self._lock:
            recorded = self._by_key[key][self._positions[key] % len(self._by_key[key])]
            self._positions[key] += 1
            self.at += 1
        return answer(request, recorded)


@contextmanager
def recording(events: Any) -> Iterator[Tape]:
    """Record every response of a client (given by its `meta.events`) until the block ends."""
    tape = Tape()

    def note(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["bench"] = _key(params["headers"]["X-Amz-Target"], params["body"])

    def keep(http_response: Any, context: dict[str, Any], **_: Any) -> None:
        content = http_response.content
        recorded = http_response.status_code, dict(http_response.headers) | {"x-amz-crc32": str(crc32(content))}, content
        tape.keep(context["bench"], recorded)

    events.register("before-call", note)
    events.register("after-call", keep)
    try:
        yield tape
    finally:
        events.unregister("before-call", note)
        events.unregister("after-call", keep)


@contextmanager
def playing(events: Any, tape: Tape) -> Iterator[None]:
    events.register_first("before-send", tape.play)
    try:
        yield
    finally:
        events.unregister("before-send", tape.play)


def answer_everything(reply: Callable[[str, AWSRequest], bytes]) -> None:
    """Answer every AWS request of this process, from any client, with `reply(operation, request)`; cannot be undone."""

    def send(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        target = request.headers.get("X-Amz-Target", b"")
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        return answer(request, (200, {"Content-Type": "application/json"}, reply(operation, request)))

    URLLib3Session.send = send
