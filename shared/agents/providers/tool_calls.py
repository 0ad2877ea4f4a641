"""Tool calls as they arrive in a stream: in pieces, mixed with each other, and not always well-formed."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from shared.agents.providers.attempts import AttemptState
from shared.agents.providers.port import StopReason, ToolCall
from shared.core.errors import Upstream
from shared.core.situations import Situation

_NO_NAME_CHARACTER: Final = re.compile(r"[^A-Za-z0-9_-]+")  # the providers refuse a conversation with any other
_NAME_LENGTH: Final = 64
_SHOWN: Final = 200  # characters of unreadable arguments that the model sees again


@dataclass
class _Pieces:
    id: str = ""
    name: str = ""
    arguments: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are complete, so that more text belongs to another call."""
        return bool(self.arguments.strip()) and not read_arguments(self.arguments)[1]


class PendingToolCalls:
    """Collect tool calls whose arguments arrive in pieces. At `max_tokens` the last call may be cut, so it is dropped."""

    def __init__(self, provider: str, state: AttemptState) -> None:
        self._provider, self._state = provider, state
        self._calls: list[_Pieces] = []
        self._at: dict[int, _Pieces] = {}  # the call that an index stands for; some servers give all calls the same index

    def add(self, index: int | None, call_id: str = "", name: str = "", arguments: object = None) -> None:
        """Add a piece. Arguments are text, or already an object; `{}` is a placeholder if text follows."""
        call = self._find(index, call_id, name)
        text = _arguments_text(arguments)
        call.id, call.name, call.arguments = call.id or call_id, call.name or name, call.arguments + text
        self._state.written += name + text

    def _find(self, index: int | None, call_id: str, name: str) -> _Pieces:
        known = self._known(index, call_id)
        if known is None or (name and self._is_another(known, index, call_id)):
            known = _Pieces()
            self._calls.append(known)
        if index is not None:
            self._at[index] = known
        return known

    def _known(self, index: int | None, call_id: str) -> _Pieces | None:
        if index is not None:
            return self._at.get(index)
        if call_id:
            return next((one for one in self._calls if one.id == call_id), None)
        return self._calls[-1] if self._calls else None

    @staticmethod
    def _is_another(known: _Pieces, index: int | None, call_id: str) -> bool:
        """Whether a piece with a name begins a call of its own, though its index (or the lack of one) points to a known call."""
        if call_id and known.id:
            return call_id != known.id
        return index is None or known.is_whole

    def __bool__(self) -> bool:
        return bool(self._calls)

    def ready(self, stop: StopReason) -> Iterator[ToolCall]:
        """Yield the calls; raise Upstream if the model stopped to call a tool and there is no call."""
        if stop == "refusal":
            return
        if stop == "tool_use" and not self._calls:
            raise Upstream(Situation.PROVIDER_UNAVAILABLE, f"{self._provider} stopped to call a tool, but sent no call")
        messages = self._state.request.messages
        taken = {call.id for message in messages for call in message.calls}
        for position, call in enumerate(self._calls[:-1] if stop == "max_tokens" else self._calls):
            identifier = call.id
            if not identifier or identifier in taken:  # some servers send none, or the same in every turn
                identifier = f"call_{len(messages)}_{position}"
            taken.add(identifier)
            name = _NO_NAME_CHARACTER.sub("_", call.name)[:_NAME_LENGTH] or "unnamed"
            yield ToolCall(identifier, name, *read_arguments(call.arguments))


def _arguments_text(arguments: object) -> str:
    if arguments is None or arguments == {}:
        return ""
    try:
        return arguments if isinstance(arguments, str) else json.dumps(arguments)
    except RecursionError:
        return "(nested too deeply)"


def read_arguments(text: str) -> tuple[dict[str, Any], str]:
    """Return the arguments of a call, or none and what is wrong with them, in words for the model."""
    try:
        # not strict: a raw line break inside a text has only one meaning
        value = json.loads(text, strict=False, parse_float=_finite, parse_constant=_finite) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        return {}, f"The arguments are not valid JSON ({reason}): {text[:_SHOWN]}. Send the call again with one JSON object."
    if value is None:
        return {}, ""
    if not isinstance(value, dict):
        return {}, f"The arguments are not a JSON object: {text[:_SHOWN]}. Send the call again with one JSON object."
    return value, ""


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is not a number that JSON can hold")
    return value
