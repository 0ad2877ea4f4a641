"""Tool calls of a model that cannot call tools: it answers with one JSON object, whose form the server enforces.

    {"say": "...", "calls": [{"name": "comment", "arguments": {"content": "..."}}]}

An empty list of calls ends the work. `in_words` turns a request with tools into one without; `read_answer` turns the answer back.
"""

import json
import re
from dataclasses import replace
from typing import Any, Final

from shared.agents.providers.port import Message, Request, Text, ToolSpec
from shared.agents.providers.wire import merge_messages

FORMS: Final = ("json_schema", "json_object")
"""The ways to ask a server for JSON of a schema: OpenAI's own, and that of llama.cpp's bindings, which refuse the first."""
_INSTRUCTIONS: Final = """\
You act by what you answer. Answer with one JSON object and nothing else:
{"say": "a short sentence", "calls": [{"name": "tool", "arguments": {}}]}
The calls are carried out in their order; the next message has their results. When your work is done, answer with an empty list of \
calls and put your last words into `say`.

Your tools, each with the JSON schema of its arguments:"""
_ANSWER: Final = re.compile(r'\{\s*"(?:say|calls)"')
_TRIES: Final = 50  # places where an answer may begin: each is read once
_GRAMMAR: Final = ("type", "properties", "required", "items", "enum", "const", "anyOf")
"""The keywords that every server can enforce: llama.cpp refuses long repetitions (`maxLength`), Ollama ignores the others."""


def in_words(request: Request) -> Request:
    """Return the request without tools: their specifications are part of the system prompt, calls and results are text."""
    tools = [f"- {tool.name}: {tool.description} {json.dumps(tool.parameters, ensure_ascii=False)}" for tool in request.tools]
    system = "\n".join([*([request.system, ""] if request.system else []), _INSTRUCTIONS, *tools])
    names = {call.id: call.name for message in request.messages for call in message.calls}
    messages = tuple(_message_in_words(message, names) for message in merge_messages(request.messages))
    return replace(request, system=system, messages=messages, tools=())


def response_format(tools: tuple[ToolSpec, ...], form: str) -> dict[str, Any]:
    """Return the parameter that makes a server enforce the form of an answer; `form` is one of `FORMS`."""
    calls = [_object({"name": {"const": tool.name}, "arguments": _plain(tool.parameters)}) for tool in tools]
    schema = _object({"say": {"type": "string"}, "calls": {"type": "array", "items": {"anyOf": calls}}})
    named = {"json_schema": {"name": "answer", "schema": schema}} if form == "json_schema" else {"schema": schema}
    return {"type": form, **named}


def read_answer(text: str) -> tuple[str, list[tuple[str, Any]]]:
    """Return what the model says and its calls as (name, arguments). Raises ValueError for an answer of another form."""
    answer = _last_object(text)
    calls = answer.get("calls") if isinstance(answer, dict) else None
    if not isinstance(calls, list) or not all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
        raise ValueError("it has no list of calls with names")
    said = answer.get("say")
    return said if isinstance(said, str) else "", [(call["name"], call.get("arguments")) for call in calls]


def _last_object(text: str) -> Any:
    """Return the object of an answer: some models put it in a code block, or think and talk around it, also in braces."""
    try:
        return json.loads(text[text.find("{") : text.rfind("}") + 1], strict=False)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        found, reason, position, decoder = None, error, 0, json.JSONDecoder(strict=False)
    for _ in range(_TRIES):
        start = _ANSWER.search(text, position)
        if start is None:
            break
        try:
            found, position = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            position = start.end()
    if found is None:
        raise reason
    return found


def _message_in_words(message: Message, names: dict[str, str]) -> Message:
    if message.role == "assistant":
        calls = [{"name": call.name, "arguments": call.arguments} for call in message.calls]
        return Message("assistant", (Text(json.dumps({"say": message.text, "calls": calls}, ensure_ascii=False)),))
    results = [
        f"Result of {names.get(result.call_id, 'a call')}{' (refused)' if result.is_error else ''}:\n{result.content}"
        for result in message.results
    ]
    return Message("user", (Text("\n\n".join([*results, *([message.text] if message.text else [])])),))


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with the keywords of `_GRAMMAR` only."""
    plain: dict[str, Any] = {}
    for key in _GRAMMAR:
        value = schema.get(key)
        if key == "properties" and isinstance(value, dict):
            plain[key] = {name: _plain(one) for name, one in value.items()}
        elif key == "anyOf" and value:
            plain[key] = [_plain(one) for one in value]
        elif key == "items" and isinstance(value, dict):
            plain[key] = _plain(value)
        elif value is not None:
            plain[key] = value
    return plain
