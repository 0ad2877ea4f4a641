"""Which agents suit a card, and which items of a checklist: by the card's kind, its filed lines and the words in them."""

from dataclasses import dataclass, field
from functools import cache
from typing import Final

from shared.agents.providers.embedded import traces
from shared.agents.providers.embedded.filing import FiledCard, lines_with
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.tables import keys, table
from shared.agents.providers.embedded.wording import say

_MAX_CHECKS: Final = 7
_LEAST_CHECKS: Final = 3  # without a line that gives reason for one; fewer hold for anything
_MAX_NAMED: Final = 3  # agents that are named instead


@dataclass(frozen=True)
class Output:
    """The work of an agent: by kind of card the traits of which one is needed (none: it always suits), and its document."""

    suits: dict[str, list[str]]
    type: str = "custom"
    first: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    whole: bool = False
    questions: bool = False


@cache
def outputs() -> dict[str, Output]:
    return {role: Output(**one) for role, one in table("agents")["agents"].items()}


def suits(role: str, filed: FiledCard) -> bool:
    return not _objection(role, filed)


def _objection(role: str, filed: FiledCard) -> str:
    """Return the line that says why a card does not suit an agent, if so: its kind, nothing of what it needs, or too little to say."""
    output = outputs()[role]
    needed, only_asked = output.suits.get(filed.kind), table("agents")["words"]["asked"]
    asked = [*filed.asks, filed.title_line]
    spoken = [*asked, *filed.of("criterion", "limit", "context", "steps", "problem")]
    if needed is None:
        return f"k_{filed.kind}"
    if needed and not any(_has(one, asked if one in only_asked else spoken, filed) for one in needed):
        return "unfound"
    checks = fitting_checks(output, filed)
    is_short = output.checks and not any(checks) and len(checks.get(None, ())) < _LEAST_CHECKS
    return "few" if is_short and not output.whole else ""


def refusal(role: str, filed: FiledCard) -> str:
    """Return what an agent says about a card that does not suit it: its work, why not, and who suits."""
    told = [say(one, filed.language) for one in (f"w_{role}", _objection(role, filed), "suited")]
    named = [one for one in table("agents")["suited"][filed.kind] if suits(one, filed)][:_MAX_NAMED]
    return "\n\n".join([*told, "\n".join(f"- {say(f'w_{one}', filed.language)}" for one in named)])


def fitting_checks(output: Output, filed: FiledCard) -> dict[Piece | None, list[str]]:
    """Return the items of the agent's checklist that fit the card, at most seven, by the line that gives reason for them."""
    found: dict[Piece | None, list[str]] = {None: []}
    fitting = [(name, reason[0]) for name in output.checks if (reason := _reason(name, filed))]
    for name, line in fitting[:_MAX_CHECKS]:
        found.setdefault(line, []).append(name)
    return {line: names for line, names in found.items() if names}


def _reason(name: str, filed: FiledCard) -> tuple[Piece | None] | None:
    """Return the line that gives reason for an item, which may be no certain one; nothing if the item does not fit."""
    words, reasons = table("agents")["words"], table("agents")["checks"].get(name, [])
    needed = [one for one in reasons if not filed.is_report or one not in keys("traits") or one in words["report"]]
    told = [*(filed.of("problem") if filed.is_report else ()), *filed.asks, *filed.of("criterion")]
    plain = (line for one in needed if one in words["plain"] for line in lines_with(one, told, filed.language))
    if line := next(plain, None):
        return (None if line.text == filed.title else line,)
    fits = not reasons or any(_has(one, [*told, filed.title_line], filed) for one in needed)
    return (None,) if fits else None


def _has(name: str, pieces: list[Piece], filed: FiledCard) -> bool:
    """Tell whether a card is of a kind, has a line of a kind or a trace, or shows a trait in some of its lines."""
    if name in keys("traits"):
        return bool(lines_with(name, pieces, filed.language))
    if name == "trace":
        return any(traces.error_line(one.text) or traces.own_frame(one.text) for one in filed.of("code"))
    return name == filed.kind or bool(filed.of(name))
