"""The stored conversation of a run: each response of the model, stored before its tool calls are executed, and their results."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

from shared.agents.providers.port import MAX_CALLS_PER_ANSWER, Message, Text, ToolCall, ToolResult
from shared.runs.agent_runs.rows import Run, RunContext, ToolCallRecord, Turn
from shared.store import Row, get, iterate, load_text

R = TypeVar("R", bound=Row)
NOT_EXECUTED: Final = (
    f"Not executed: of the tool calls of one answer, only the first {MAX_CALLS_PER_ANSWER} are executed."
    " Make this call in your next answer."
)


@dataclass
class Exchange:
    """One turn: the model's response, and the results of its tool calls by index."""

    turn: Turn
    results: dict[int, ToolCallRecord] = field(default_factory=dict)

    @cached_property
    def calls(self) -> list[ToolCall]:
        return [ToolCall(**one) for one in json.loads(load_text(self.turn.calls))]

    @property
    def open(self) -> list[int]:
        """The indexes of the calls that still have to be executed, of the first MAX_CALLS_PER_ANSWER."""
        done = {index for index, record in self.results.items() if record.result is not None}
        return [index for index in range(min(len(self.calls), MAX_CALLS_PER_ANSWER)) if index not in done]

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The results for the model; a call above the limit has an error, which is not stored because it is the same for ever."""
        executed = [
            ToolResult(call.id, load_text(record.result or ""), bool(record.is_error))
            for index, call in enumerate(self.calls[:MAX_CALLS_PER_ANSWER])
            if (record := self.results.get(index)) is not None
        ]
        return (*executed, *(ToolResult(call.id, NOT_EXECUTED, is_error=True) for call in self.calls[MAX_CALLS_PER_ANSWER:]))


@dataclass
class Journal:
    system: str
    first_message: str
    exchanges: list[Exchange]
    steering: list[dict[str, Any]] = field(default_factory=list)
    """What was said to the agent while it worked: {turn, message}, behind that turn."""

    @property
    def next_turn(self) -> int:
        return len(self.exchanges) + 1

    @property
    def last(self) -> Exchange | None:
        return self.exchanges[-1] if self.exchanges else None

    @property
    def effects(self) -> list[dict[str, Any]]:
        """The effects of all successful calls of the run, in order."""
        return [
            record.effect
            for exchange in self.exchanges
            for _, record in sorted(exchange.results.items())
            if record.effect and not record.is_error
        ]

    @property
    def refs(self) -> dict[str, str]:
        """The ids of created objects by the names that the model gave them."""
        return {one["ref"]: one["id"] for one in self.effects if one.get("ref")}

    def messages(self) -> tuple[Message, ...]:
        messages: list[Message] = [Message.user(self.first_message), *self._said_after(0)]
        for number, exchange in enumerate(self.exchanges, 1):
            text = load_text(exchange.turn.text)
            parts: list[Any] = [Text(text)] if text else []
            messages.append(Message("assistant", (*parts, *exchange.calls)))
            if exchange.tool_results:
                messages.append(Message("user", exchange.tool_results))
            messages += self._said_after(number)
        return tuple(messages)

    def _said_after(self, turn: int) -> list[Message]:
        """Return what was said behind a turn; behind the last one also what was meant for later."""
        is_last = turn == len(self.exchanges)
        return [Message.user(one["message"]) for one in self.steering if one["turn"] == turn or (is_last and one["turn"] > turn)]


def read_journal(run: Run) -> Journal | None:
    """Read the conversation of a run, strongly consistent; None before its context is written."""
    context = get(RunContext, f"RUN#{run.id}", "CONTEXT")
    if context is None:
        return None
    exchanges = {int(turn.number): Exchange(turn) for turn in _rows(Turn, run, "TURN#")}
    for record in _rows(ToolCallRecord, run, "CALL#"):
        number, index = map(int, record.sk.removeprefix("CALL#").split("#"))
        exchanges[number].results[index] = record
    system = context.system or run.system or ""
    return Journal(system, load_text(context.text), [exchanges[number] for number in sorted(exchanges)], run.steering or [])


def _rows(model: type[R], run: Run, prefix: str) -> Iterator[R]:
    return iterate(model, f"RUN#{run.id}", prefix=prefix, consistent=True)
