"""HTTP and server-sent events for the adapters: one client, errors in our own words, no secret in any of them."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.agents.providers.attempts import Patience, Progress, Transient, retry_after_seconds
from shared.agents.providers.port import BrokenOff, Message, Part, StopReason, Text, ToolCall
from shared.core.errors import Upstream
from shared.core.situations import Situation

if TYPE_CHECKING:
    import httpx2

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})  # 529: Anthropic's "overloaded"
_ERROR_BODY_LIMIT = 16_384
_KEY_LIKE = re.compile(r"(?i)\b(?:sk|pk|rk|key|gsk|xai|AKIA|ASIA|AIza)[-_A-Za-z0-9*]{8,}|bearer\s+\S+")


@cache
def _client() -> "httpx2.Client":
    """One for the process: building a TLS context costs 20 ms. No redirects: a key never follows one."""
    import httpx2

    return httpx2.Client(follow_redirects=False)


def post_events(
    provider: str,
    url: str,
    headers: Mapping[str, str],
    body: Mapping[str, Any],
    progress: Progress,
    patience: Patience,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """POST and yield (event name, JSON object) for each server-sent event; `[DONE]` ends it. Raises Transient or Upstream."""
    import httpx2

    left = max(0.1, progress.deadline - time.monotonic())
    timeout = httpx2.Timeout(min(patience.idle_s, left), connect=min(patience.connect_s, left))
    try:
        with _client().stream("POST", url, headers=dict(headers), json=dict(body), timeout=timeout) as response:
            _refuse_errors(provider, response, headers)
            for event in httpx2.EventSource(_guarded(response, progress)):
                if event.data == "[DONE]":
                    return
                if event.data:
                    yield event.event, _object(provider, event.data)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise Transient(
            Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} cannot be reached ({type(error).__name__})")
        ) from error
    except httpx2.ReadTimeout as error:
        progress.check()  # the whole call's limit explains it better, when that is what is over
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent nothing for {timeout.read:g} s") from error
    except httpx2.TransportError as error:
        raise Transient(
            Upstream(Situation.PROVIDER_UNAVAILABLE, f"the connection to {provider} broke ({type(error).__name__})")
        ) from error
    except (httpx2.InvalidURL, httpx2.DecodingError) as error:
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} cannot be used ({type(error).__name__})") from error


def _guarded(response: "httpx2.Response", progress: Progress) -> "httpx2.Response":
    """The same bytes, with a look at the clock and at `cancelled` before each chunk."""
    import httpx2

    def chunks() -> Iterator[bytes]:
        for chunk in response.iter_bytes():
            progress.check()
            yield chunk

    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=chunks(), request=response.request)


def _object(provider: str, data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent a chunk that is not JSON") from error
    if not isinstance(value, dict):
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent a chunk that is not a JSON object")
    return value


def _refuse_errors(provider: str, response: "httpx2.Response", headers: Mapping[str, str]) -> None:
    status = response.status_code
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if status == 200 and content_type == "text/event-stream":
        return
    if status == 200:
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} did not stream (content type {content_type or 'missing'})")
    kind, message = _told(response, headers)
    error = status_error(provider, status, kind, message, retry_after_seconds(response.headers.get("retry-after")))
    raise Transient(error) if status in _RETRYABLE and kind not in ("insufficient_quota", "billing_error") else error


def _told(response: "httpx2.Response", headers: Mapping[str, str]) -> tuple[str, str]:
    """(error type, message) of an error body, without anything that looks like a key."""
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _ERROR_BODY_LIMIT:
            break
    try:
        parsed = json.loads(body)
    except ValueError:
        return "", ""
    if isinstance(parsed, list) and parsed:  # Google wraps it in a list
        parsed = parsed[0]
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else {}
    if not isinstance(error, dict):
        return "", scrubbed(str(error), headers)
    kind = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    return scrubbed(str(kind or ""), headers), scrubbed(str(error.get("message") or ""), headers)


def scrubbed(text: str, headers: Mapping[str, str] | None = None) -> str:
    for value in (headers or {}).values():
        secret = value.removeprefix("Bearer ")
        if len(secret) >= 8:
            text = text.replace(secret, "***")
    return " ".join(_KEY_LIKE.sub("***", text).split())[:300]


def status_error(provider: str, status: int, kind: str = "", message: str = "", retry_after: float | None = None) -> Upstream:
    """An HTTP status as an Upstream error. The provider's own words are left out where they could quote a credential."""
    if status in (401, 403):
        return Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{provider} refused our credentials (HTTP {status})")
    said = f": {kind} {message}".rstrip(" :") if kind or message else ""
    if status == 429 or kind in ("rate_limit_error", "rate_limit_exceeded"):
        return Upstream(
            Situation.PROVIDER_RATE_LIMITED, f"{provider} is limiting our requests (HTTP {status}{said})", retry_after
        )
    if status >= 500:
        return Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} is not available (HTTP {status}{said})", retry_after)
    return Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} refused the request (HTTP {status}{said})", retry_after)


def parsed_arguments(provider: str, name: str, text: str, progress: Progress) -> dict[str, Any]:
    """The arguments of a call as an object. What a model wrote wrongly is an error here, not a surprise in a tool."""
    try:
        value = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise BrokenOff(f"{provider} asked for {name} with arguments that are not JSON", progress.spent()) from error
    if not isinstance(value, dict):
        raise BrokenOff(f"{provider} asked for {name} with arguments that are not an object", progress.spent())
    return value


class PendingCalls:
    """Tool calls while their arguments arrive in pieces. With `max_tokens` the last one may be cut, so it is left out."""

    def __init__(self, provider: str, progress: Progress) -> None:
        self._provider, self._progress = provider, progress
        self._calls: dict[int, list[str]] = {}  # index -> [id, name, arguments]

    def add(self, index: int, call_id: str = "", name: str = "", arguments: str = "") -> None:
        call = self._calls.setdefault(index, ["", "", ""])
        call[0] = call[0] or call_id
        call[1] = call[1] or name
        call[2] += arguments

    def __contains__(self, index: int) -> bool:
        return index in self._calls

    def __bool__(self) -> bool:
        return bool(self._calls)

    def ready(self, stop: StopReason) -> Iterator[ToolCall]:
        if stop == "refusal":
            return
        calls = [call for _, call in sorted(self._calls.items())]
        if stop == "max_tokens":
            calls = calls[:-1]
        for position, (call_id, name, arguments) in enumerate(calls):
            if not name:
                raise BrokenOff(f"{self._provider} asked for a tool without naming it", self._progress.spent())
            known = call_id or f"call_{len(self._progress.request.messages)}_{position}"  # some local servers give none
            yield ToolCall(known, name, parsed_arguments(self._provider, name, arguments, self._progress))


def merged(messages: tuple[Message, ...]) -> list[Message]:
    """Neighbours of the same role as one message, empty texts left out: what the strict APIs want."""
    result: list[Message] = []
    for message in messages:
        parts: tuple[Part, ...] = tuple(part for part in message.parts if not (isinstance(part, Text) and not part.text))
        if not parts:
            continue
        if result and result[-1].role == message.role:
            result[-1] = Message(message.role, result[-1].parts + parts)
        else:
            result.append(Message(message.role, parts))
    return result


def whole(value: object) -> int:
    """A token count as a provider writes it: a number, null or missing."""
    return int(value) if isinstance(value, int | float) and value > 0 else 0
