"""HTTP and server-sent events for the adapters: one shared client, and errors as Upstream without any secret."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.agents.providers.attempts import AttemptState, RetryPolicy, TransientError, retry_after_seconds
from shared.agents.providers.port import Message, Part, StopReason, Text
from shared.core.errors import Upstream
from shared.core.situations import Situation

if TYPE_CHECKING:
    import httpx2

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})  # 529: Anthropic's "overloaded"
_ERROR_BODY_LIMIT = 16_384  # bytes
_ANSWER_LIMIT = 4_000_000  # bytes: the longest answer of the catalogue's models, with escapes
_STREAM_LIMIT = 100_000_000  # bytes: 200,000 tokens with 500 bytes around each
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
) -> Iterator[dict[str, Any]]:
    """POST and yield the JSON object of each server-sent event until `[DONE]`; raise TransientError or Upstream."""
    import httpx2

    left = max(0.1, state.deadline - time.monotonic())
    timeout = httpx2.Timeout(min(policy.idle_timeout_s, left), connect=min(policy.connect_timeout_s, left))
    try:
        with _client().stream("POST", url, headers=dict(headers), json=dict(body), timeout=timeout) as response:
            _raise_for_status(provider, response, headers, state)
            state.answering = True
            for number, event in enumerate(httpx2.EventSource(_stoppable(provider, response, state))):
                if event.data == "[DONE]":
                    return
                if event.data and event.data != "null":
                    chunk = _parse_object(provider, event.data)
                    if number == 0 and chunk.get("error"):
                        state.answering = False  # a refusal in the form of a stream: nothing was read or written
                    yield chunk
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


def _stoppable(provider: str, response: "httpx2.Response", state: AttemptState) -> "httpx2.Response":
    """Wrap the response so that each chunk first checks the deadline, the cancellation and the size of the answer."""
    import httpx2

    def chunks() -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_bytes():
            state.raise_if_stopped()
            size += len(chunk)
            if size > _STREAM_LIMIT:
                raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent an answer without an end")
            yield chunk

    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=chunks(), request=response.request)


def _parse_object(provider: str, data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent a chunk that is not JSON") from error
    if not isinstance(value, dict):
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} sent a chunk that is not a JSON object")
    return value


def _raise_for_status(provider: str, response: "httpx2.Response", headers: Mapping[str, str], state: AttemptState) -> None:
    status = response.status_code
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if status == 200 and content_type == "text/event-stream":
        return
    if status == 200:
        _book_whole_answer(response, content_type, state)
        raise Upstream(
            Situation.PROVIDER_UNAVAILABLE, f"{provider} did not stream (content type {redact(content_type) or 'missing'})"
        )
    kind, message = _error_details(response, headers)
    error = error_from_status(provider, status, kind, message, retry_after_seconds(response.headers.get("retry-after")))
    raise TransientError(error) if status in _RETRYABLE and kind not in ("insufficient_quota", "billing_error") else error


def _book_whole_answer(response: "httpx2.Response", content_type: str, state: AttemptState) -> None:
    """Take in the token counts of an answer in one piece, which is not read: it cost as much as a stream."""
    if content_type != "application/json":
        return  # a page of some proxy
    body = _read_start(response, _ANSWER_LIMIT)
    try:
        answer = object_of(json.loads(body))
    except (ValueError, RecursionError):
        answer = {}
    if not answer.get("error"):
        state.answering = True
        state.report(answer.get("usage"))


def _read_start(response: "httpx2.Response", limit: int) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > limit:
            break
    return body


def _error_details(response: "httpx2.Response", headers: Mapping[str, str]) -> tuple[str, str]:
    """Return (error type, message) of an error body, without any text that looks like a key."""
    try:
        parsed = json.loads(_read_start(response, _ERROR_BODY_LIMIT))
    except (ValueError, RecursionError):
        return "", ""
    if isinstance(parsed, list) and parsed:  # Google wraps the object in a list
        parsed = parsed[0]
    error = (parsed.get("error") or parsed) if isinstance(parsed, dict) else {}
    if not isinstance(error, dict):
        return "", redact(str(error), headers)
    kind = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    return redact(str(kind or ""), headers), redact(str(error.get("message") or ""), headers)


def redact(text: str, headers: Mapping[str, str] | None = None) -> str:
    """Replace the headers' values and everything that looks like a key by `***`; return at most 300 characters on one line, all of them
    printable: a terminal shows them."""
    for value in (headers or {}).values():
        secret = value.removeprefix("Bearer ")
        if len(secret) >= 8:
            text = text.replace(secret, "***")
    line = " ".join(_KEY_LIKE.sub("***", text).split())
    return "".join(character for character in line if character.isprintable())[:300]


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


def stop_reason(provider: str, known: Mapping[str, StopReason], reason: object) -> StopReason:
    """Return our name of the reason why an answer ended. Raise TransientError without one, Upstream for an unknown one: such an answer
    may not be complete."""
    if not reason:
        raise TransientError(
            Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} ended the stream before the answer was complete")
        )
    if isinstance(reason, str) and reason in known:
        return known[reason]
    raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{provider} ended the answer for another reason: {redact(str(reason))}")


def object_of(value: object) -> dict[str, Any]:
    """Return an object of a provider's answer; an empty one for null or anything else."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str:
    """Return a text of a provider's answer; an empty one for null or anything else."""
    return value if isinstance(value, str) else ""
