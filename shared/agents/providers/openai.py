"""Adapter for OpenAI's chat completions over server-sent events, and compatible APIs (Qwen, GLM, Google, local servers)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.agents.providers.attempts import AttemptState, RetryPolicy, TransientError, stream_with_retries
from shared.agents.providers.port import (
    CancelCheck,
    Event,
    Message,
    Request,
    StopReason,
    TextDelta,
    TokenUsage,
    ToolCallReady,
    never_cancelled,
)
from shared.agents.providers.wire import PendingToolCalls, error_from_status, merge_messages, post_events, redact, token_count
from shared.core.errors import Upstream
from shared.core.situations import Situation

OFFICIAL = "https://api.openai.com/v1"
_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
_FIXED_TEMPERATURE = ("o1", "o3", "o4", "gpt-5")  # reasoning models reject any temperature but their default (400)


@dataclass(frozen=True)
class OpenAIProvider:
    """`base_url` ends before `/chat/completions`. An empty key sends no Authorization header (local servers)."""

    name: str
    api_key: str = field(repr=False)
    base_url: str = OFFICIAL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]:
        return stream_with_retries(self.name, request, cancelled, self.retry_policy, lambda state: self._attempt(request, state))

    def _attempt(self, request: Request, state: AttemptState) -> Iterator[Event]:
        headers = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        url = self.base_url.rstrip("/") + "/chat/completions"
        calls = PendingToolCalls(self.name, state)
        stop: StopReason | None = None
        refused = False
        for _, chunk in post_events(self.name, url, headers, self._body(request), state, self.retry_policy):
            if "error" in chunk:
                raise _stream_error(self.name, chunk["error"])
            state.model = str(chunk.get("model") or state.model)
            if usage := _usage(chunk.get("usage")):
                state.usage = usage  # some servers send a growing count in every chunk: the last one counts
            for choice in _first(chunk):
                delta = choice.get("delta") or {}
                text = delta.get("content") or delta.get("refusal")
                refused = refused or bool(delta.get("refusal"))
                if text:
                    yield TextDelta(str(text))
                _collect(calls, delta)
                if choice.get("finish_reason"):
                    stop = _STOPS.get(str(choice["finish_reason"]), "end")
        if stop is None:
            raise TransientError(
                Upstream(Situation.PROVIDER_UNAVAILABLE, f"{self.name} ended the stream before the answer was complete")
            )
        if refused:
            stop = "refusal"
        elif calls and stop == "end":
            stop = "tool_use"  # some servers send "stop" together with tool calls
        for call in calls.ready(stop):
            yield ToolCallReady(call)
        yield state.finished(stop)

    def _body(self, request: Request) -> dict[str, Any]:
        messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
        for message in merge_messages(request.messages):
            messages += _messages(message)
        body: dict[str, Any] = {
            "model": request.model,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            # OpenAI's newer models reject `max_tokens`; most compatible servers do not know the new name
            ("max_completion_tokens" if self.base_url == OFFICIAL else "max_tokens"): request.max_tokens,
        }
        if request.temperature is not None and not request.model.startswith(_FIXED_TEMPERATURE):
            body["temperature"] = request.temperature
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
                }
                for tool in request.tools
            ]
        return body


def _messages(message: Message) -> list[dict[str, Any]]:
    import json

    if message.role == "assistant":
        assistant: dict[str, Any] = {"role": "assistant", "content": message.text or None}
        if message.calls:
            assistant["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
                for call in message.calls
            ]
        return [assistant]
    results = [
        {
            "role": "tool",
            "tool_call_id": result.call_id,
            "content": f"ERROR: {result.content}" if result.is_error else result.content,
        }
        for result in message.results
    ]
    return [*results, {"role": "user", "content": message.text}] if message.text else results


def _first(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    choices = chunk.get("choices")
    return [choice for choice in choices[:1] if isinstance(choice, dict)] if isinstance(choices, list) else []


def _collect(calls: PendingToolCalls, delta: dict[str, Any]) -> None:
    for position, piece in enumerate(delta.get("tool_calls") or ()):
        function = piece.get("function") or {}
        index = piece.get("index")
        calls.add(
            index if isinstance(index, int) else position,
            str(piece.get("id") or ""),
            str(function.get("name") or ""),
            str(function.get("arguments") or ""),
        )


def _usage(raw: object) -> TokenUsage | None:
    """Read the token counts; `prompt_tokens` includes cached tokens, `completion_tokens` includes reasoning."""
    if not isinstance(raw, dict):
        return None
    details = raw.get("prompt_tokens_details") or {}
    cached = token_count(details.get("cached_tokens")) or token_count(raw.get("prompt_cache_hit_tokens"))
    written = token_count(details.get("cache_write_tokens"))
    return TokenUsage.including_cache(
        token_count(raw.get("prompt_tokens")), cached, token_count(raw.get("completion_tokens")), written
    )


def _stream_error(name: str, error: object) -> Exception:
    detail = error if isinstance(error, dict) else {"message": str(error)}
    kind = str(detail.get("code") or detail.get("type") or "")
    status = int(kind) if kind.isdigit() and len(kind) == 3 else (429 if "rate_limit" in kind else 500)
    failure = error_from_status(name, status, redact(kind), redact(str(detail.get("message") or "")))
    return failure if failure.situation is Situation.PROVIDER_NOT_CONFIGURED else TransientError(failure)
