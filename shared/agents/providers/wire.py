"""HTTP and server-sent events for the adapters: one shared client, and errors as Upstream without any secret."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.agents.providers.attempts import AttemptState, RetryPolicy, TransientError, retry_after_seconds
from shared.agents.providers.port import Message, Part, StopReason, StreamInterrupted, Text, ToolCall
from shared.core.errors import Upstream
from shared.core.situations import Situation

if TYPE_CHECKING:
    import httpx2

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})  # 529: Anthropic's "overloaded"
_ERROR_BODY_LIMIT = 16_384
_KEY_LIKE = re.compile(r"(?i)\b(?:sk|pk|rk|key|gsk|xai|AKIA|ASIA|AIza)[-_A-Za-z0-9*]{8,}|bearer\s+\S+")


@cache
def _client() -> "httpx2.Client":
    """Return the process's one client (a TLS context takes 20 ms). It follows no redirect, so that a key never leaves its host."""
    import httpx2

    return httpx2.Client(follow_redirects=False)


def post_events(
    provider: str,
    url: str,
    headers: Mapping[str, str],
    body: Mapping[str, Any],
    state: AttemptState,
    policy: RetryPolicy,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """POST and yield (event name, JSON object) for each server-sent event until `[DONE]`; raise TransientError or Upstream."""
    import httpx2

    left = max(0.1, state.deadline - time.monotonic())
    timeout = httpx2.Timeout(min(policy.idle_timeout_s, left), connect=min(policy.connect_timeout_s, left))
    try:
        with _client().stream("POST", url, headers=dict(headers), json=dict(body), timeout=timeout) as response:
            _raise_for_status(provider, response, headers)
            for event in httpx2.EventSource(_stoppable(response, state)):
                if event.data == "[DONE]":
                    return
                if event.data:
                    yield event.event, _parse_object(provider, event.data)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise TransientError(
            Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} cannot be reached ({type(error).__name__})")
        ) from error
    except httpx2.ReadTimeout as error:
        state.raise_if_stopped()  # if the whole call's deadline has passed, that is the better error
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent nothing for {timeout.read:g} s") from error
    except httpx2.TransportError as error:
        raise TransientError(
            Upstream(Situation.PROVIDER_UNAVAILABLE, f"the connection to {provider} broke ({type(error).__name__})")
        ) from error
    except (httpx2.InvalidURL, httpx2.DecodingError) as error:
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} cannot be used ({type(error).__name__})") from error


def _stoppable(response: "httpx2.Response", state: AttemptState) -> "httpx2.Response":
    """Wrap the response so that each chunk first checks the deadline and the cancellation."""
    import httpx2

    def chunks() -> Iterator[bytes]:
        for chunk in response.iter_bytes():
            state.raise_if_stopped()
            yield chunk

    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=chunks(), request=response.request)


def _parse_object(provider: str, data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent a chunk that is not JSON") from error
    if not isinstance(value, dict):
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent a chunk that is not a JSON object")
    return value


def _raise_for_status(provider: str, response: "httpx2.Response", headers: Mapping[str, str]) -> None:
    status = response.status_code
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if status == 200 and content_type == "text/event-stream":
        return
    if status == 200:
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} did not stream (content type {content_type or 'missing'})")
    kind, message = _error_details(response, headers)
    error = error_from_status(provider, status, kind, message, retry_after_seconds(response.headers.get("retry-after")))
    raise TransientError(error) if status in _RETRYABLE and kind not in ("insufficient_quota", "billing_error") else error


def _error_details(response: "httpx2.Response", headers: Mapping[str, str]) -> tuple[str, str]:
    """Return (error type, message) of an error body, without any text that looks like a key."""
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _ERROR_BODY_LIMIT:
            break
    try:
        parsed = json.loads(body)
    except ValueError:
        return "", ""
    if isinstance(parsed, list) and parsed:  # Google wraps the object in a list
        parsed = parsed[0]
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else {}
    if not isinstance(error, dict):
        return "", redact(str(error), headers)
    kind = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    return redact(str(kind or ""), headers), redact(str(error.get("message") or ""), headers)


def redact(text: str, headers: Mapping[str, str] | None = None) -> str:
    """Replace the headers' values and everything that looks like a key by `***`; return at most 300 characters on one line."""
    for value in (headers or {}).values():
        secret = value.removeprefix("Bearer ")
        if len(secret) >= 8:
            text = text.replace(secret, "***")
    return " ".join(_KEY_LIKE.sub("***", text).split())[:300]


def error_from_status(
    provider: str, status: int, kind: str = "", message: str = "", retry_after: float | None = None
) -> Upstream:
    """Return an Upstream error for an HTTP status; for 401 and 403 without the provider's message, which may quote a credential."""
    if status in (401, 403):
        return Upstream(Situation.PROVIDER_NOT_CONFIGURED, f"{provider} refused our credentials (HTTP {status})")
    detail = f": {kind} {message}".rstrip(" :") if kind or message else ""
    if status == 429 or kind in ("rate_limit_error", "rate_limit_exceeded"):
        return Upstream(
            Situation.PROVIDER_RATE_LIMITED, f"{provider} is limiting our requests (HTTP {status}{detail})", retry_after
        )
    if status >= 500:
        return Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} is not available (HTTP {status}{detail})", retry_after)
    return Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} refused the request (HTTP {status}{detail})", retry_after)


def parse_arguments(provider: str, name: str, text: str, state: AttemptState) -> dict[str, Any]:
    """Parse the JSON object of a call's arguments; raise StreamInterrupted if the model wrote something else."""
    try:
        value = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise StreamInterrupted(f"{provider} asked for {name} with arguments that are not JSON", state.usage_so_far()) from error
    if not isinstance(value, dict):
        raise StreamInterrupted(f"{provider} asked for {name} with arguments that are not an object", state.usage_so_far())
    return value


class PendingToolCalls:
    """Collect tool calls whose arguments arrive in pieces. At `max_tokens` the last call may be cut, so it is dropped."""

    def __init__(self, provider: str, state: AttemptState) -> None:
        self._provider, self._state = provider, state
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
                raise StreamInterrupted(f"{self._provider} asked for a tool without naming it", self._state.usage_so_far())
            identifier = call_id or f"call_{len(self._state.request.messages)}_{position}"  # some local servers send no id
            yield ToolCall(identifier, name, parse_arguments(self._provider, name, arguments, self._state))


def merge_messages(messages: tuple[Message, ...]) -> list[Message]:
    """Merge neighbouring messages of the same role and drop empty texts, as strict APIs demand."""
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


def token_count(value: object) -> int:
    """Return a provider's token count as an int; null, a missing value or a negative number become 0."""
    return int(value) if isinstance(value, int | float) and value > 0 else 0
