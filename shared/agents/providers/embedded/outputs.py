"""What each agent makes of a filed card, if it suits: a document, cards or a comment, and the tool calls for them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from typing import Any, Final

from shared.agents.providers.embedded import cards
from shared.agents.providers.embedded.blocks import error_line, own_frame
from shared.agents.providers.embedded.filing import FiledCard, lines_with
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.sentences import is_question, weight
from shared.agents.providers.embedded.tables import keys, table
from shared.agents.providers.embedded.wording import OTHER, PROSE, quoted, say, signed, titled

_MAX_ASKS = _MAX_CHECKS = 7  # of a checklist, and above it
_LEAST_CHECKS: Final = 3  # without a line that gives reason for one; fewer hold for anything
_MAX_NAMED: Final = 3  # agents that are named instead
_LEAST_SAID: Final = 3  # words, that say by themselves what they are about


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


@dataclass(frozen=True)
class Action:
    """A tool call, and the line of the summary that is true when it was accepted."""

    tool: str
    arguments: dict[str, Any]
    summary: str = ""


@cache
def outputs() -> dict[str, Output]:
    return {role: Output(**one) for role, one in table("agents")["agents"].items()}


def plan(role: str, filed: FiledCard) -> list[Action]:
    """Return the tool calls of an agent. Without a definite ask it only asks; a card that does not suit it gets one comment."""
    if not filed.is_explicit:
        return [_comment(_gate(filed), filed, "s_gate")]
    if not suits(role, filed):
        return [_comment([refusal(role, filed)], filed, "s_unsuited")]
    output = outputs()[role]
    asked = _questions(filed, output.place) if output.questions else []
    if role == "planner":
        made = [Action(tool, one, "s_cards" if tool == "create_card" else "") for tool, one in cards.planned(filed)]
        said = [*cards.notes(filed), *asked]
    else:
        made, said = [_document(role, output, filed)], asked
    if said:
        made.append(_comment(said, filed, "s_questions" if asked else ""))
    return made + _move(filed) if role == "ceo_copilot" else made


# -- who works


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
    fitting = [(name, line) for name in output.checks for line in _reasons(name, filed)]
    for name, line in fitting[:_MAX_CHECKS]:
        found.setdefault(line, []).append(name)
    return {line: names for line, names in found.items() if names}


def _reasons(name: str, filed: FiledCard) -> list[Piece | None]:
    """Return the line that gives reason for an item, or no certain line; nothing at all if the item does not fit."""
    words, reasons = table("agents")["words"], table("agents")["checks"].get(name, [])
    needed = [one for one in reasons if not filed.is_report or one not in keys("traits") or one in words["report"]]
    told = [*(filed.of("problem") if filed.is_report else ()), *filed.asks, *filed.of("criterion")]
    plain = [line for one in needed if one in words["plain"] for line in lines_with(one, told, filed.language)]
    if plain:
        return [None if plain[0].text == filed.title else plain[0]]
    fits = not reasons or any(_has(one, [*told, filed.title_line], filed) for one in needed)
    return [None] if fits else []


def _has(name: str, pieces: list[Piece], filed: FiledCard) -> bool:
    """Tell whether a card is of a kind, has a line of a kind or a trace, or shows a trait in some of its lines."""
    if name in keys("traits"):
        return bool(lines_with(name, pieces, filed.language))
    if name == "trace":
        return any(error_line(one.text) or own_frame(one.text) for one in filed.of("code"))
    return name == filed.kind or bool(filed.of(name))


# -- documents


def _document(role: str, output: Output, filed: FiledCard) -> Action:
    language = filed.language
    parts = [f"# {say(f't_{role}', language)}", *([say("other_language", language)] if language == OTHER else [])]
    if output.whole:
        for heading, body in _sections(output, filed):
            parts += [f"## {say(heading, language)}", body]
        parts += [f"## {say('checklist', language)}"] * bool(output.checks)
    elif asks := _wanted(filed)[:_MAX_ASKS]:
        parts.append(quoted(asks))
    if output.checks:
        parts.append(say("needs_model", language))
    for line, names in fitting_checks(output, filed).items():
        parts += [quoted([replace(line, lead="")])] if line else []
        parts.append("\n".join(f"- [ ] {say(name, language)}" for name in names))
    title, content = titled(f"t_{role}", filed.title, language), signed("\n\n".join(parts), language)
    document = {"type": output.type, "title": title, "content": content}
    return Action("write_document", document, "s_document" if output.whole else "s_checklist")


def _wanted(filed: FiledCard) -> list[Piece]:
    """Return what stands above a checklist: of a fault what was expected, below the title if that is a bare value; what is asked for."""
    expected = filed.of("criterion") if filed.is_fault else []
    title = [filed.title_line] if expected and weight(expected[0].text) < _LEAST_SAID else []
    return [*title, *expected, *(one for one in filed.asks if not one.vague and one.line != filed.title)]


def _sections(output: Output, filed: FiledCard) -> Iterator[tuple[str, str]]:
    """Yield the headings and texts of the sections that have something: every line of the card, each in one of them."""
    found, order, led = _by_section(output, filed), table("agents")["order"], {""}
    renamed = order["renamed"].get(filed.kind, {})
    for name in dict.fromkeys([*(order["report"] if filed.is_report else ()), *output.first, *order["usual"]]):
        pieces = [replace(one, lead="") if one.lead in led else one for one in found.get(name, ())]
        led |= {one.lead for one in pieces}
        if pieces and name in output.first and "tests" in output.first:
            yield name, _forms(pieces, filed, is_test=name == "tests")
        elif pieces:
            yield renamed.get(name, name), quoted(pieces)


def _by_section(output: Output, filed: FiledCard) -> dict[str, list[Piece]]:
    """Return the lines of each section; a greeting stands nowhere."""
    found: dict[str, list[Piece]] = {"problem": background(filed)}
    others = dict.fromkeys([*filed.asks, *(one for one in filed.pieces if one.kind not in ("ask", "courtesy"))])
    told = {*found["problem"]}
    for piece in (one for one in others if one not in told):
        found.setdefault(_section(piece, output, filed), []).append(piece)
    if "tests" in output.first:
        found["tests"] = found.pop("criterion" if "criterion" in found else "ask", [filed.title_line])
    if "exception" in output.first:
        for name, quote in (("exception", error_line), ("frame", own_frame)):
            found[name] = [Piece("code", text) for log in filed.of("code") if (text := quote(log.text))][:1]
    return found


def _section(piece: Piece, output: Output, filed: FiledCard) -> str:
    """Return the section of a line; what no section is for stands under `context`."""
    if piece.kind == "ask" and filed.kind == "inquiry" and is_question(piece.text):
        return "question"
    if piece.kind == "exclusion" and "later" in output.first and lines_with("later", [piece], filed.language):
        return "later"
    return piece.kind if piece.kind in table("agents")["order"]["usual"] else "context"


def background(filed: FiledCard) -> list[Piece]:
    """Return what the card tells about today: its beginning and its problems with what is around them; of a report all."""
    kinds = ("problem", "context", *(["limit"] if filed.is_report else []))
    runs = [list(run) for tells, run in groupby(filed.pieces, key=lambda one: one.kind in kinds) if tells]
    begins = runs[:1] if runs and runs[0][0] == filed.pieces[0] else []  # with the reason for it
    return [one for run in runs for one in run if filed.is_report or run in begins or any(one.kind == "problem" for one in run)]


def _forms(pieces: list[Piece], filed: FiledCard, *, is_test: bool) -> str:
    """Return a numbered form with blanks: for a test of each criterion; if none is stated, for when each request is done."""
    is_stated = pieces[0].kind == "criterion"
    blanks = ["test_setup", "test_steps", "test_seen", "test_passed"] if is_stated else ["done_when"]
    forms, lead, number = [say("no_criteria", filed.language)] * (is_test and not is_stated), "", 0
    for piece in pieces:
        if piece.lead not in ("", lead):
            forms.append(f"> {piece.lead}")
        lead = piece.lead
        for part in re.split(r"；|;\s", piece.text) if is_stated else [piece.text]:
            number += 1
            quote = quoted([Piece(piece.kind, part.strip())]).replace("\n", "\n   ")
            forms.append(f"{number}. {quote}\n\n" + "\n".join(f"   - {say(key, filed.language)}" for key in blanks))
    return "\n\n".join(forms)


# -- comments and moves


def _comment(parts: list[str], filed: FiledCard, summary: str = "") -> Action:
    return Action("comment", {"content": signed("\n\n".join(parts)[:PROSE], filed.language)}, summary)


def _gate(filed: FiledCard) -> list[str]:
    """Return what is said of a card that asks for nothing definite; questions that were asked before are not repeated."""
    names = ["gate", *(["other_language"] if filed.language == OTHER else [])]
    asked = _questions(filed) or [say("asked_before", filed.language)]
    return [*(say(one, filed.language) for one in names), *asked, say("hint", filed.language)]


def _questions(filed: FiledCard, place: Iterable[str] = ()) -> list[str]:
    """Return what an agent asks, unless its document has a place for the answer."""
    known = {say(key, filed.language) for key in place}
    lines = [f"- {line}" for line in filed.questions if line not in known]
    return [say("asks_open", filed.language), "\n".join(lines)] if lines else []


def _move(filed: FiledCard) -> list[Action]:
    """Return the move to the lane for this kind of card, if it lies before that."""
    lane = table("agents")["lanes"][filed.kind]
    move = {"to_lane": lane, "reason": say(f"k_{filed.kind}", filed.language)}
    return [Action("move_card", move, "s_moved")] if filed.card.get("lane", 0) < lane else []
