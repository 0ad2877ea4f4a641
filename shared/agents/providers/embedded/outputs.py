"""What each agent makes of a filed card: a document, cards or a comment, and the tool calls for them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from shared.agents.providers.embedded import cards, suiting, traces
from shared.agents.providers.embedded.filing import FiledCard, lines_with
from shared.agents.providers.embedded.language import OTHER
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.sentences import is_question, weight
from shared.agents.providers.embedded.suiting import Output, outputs
from shared.agents.providers.embedded.tables import table
from shared.agents.providers.embedded.wording import quoted, say, signed, titled

_MAX_ASKS: Final = 7  # above a checklist, as many as it has items
_LEAST_SAID: Final = 3  # words, that say by themselves what they are about
_PROSE: Final = 9_500  # characters of a comment or a description, as the tools take them; they are signed


@dataclass(frozen=True)
class Action:
    """A tool call, and the line of the summary that is true when it was accepted."""

    tool: str
    arguments: dict[str, Any]
    summary: str = ""


def plan(role: str, filed: FiledCard) -> list[Action]:
    """Return the tool calls of an agent. Without a definite ask it only asks; a card that does not suit it gets one comment."""
    if not filed.is_explicit:
        return [_comment(_gate(filed), filed, "s_gate")]
    if not suiting.suits(role, filed):
        return [_comment([suiting.refusal(role, filed)], filed, "s_unsuited")]
    output = outputs()[role]
    made = _cards(filed) if role == "planner" else [_document(role, output, filed)]
    notes = cards.notes(filed) if role == "planner" else []
    asked = _questions(filed, output.place) if output.questions else []
    if notes or asked:
        made.append(_comment([*notes, *asked], filed, "s_questions" if asked else ""))
    return made + _move(filed) if role == "ceo_copilot" else made


# -- documents


def _document(role: str, output: Output, filed: FiledCard) -> Action:
    language = filed.language
    blocks = [f"# {say(f't_{role}', language)}", *([say("other_language", language)] if language == OTHER else [])]
    if output.whole:
        for heading, body in _sections(output, filed):
            blocks += [f"## {say(heading, language)}", body]
        blocks += [f"## {say('checklist', language)}"] * bool(output.checks)
    elif asks := _wanted(filed)[:_MAX_ASKS]:
        blocks.append(quoted(asks))
    if output.checks:
        blocks += [say("needs_model", language), *_checklist(output, filed)]
    title, content = titled(f"t_{role}", filed.title, language), signed("\n\n".join(blocks), language)
    document = {"type": output.type, "title": title, "content": content}
    return Action("write_document", document, "s_document" if output.whole else "s_checklist")


def _wanted(filed: FiledCard) -> list[Piece]:
    """Return what stands above a checklist: of a fault what was expected, below the title if that is a bare value; what is asked for."""
    expected = filed.of("criterion") if filed.is_fault else []
    title = [filed.title_line] if expected and weight(expected[0].text) < _LEAST_SAID else []
    return [*title, *expected, *(one for one in filed.asks if not one.vague and one.line != filed.title)]


def _checklist(output: Output, filed: FiledCard) -> Iterator[str]:
    """Yield the items that fit the card; a line of it stands before those for which it gives reason."""
    for line, names in suiting.fitting_checks(output, filed).items():
        if line:
            yield quoted([replace(line, lead="")])
        yield "\n".join(f"- [ ] {say(name, filed.language)}" for name in names)


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
    """Return the lines of each section; what no section is for stands under `context`, and a greeting nowhere."""
    told = background(filed)
    found: dict[str, list[Piece]] = {name: [] for name in table("agents")["order"]["usual"]}
    found |= {"problem": told, "ask": filed.asks}
    for piece in filed.pieces:
        if piece not in told and piece.kind not in ("ask", "courtesy"):
            found[piece.kind if piece.kind in found else "context"].append(piece)
    if filed.kind == "inquiry":
        found["question"] += [one for one in filed.asks if is_question(one.text)]
        found["ask"] = [one for one in filed.asks if not is_question(one.text)]
    if "later" in output.first:
        found["later"] = lines_with("later", found["exclusion"], filed.language)
        found["exclusion"] = [one for one in found["exclusion"] if one not in found["later"]]
    if "tests" in output.first:
        tested = "criterion" if found["criterion"] else "ask"
        found["tests"], found[tested] = found[tested] or [filed.title_line], []
    if "exception" in output.first:
        for name, quote in (("exception", traces.error_line), ("frame", traces.own_frame)):
            found[name] = [Piece("code", text) for log in filed.of("code") if (text := quote(log.text))][:1]
    return found


def background(filed: FiledCard) -> list[Piece]:
    """Return what the card tells about today: its beginning and its problems with what is around them; of a report all."""
    kinds = ("problem", "context", *(["limit"] if filed.is_report else []))
    runs = [list(run) for tells, run in groupby(filed.pieces, key=lambda one: one.kind in kinds) if tells]
    told = [run for run in runs if filed.is_report or any(one.kind == "problem" for one in run)]
    begins = [run for run in runs[:1] if run[0] == filed.pieces[0] and run not in told]  # with the reason for it
    return [one for run in [*begins, *told] for one in run]


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


def _comment(blocks: list[str], filed: FiledCard, summary: str = "") -> Action:
    return Action("comment", {"content": signed("\n\n".join(blocks)[:_PROSE], filed.language)}, summary)


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


def _cards(filed: FiledCard) -> list[Action]:
    """Return the planner's cards and what they wait for."""
    new = [
        Action("create_card", card | {"description": signed(quoted(lines)[:_PROSE], filed.language, "quoter")}, "s_cards")
        for card, lines in cards.planned(filed)
    ]
    return [*new, *(Action("add_dependency", link) for link in cards.links(filed))]
