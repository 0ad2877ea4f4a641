"""What texts of commits and pull requests, and names of branches, refer to: cards, tasks, issues, an agent, a run."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")
_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAMED = re.compile(rf"(?<![0-9a-z])(?:(ticket|card|task)[-_/:#\s]{{1,3}})?({_ID})(?![0-9a-f])", re.IGNORECASE)
_ISSUE = re.compile(r"(?<![\w#&/])#(\d{1,9})\b")
_TRAILER = re.compile(r"^(agent|agent-id|run|run-id):[ \t]*(\S{1,100})[ \t]*$", re.IGNORECASE | re.MULTILINE)
MOST: Final = 10
"""Cards, tasks or issues that one text may name: a change log names hundreds, and is no change of any of them."""


@dataclass(frozen=True)
class References:
    """The ids that a text names, each once. An id without a word before it may be that of a card or of a task."""

    cards: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    issues: tuple[int, ...] = ()
    agent: str | None = None
    run: str | None = None


def read_references(*texts: str | None) -> References:
    """Return what the texts name. `Agent: <id>` and `Run: <id>`, each on a line of its own, say who made a commit."""
    whole = "\n".join(text for text in texts if text)
    cards: list[str] = []
    tasks: list[str] = []
    for found in _NAMED.finditer(whole):
        kind, named = (found[1] or "").lower(), found[2].lower()
        if kind != "task":
            cards.append(named)
        if kind in ("", "task"):
            tasks.append(named)
    trailers = {name.lower().removesuffix("-id"): value for name, value in _TRAILER.findall(whole)}
    issues = [int(number) for number in _ISSUE.findall(whole)]
    return References(_each_once(cards), _each_once(tasks), _each_once(issues), trailers.get("agent"), trailers.get("run"))


def _each_once(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))[:MOST]
