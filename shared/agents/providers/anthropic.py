"""Adapter for Anthropic's Messages API over server-sent events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    ToolCall,
    ToolCallReady,
    never_cancelled,
)
from shared.agents.providers.tool_calls import PendingToolCalls
from shared.agents.providers.wire import error_from_status, merge_messages, object_of, post_events, redact, stop_reason, text_of

OFFICIAL = "https://api.anthropic.com"
_VERSION = "2023-06-01"
_CACHED = {"type": "ephemeral"}
_STOPS: dict[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
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
        reason: object = None
        for data in post_events(self.name, url, headers, _body(request), state, self.retry_policy):
            if data.get("type") == "error" or data.get("error"):
                raise _stream_error(self.name, data.get("error"))
            match data.get("type"):
                case "message_start":
                    message = object_of(data.get("message"))
                    state.model = text_of(message.get("model"))
                    state.report(message.get("usage"), at_start=True)
                case "content_block_start" | "content_block_delta":
                    if text := _read_block(data, calls, state):
                        yield TextDelta(text)
                case "message_delta":
                    state.report(data.get("usage"))
                    reason = object_of(data.get("delta")).get("stop_reason") or reason
                case "message_stop":
                    break
                case _:  # ping, content_block_stop and unknown types: their versioning rules say to ignore them
                    pass
        stop = stop_reason(self.name, _STOPS, reason)
        for call in calls.ready(stop):
            yield ToolCallReady(call)
        yield state.finished(stop)


def _read_block(data: dict[str, Any], calls: PendingToolCalls, state: AttemptState) -> str:
    """Take in the start or a piece of a content block; return its text to show. Thinking is never shown, but it is paid for."""
    block = object_of(data.get("content_block") or data.get("delta"))
    index = data.get("index") if isinstance(data.get("index"), int) else None
    match block.get("type"):
        case "tool_use":
            calls.add(index, text_of(block.get("id")), text_of(block.get("name")), block.get("input"))
        case "input_json_delta":
            calls.add(index, arguments=block.get("partial_json"))
        case "thinking" | "thinking_delta":
            state.written += text_of(block.get("thinking"))
        case "text" | "text_delta":
            return text_of(block.get("text"))
    return ""


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


def _stream_error(name: str, error: object) -> Exception:
    detail = error if isinstance(error, dict) else {"message": text_of(error)}
    kind = str(detail.get("type") or "")
    status = _STATUS.get(kind, 500)
    failure = error_from_status(name, status, redact(kind), redact(str(detail.get("message") or "")))
    return TransientError(failure) if status in (429, 500, 504, 529) else failure
