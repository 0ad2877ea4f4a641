"""What a sandbox asks, as a request to a model."""

from collections.abc import Mapping
from typing import Any, Final

from shared.agents.providers.port import Message, Part, Request, Text, ToolCall, ToolResult, ToolSpec
from shared.sandboxes.completions.choosing import Chosen
from shared.sandboxes.lifecycle.rows import Sandbox

MAX_TOKENS: Final = 8_000
"""Tokens of an answer: what the longest messages between sandboxes hold."""


def to_request(question: Mapping[str, Any], chosen: Chosen, sandbox: Sandbox, seconds: float) -> Request:
    """Return the request. Messages of the system become its system prompt, results of tools messages of the user."""
    messages = question["messages"]
    return Request(
        model=chosen.model,
        system="\n\n".join(one["content"] for one in messages if one["role"] == "system" and one["content"]),
        messages=tuple(_message(one) for one in messages if one["role"] != "system"),
        tools=tuple(ToolSpec(one["name"], one["description"], one["parameters"]) for one in question["tools"]),
        temperature=chosen.temperature,
        max_tokens=MAX_TOKENS,
        timeout_s=seconds,
        metadata={"sandbox": sandbox.id, "agent": str(question.get("agent") or "")},
    )


def _message(one: Mapping[str, Any]) -> Message:
    if one["role"] == "tool":
        return Message("user", (ToolResult(str(one["tool_call_id"]), one["content"]),))
    if one["role"] == "user":
        return Message.user(one["content"])
    said: tuple[Part, ...] = (Text(one["content"]),) if one["content"] else ()
    calls = tuple(ToolCall(call["id"], call["name"], call["arguments"]) for call in one["tool_calls"])
    return Message("assistant", said + calls)
