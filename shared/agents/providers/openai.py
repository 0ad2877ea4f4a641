"""Adapter for OpenAI's chat completions over server-sent events, and compatible APIs (Qwen, GLM, Google, local servers)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.agents.providers import structured
from shared.agents.providers.attempts import AttemptState, RetryPolicy, TransientError, stream_with_retries
from shared.agents.providers.port import (
    CancelCheck,
    Event,
    Message,
    Request,
    StopReason,
    TextDelta,
    ToolCallReady,
    never_cancelled,
)
from shared.agents.providers.tool_calls import PendingToolCalls
from shared.agents.providers.wire import error_from_status, merge_messages, object_of, post_events, redact, stop_reason, text_of
from shared.core.errors import Upstream
from shared.core.situations import Situation

OFFICIAL = "https://api.openai.com/v1"
_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
    "sensitive": "refusal",  # GLM
    "model_context_window_exceeded": "max_tokens",  # GLM
    "eos_token": "end",  # text-generation-inference
    "stop_sequence": "end",
}
_FIXED_TEMPERATURE = ("o1", "o3", "o4", "gpt-5")  # reasoning models reject any temperature but their default (400)


@dataclass(frozen=True)
class OpenAIProvider:
    """`base_url` ends before `/chat/completions`. An empty key sends no Authorization header (local servers). `form`: one of
    `structured.FORMS` if the model cannot call tools, so that its calls are read from the JSON of its answer."""

    name: str
    api_key: str = field(repr=False)
    base_url: str = OFFICIAL
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    form: str = ""

    def stream(self, request: Request, cancelled: CancelCheck = never_cancelled) -> Iterator[Event]:
        return stream_with_retries(self.name, request, cancelled, self.retry_policy, lambda state: self._attempt(request, state))

    def _attempt(self, request: Request, state: AttemptState) -> Iterator[Event]:
        headers = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        url = self.base_url.rstrip("/") + "/chat/completions"
        calls = PendingToolCalls(self.name, state)
        reason: object = None
        refused = False
        formed = bool(self.form and request.tools)
        answer = ""  # in the form of `structured`
        for chunk in post_events(self.name, url, headers, self._body(request), state, self.retry_policy):
            if chunk.get("error"):
                raise _stream_error(self.name, chunk["error"])
            state.model = text_of(chunk.get("model")) or state.model
            state.report(chunk.get("usage"))
            state.report(object_of(chunk.get("x_groq")).get("usage"))  # Groq counts here
            for choice in _first(chunk):
                state.report(choice.get("usage"))  # Moonshot counts here
                delta = object_of(choice.get("delta"))
                refusal = text_of(delta.get("refusal"))
                refused = refused or bool(refusal)
                text, reasoning = _content(delta)
                state.written += reasoning
                if formed and not refusal:
                    answer += text
                    state.written += text
                elif text or refusal:
                    yield TextDelta(text or refusal)
                _collect(calls, delta)
                reason = choice.get("finish_reason") or reason
        stop = stop_reason(self.name, _STOPS, reason)
        if refused:
            stop = "refusal"
        elif formed and stop != "max_tokens":  # an answer that was cut has no form
            said, found = _read_formed(self.name, answer)
            state.written = ""  # its parts are counted again, one by one
            for index, (tool, arguments) in enumerate(found):
                calls.add(index, name=tool, arguments=arguments)
            if said:
                yield TextDelta(said)
        if calls and stop == "end":
            stop = "tool_use"  # some servers send "stop" together with tool calls
        for call in calls.ready(stop):
            yield ToolCallReady(call)
        yield state.finished(stop)

    def _body(self, request: Request) -> dict[str, Any]:
        tools = request.tools
        if formed := bool(self.form and tools):
            request = structured.in_words(request)
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
        if formed:
            body["response_format"] = structured.response_format(tools, self.form)
        elif tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
                }
                for tool in tools
            ]
        return body


def _read_formed(name: str, answer: str) -> tuple[str, list[tuple[str, Any]]]:
    """Read an answer in the form of `structured`. Raises Upstream for another form."""
    try:
        return structured.read_answer(answer)
    except ValueError as error:
        detail = f"{name} did not keep to the form of its answer ({error}): {redact(answer[:100])}"
        raise Upstream(Situation.PROVIDER_UNAVAILABLE, detail) from error


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


def _content(delta: dict[str, Any]) -> tuple[str, str]:
    """Return the text and the reasoning of a piece. Reasoning is never shown, but it is paid for."""
    reasoning = text_of(delta.get("reasoning_content")) or text_of(delta.get("reasoning"))
    content = delta.get("content")
    if not isinstance(content, list):
        return text_of(content), reasoning
    parts = [object_of(part) for part in content]
    text = "".join(text_of(part.get("text")) for part in parts if part.get("type") == "text")
    return text, reasoning + "".join(_thinking(part.get("thinking")) for part in parts)


def _thinking(value: object) -> str:
    """Return the text of a thinking part: a text, or a list of text parts (Mistral)."""
    return "".join(text_of(object_of(part).get("text")) for part in value) if isinstance(value, list) else text_of(value)


def _collect(calls: PendingToolCalls, delta: dict[str, Any]) -> None:
    pieces = delta.get("tool_calls")
    for piece in map(object_of, pieces if isinstance(pieces, list) else ()):
        if piece:
            function, index = object_of(piece.get("function")), piece.get("index")
            calls.add(
                index if isinstance(index, int) else None,
                text_of(piece.get("id")),
                text_of(function.get("name")),
                function.get("arguments"),
            )


def _stream_error(name: str, error: object) -> Exception:
    detail = error if isinstance(error, dict) else {"message": str(error)}
    kind = str(detail.get("code") or detail.get("type") or "")
    status = int(kind) if kind.isdecimal() and len(kind) == 3 else (429 if "rate_limit" in kind else 500)
    failure = error_from_status(name, status, redact(kind), redact(str(detail.get("message") or "")))
    return failure if failure.situation is Situation.PROVIDER_NOT_CONFIGURED else TransientError(failure)
