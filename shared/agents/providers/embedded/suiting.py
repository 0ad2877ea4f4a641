"""Which agents suit a card, and which items of a checklist: by the card's type, its filed lines and the words in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from shared.agents.providers.embedded import traces
from shared.agents.providers.embedded.filing import REPORTS, FiledCard, lines_with
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.tables import keys, table
from shared.agents.providers.embedded.wording import say

_MAX_CHECKS: Final = 7
_MAX_NAMED: Final = 3  # agents that are named instead


@dataclass(frozen=True)
class Output:
    """The work of an agent: by kind of card the traits of which one is needed (none: it always suits), and its document."""

    suits: dict[str, list[str]]
    type: str = "custom"
    first: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    whole: bool = False
    questions: bool = False


@cache
def outputs() -> dict[str, Output]:
    return {role: Output(**one) for role, one in table("agents")["agents"].items()}


def is_report(filed: FiledCard) -> bool:
    """Tell whether the card reports what has happened, which then comes first."""
    return filed.kind in REPORTS


def suits(role: str, filed: FiledCard) -> bool:
    needed = outputs()[role].suits.get(filed.kind) if role in outputs() else []
    if not needed:
        return needed is not None
    asked, only_asked = filed.asked_lines, table("agents")["words"]["asked"]
    spoken = [*asked, *filed.of("criterion", "limit", "context", "steps", "problem")]
    is_spoken = _shown((one for one in needed if one not in only_asked), spoken, filed)
    return any(_is_or_has(one, filed) for one in needed) or bool(is_spoken or _shown(needed, asked, filed))


def refusal(role: str, filed: FiledCard) -> str:
    """Return what an agent says about a card that does not suit it: its work, what the card is instead, and who suits."""
    language, kind = filed.language, filed.kind
    instead = "unfound" if kind in outputs()[role].suits else f"k_{kind}"
    others = [f"- {say(f'w_{one}', language)}" for one in table("agents")["suited"][kind] if suits(one, filed)]
    told = [say(one, language) for one in (f"w_{role}", instead, "suited")]
    return "\n\n".join([*told, "\n".join(others[:_MAX_NAMED])])


def fitting_checks(output: Output, filed: FiledCard) -> dict[Piece | None, list[str]]:
    """Return the items of the agent's checklist that fit the card, at most seven, by the line that gives reason for them."""
    found: dict[Piece | None, list[str]] = {None: []}
    fitting = [(name, reason[0]) for name in output.checks if (reason := _reason(name, filed))]
    for name, line in fitting[:_MAX_CHECKS]:
        found.setdefault(line, []).append(name)
    return {line: names for line, names in found.items() if names}


def _reason(name: str, filed: FiledCard) -> tuple[Piece | None] | None:
    """Return the line that gives reason for an item, which may be no certain one; nothing if the item does not fit."""
    words, is_told = table("agents")["words"], is_report(filed)
    reasons: list[str] = table("agents")["checks"].get(name, [])
    needed = [one for one in reasons if not is_told or one not in keys("traits") or one in words["report"]]
    spoken = [*(filed.of("problem") if is_told else ()), *filed.asks, *filed.of("criterion")]
    if line := _shown([one for one in needed if one in words["plain"]], spoken, filed):
        return (None if line.text == filed.title else line,)
    fits = not reasons or any(_is_or_has(one, filed) for one in needed) or _shown(needed, [*spoken, filed.title_line], filed)
    return (None,) if fits else None


def _is_or_has(name: str, filed: FiledCard) -> bool:
    if name == "trace":
        return any(traces.error_line(one.text) or traces.own_frame(one.text) for one in filed.of("code"))
    return name == filed.kind or bool(filed.of(name))


def _shown(names: Iterable[str], pieces: list[Piece], filed: FiledCard) -> Piece | None:
    """Return the first line that shows one of the traits."""
    found = (lines_with(one, pieces, filed.language) for one in names if one in keys("traits"))
    return next((lines[0] for lines in found if lines), None)
