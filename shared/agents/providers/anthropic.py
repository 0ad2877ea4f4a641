"""Adapter for Anthropic's Messages API over server-sent events."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from shared.agents.providers.attempts import AttemptState, RetryPolicy, TransientError, stream_with_retries
from shared.agents.providers.port import (
    CancelCheck,
    Event,
    Part,
    Request,
    StopReason,
    Text,
    TextDelta,
    TokenUsage,
    ToolCall,
    ToolCallReady,
    never_cancelled,
)
from shared.agents.providers.wire import PendingToolCalls, error_from_status, merge_messages, post_events, redact, token_count
from shared.core.errors import Upstream
from shared.core.situations import Situation

OFFICIAL = "https://api.anthropic.com"
_VERSION = "2023-06-01"
_CACHED = {"type": "ephemeral"}
_STOPS: dict[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "pause_turn": "end",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "refusal": "refusal",
}
_STATUS = {  # HTTP status for an error event inside the stream
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "request_too_large": 413,
    "timeout_error": 504,
}


@dataclass(frozen=True)
class AnthropicProvider:
    name: str
    api_key: str = field(repr=False)
    base_url: str = OFFICIAL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]:
        return stream_with_retries(self.name, request, cancelled, self.retry_policy, lambda state: self._attempt(request, state))

    def _attempt(self, request: Request, state: AttemptState) -> Iterator[Event]:
        headers = {"x-api-key": self.api_key, "anthropic-version": _VERSION}
        url = self.base_url.rstrip("/") + "/v1/messages"
        calls = PendingToolCalls(self.name, state)
        stop: StopReason | None = None
        for _, data in post_events(self.name, url, headers, _body(request), state, self.retry_policy):
            match data.get("type"):
                case "message_start":
                    message = data.get("message") or {}
                    state.model = str(message.get("model") or request.model)
                    state.usage = _usage(message.get("usage"), TokenUsage())
                case "content_block_start":
                    block = data.get("content_block") or {}
                    if block.get("type") == "tool_use":
                        calls.add(token_count(data.get("index")), str(block.get("id") or ""), str(block.get("name") or ""))
                    elif block.get("type") == "text" and block.get("text"):
                        yield TextDelta(str(block["text"]))
                case "content_block_delta":
                    delta = data.get("delta") or {}
                    if delta.get("type") == "text_delta" and delta.get("text"):
                        yield TextDelta(str(delta["text"]))
                    elif delta.get("type") == "input_json_delta":
                        calls.add(token_count(data.get("index")), arguments=str(delta.get("partial_json") or ""))
                case "message_delta":
                    state.usage = _usage(data.get("usage"), state.usage or TokenUsage())
                    reason = (data.get("delta") or {}).get("stop_reason")
                    stop = _STOPS.get(str(reason), "end") if reason else stop
                case "error":
                    raise _stream_error(self.name, data.get("error"))
                case "message_stop":
                    break
                case _:  # ping, content_block_stop and unknown types: their versioning rules say to ignore them
                    pass
        if stop is None:
            raise TransientError(
                Upstream(Situation.PROVIDER_UNAVAILABLE, f"{self.name} ended the stream before the answer was complete")
            )
        for call in calls.ready(stop):
            yield ToolCallReady(call)
        yield state.finished(stop)


def _body(request: Request) -> dict[str, Any]:
    """Build the body; mark tools, system prompt and conversation as cached, because an agent sends them again every turn."""
    messages: list[dict[str, Any]] = [
        {"role": message.role, "content": [_block(part) for part in _results_first(message.parts)]}
        for message in merge_messages(request.messages)
    ]
    if messages and messages[-1]["role"] == "user":
        messages[-1]["content"][-1]["cache_control"] = _CACHED
    body: dict[str, Any] = {"model": request.model, "max_tokens": request.max_tokens, "messages": messages, "stream": True}
    if request.system:
        body["system"] = [{"type": "text", "text": request.system, "cache_control": _CACHED}]
    if request.temperature is not None:
        body["temperature"] = min(request.temperature, 1.0)
    if request.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in request.tools
        ]
    return body


def _results_first(parts: tuple[Part, ...]) -> list[Part]:
    """Put tool results first in a user message, as the API demands; keep the order in an assistant message."""
    return (
        sorted(parts, key=lambda part: isinstance(part, Text))
        if not any(isinstance(part, ToolCall) for part in parts)
        else list(parts)
    )


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": part.arguments}
    return {"type": "tool_result", "tool_use_id": part.call_id, "content": part.content, "is_error": part.is_error}


def _usage(raw: object, known: TokenUsage) -> TokenUsage:
    """Update the counts from an event: they are cumulative, `input_tokens` excludes cached tokens, a missing count keeps its value."""
    if not isinstance(raw, dict):
        return known
    counts = {
        "input": raw.get("input_tokens"),
        "cache_read": raw.get("cache_read_input_tokens"),
        "cache_write": raw.get("cache_creation_input_tokens"),
        "output": raw.get("output_tokens"),
    }
    return replace(known, **{bucket: token_count(value) for bucket, value in counts.items() if value is not None})


def _stream_error(name: str, error: object) -> Exception:
    detail = error if isinstance(error, dict) else {}
    kind = str(detail.get("type") or "")
    status = _STATUS.get(kind, 500)
    failure = error_from_status(name, status, redact(kind), redact(str(detail.get("message") or "")))
    return TransientError(failure) if status in (429, 500, 504, 529) else failure
