"""The trace of a run: what the agent said and did in each turn, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A tool call. `arguments` and `result` are texts that are equal if the calls and their results are."""

    tool: str
    arguments: str
    result: str = ""
    failed: bool = False
    made: str | None = None
    """What the call has made or changed, as `kind:title`; None for a call that only reads, and for one that failed."""


@dataclass(frozen=True)
class Turn:
    """One answer of the model and its calls. `at`: seconds since the run began."""

    text: str
    calls: tuple[Call, ...]
    at: float = 0.0

    @property
    def words(self) -> str:
        """Return what the agent said and what it put into its calls."""
        return " ".join([self.text, *(call.arguments for call in self.calls)]).strip()


@dataclass(frozen=True)
class Trace:
    """The turns of a run. `goal`: what it was given to do; `tokens`: what its calls of the model have used."""

    goal: str
    turns: Sequence[Turn]
    tokens: int = 0

    @property
    def progress(self) -> list[int]:
        """Return the numbers of the turns in which something new was made, from 0. Making the same thing again is no progress."""
        seen: set[str] = set()
        found = []
        for number, turn in enumerate(self.turns):
            made = {call.made for call in turn.calls if call.made} - seen
            seen |= made
            if made:
                found.append(number)
        return found

    @property
    def made(self) -> int:
        """Return how many different things were made."""
        return len({call.made for turn in self.turns for call in turn.calls if call.made})


def trace_from(data: dict[str, Any]) -> Trace:
    """Return a trace of plain data, as traces are kept in files."""
    turns = [Turn(one["text"], tuple(Call(**call) for call in one["calls"]), one["at"]) for one in data["turns"]]
    return Trace(data["goal"], turns, data["tokens"])
