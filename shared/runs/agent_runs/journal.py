"""The conversation of a run, as it is kept: what the model answered before anything was done about it, and what each call came to."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from shared.agents.providers.port import Message, Text, ToolCall, ToolResult
from shared.runs.agent_runs.rows import Run, RunContext, ToolCallRecord, Turn
from shared.store import Row, get, iterate, load_text

R = TypeVar("R", bound=Row)


@dataclass
class Exchange:
    """One turn: the answer, and the results of its calls by their index."""

    turn: Turn
    results: dict[int, ToolCallRecord] = field(default_factory=dict)

    @cached_property
    def calls(self) -> list[ToolCall]:
        return [ToolCall(one["id"], one["name"], one["arguments"]) for one in json.loads(load_text(self.turn.calls))]

    @property
    def open(self) -> list[int]:
        """The calls that have no result yet."""
        done = {index for index, record in self.results.items() if record.result is not None}
        return [index for index in range(len(self.calls)) if index not in done]


@dataclass
class Journal:
    first_message: str
    exchanges: list[Exchange]

    @property
    def next_turn(self) -> int:
        return len(self.exchanges) + 1

    @property
    def last(self) -> Exchange | None:
        return self.exchanges[-1] if self.exchanges else None

    @property
    def effects(self) -> list[dict[str, Any]]:
        """Everything the run's calls made, in order."""
        return [
            record.effect
            for exchange in self.exchanges
            for _, record in sorted(exchange.results.items())
            if record.effect and not record.is_error
        ]

    @property
    def refs(self) -> dict[str, str]:
        """The names the model gave to what it made, and the ids."""
        return {one["ref"]: one["id"] for one in self.effects if one.get("ref")}

    def messages(self) -> tuple[Message, ...]:
        messages: list[Message] = [Message.user(self.first_message)]
        for exchange in self.exchanges:
            text = load_text(exchange.turn.text)
            parts: list[Any] = [Text(text)] if text else []
            messages.append(Message("assistant", (*parts, *exchange.calls)))
            results = tuple(
                ToolResult(call.id, load_text(record.result or ""), bool(record.is_error))
                for index, call in enumerate(exchange.calls)
                if (record := exchange.results.get(index)) is not None
            )
            if results:
                messages.append(Message("user", results))
        return tuple(messages)


def read_journal(run: Run) -> Journal | None:
    """What is kept of a run's conversation; None before its context is written. Strongly consistent."""
    context = get(RunContext, f"RUN#{run.id}", "CONTEXT")
    if context is None:
        return None
    exchanges = {int(turn.number): Exchange(turn) for turn in _rows(Turn, run, "TURN#")}
    for record in _rows(ToolCallRecord, run, "CALL#"):
        number, index = map(int, record.sk.removeprefix("CALL#").split("#"))
        exchanges[number].results[index] = record
    return Journal(load_text(context.text), [exchanges[number] for number in sorted(exchanges)])


def _rows(model: type[R], run: Run, prefix: str) -> Iterator[R]:
    return iterate(model, f"RUN#{run.id}", prefix=prefix, consistent=True)
