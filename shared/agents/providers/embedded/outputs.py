"""What each agent makes of a filed card, if it suits: a document, cards or a comment, and the tool calls for them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cache
from itertools import chain, groupby
from typing import Any, Final

from shared.agents.providers.embedded.blocks import error_line, own_frame
from shared.agents.providers.embedded.filing import FiledCard, lines_with
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.sentences import has, is_ask, is_question, weight
from shared.agents.providers.embedded.tables import OTHER, WIDE, keys, mark, pattern, plain_title, say, signed, table

MAX_CARDS: Final = 30  # of one plan; what is left is named
PROSE: Final = 9_500  # characters of a comment or a description, as the tools take them; they are signed
_MAX_ASKS = _MAX_CHECKS = 7  # of a checklist, and above it
_LEAST_CHECKS: Final = 3  # without a line that gives reason for one; fewer hold for anything
_MAX_NAMED: Final = 3  # agents that are named instead
_LEAST_SAID: Final = 3  # words, that say by themselves what they are about
_BUILD_LANE: Final = 6
_COLONS: Final = {"zh": "：", "ja": "：", "fr": " : "}  # as a language writes it before a title
_NO_TASKS: Final = ("steps", "code", "link", "courtesy")  # of these the planner does not say that no card was made


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
        names = ["gate", *["other_language"] * (filed.language == OTHER)]
        asked = _questions(filed) or [say("asked_before", filed.language)]
        gate = [*(say(one, filed.language) for one in names), *asked, say("hint", filed.language)]
        return [_comment(gate, filed, "s_gate")]
    if not suits(role, filed):
        return [_comment([refusal(role, filed)], filed, "s_unsuited")]
    output = outputs()[role]
    asked = _questions(filed, output.place) if output.questions else []
    if role == "planner":
        made, said = _cards(filed), [*_notes(filed), *asked]
    else:
        made, said = [_document(role, output, filed)], asked
    if said:
        made.append(_comment(said, filed, "s_questions" if asked else ""))
    lane = table("agents")["lanes"][filed.kind]
    if role == "ceo_copilot" and filed.card.get("lane", 0) < lane:
        made.append(Action("move_card", {"to_lane": lane, "reason": say(f"k_{filed.kind}", filed.language)}, "s_moved"))
    return made


def _comment(parts: list[str], filed: FiledCard, summary: str) -> Action:
    return Action("comment", {"content": signed("\n\n".join(parts)[:PROSE], filed.language)}, summary)


def _questions(filed: FiledCard, place: Iterable[str] = ()) -> list[str]:
    """Return what an agent asks, unless its document has a place for the answer."""
    known = {say(key, filed.language) for key in place}
    lines = [f"- {line}" for line in filed.questions if line not in known]
    return [say("asks_open", filed.language), "\n".join(lines)] if lines else []


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
    parts = [f"# {say(f't_{role}', language)}", *[say("other_language", language)] * (language == OTHER)]
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
    title = plain_title(say(f"t_{role}", language) + _COLONS.get(language, ": ") + filed.title, language)
    document = {"type": output.type, "title": title, "content": signed("\n\n".join(parts), language)}
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
    """Return the lines of each section; what no section is for stands under `context`, a greeting nowhere."""
    found: dict[str, list[Piece]] = {"problem": background(filed)}
    others = dict.fromkeys([*filed.asks, *(one for one in filed.pieces if one.kind not in ("ask", "courtesy"))])
    told, known = {*found["problem"]}, (*output.first, *table("agents")["order"]["usual"])
    for piece in (one for one in others if one not in told):
        is_later = "later" in output.first and piece.kind == "exclusion" and lines_with("later", [piece], filed.language)
        is_inquiry = filed.kind == "inquiry" and piece.kind == "ask" and is_question(piece.text)
        section = "later" if is_later else "question" if is_inquiry else piece.kind
        found.setdefault(section if section in known else "context", []).append(piece)
    if "tests" in output.first:
        found["tests"] = found.pop("criterion" if "criterion" in found else "ask", [filed.title_line])
    if "exception" in output.first:
        for name, quote in (("exception", error_line), ("frame", own_frame)):
            found[name] = [Piece("code", text) for log in filed.of("code") if (text := quote(log.text))][:1]
    return found


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


def quoted(pieces: Iterable[Piece]) -> str:
    """Return statements as one block quote, a paragraph for each; what introduces them stands before them, once."""
    paragraphs: list[str] = []
    lead, in_table = "", False
    for piece in pieces:
        if piece.lead not in ("", lead):
            paragraphs.append(f"> {piece.lead}")
        is_row = piece.text.startswith("|")
        indent = "    " if is_row or piece.kind == "code" else ""  # a block of code in Markdown
        text = "\n".join(f"> {indent}{line}".rstrip() for line in piece.text.splitlines())
        if is_row and in_table:
            paragraphs[-1] += f"\n{text}"
        else:
            paragraphs.append(text)
        lead, in_table = piece.lead, is_row
    return "\n>\n".join(paragraphs)


# -- the planner's cards


def _cards(filed: FiledCard) -> list[Action]:
    """Return the tool calls for the cards and for what they wait for."""
    groups, found = _groups(filed)[0][:MAX_CARDS], []
    card = {"type": "task", "priority": filed.card.get("priority") or "medium", "lane": _BUILD_LANE}
    for number, group in enumerate(groups, 1):  # what asks for something by itself needs no line that introduces it
        lines = [replace(one, lead="") for one in group] if is_ask(group[0].text, filed.language) else group
        texts = {"title": _title(group[0], filed), "description": signed(quoted(lines)[:PROSE], filed.language, "quoter")}
        found.append(Action("create_card", card | texts | {"ref": f"ask-{number}"}, "s_cards"))
    waits = dependencies([group[0] for group in groups], filed.language)
    links = ({"card": f"ask-{one + 1}", "depends_on": f"ask-{other + 1}", "type": "blocks"} for one, other in waits)
    return [*found, *(Action("add_dependency", link) for link in links)]


def _notes(filed: FiledCard) -> list[str]:
    """Return what else the card says: asks that are cards already, and lines that are nobody's task."""
    new, known = _groups(filed)
    on_board, made = list(chain(*known)), [*chain(*new[:MAX_CARDS], *known)]
    told = (one for one in filed.pieces if one.kind not in _NO_TASKS and not pattern("timeline").match(one.line))
    left = [one for one in told if one not in made and _key(one.line) != _key(filed.title)]
    if filed.is_fault:  # its steps and what was seen are nobody's task, and stand on the card
        left = [one for one in left if one.kind in ("ask", "exclusion", "question")]
    none = ["itself"] if filed.asks or filed.is_report else ["no_cards", "hint"]
    found = [] if new or known else [say(name, filed.language) for name in none]
    for name, lines in (("on_board", on_board), ("left_out", left)):
        found += [say(name, filed.language), quoted(lines)] if lines else []
    return found


def _key(title: str) -> str:
    return " ".join(title.lower().split()).strip(" .。")


def _groups(filed: FiledCard) -> tuple[list[list[Piece]], list[list[Piece]]]:
    """Return the lines of each new card and of those that are on the board; an ask that is the card itself is neither.
    A sentence that says nothing without the one before it in its paragraph, like `After that it ends`, goes with that one."""
    told, groups = " ".join(filed.texts["description"].split()), list[list[Piece]]()
    for ask in filed.asks:
        is_itself = (ask.vague and filed.is_fault) or _key(ask.line) == _key(filed.title)
        if is_itself or has(ask.line.lower(), "no_card", filed.language):
            continue
        before = groups[-1][-1].line if groups else "\n"
        follows = f"{before} {ask.line}" in told or f"{before}{ask.line}" in told
        if follows and mark(filed.language, "refers").match(ask.line.lower()):
            groups[-1].append(ask)
        else:
            groups.append([ask])
    if len(groups) == 1 and not filed.is_report:
        groups[0] += filed.of("criterion")  # of one request, all that is said of when it is done
    board = {_key(str(card.get("title"))) for card in filed.siblings}
    known = [group for group in groups if _key(_title(group[0], filed)) in board]
    return [group for group in groups if group not in known], known


def _title(ask: Piece, filed: FiledCard) -> str:
    """Return a line without what is no part of a title: a box, a number, who says it in a chat, `and also please`."""
    words = pattern("back").sub("", pattern("front").sub("", ask.line))
    names = pattern("chat_name").findall(filed.texts["description"])
    if len(set(names)) < len(names):  # of a chat: somebody speaks twice
        words = pattern("name_before").sub("", words)
    opening = pattern("opening_words", filed.language).match(words.lower())
    return plain_title(words[opening.end() :] if opening and len(words.lower()) == len(words) else words, filed.language)


def dependencies(asks: list[Piece], language: str) -> list[tuple[int, int]]:
    """Return pairs (later, earlier): of the steps of a plan each and the one before, of other asks those of which one says so."""
    lows = [ask.line.lower() for ask in asks]
    found = []
    for at, low in enumerate(lows):
        is_next = at and (asks[at].form == asks[at - 1].form == "step" or has(low, "then", language))
        found.append((at, at - 1 if is_next else _named(low, lows, language)))
    return [(later, earlier) for later, earlier in found if 0 <= earlier < later]


def _named(low: str, lows: list[str], language: str) -> int:
    """Return the number of the only ask that the clause of another one names best, by the longest part that they share; or -1."""
    is_wide = language in WIDE  # the clause stands before its mark
    for after in mark(language, "depends").finditer(low):
        clause = re.split(r"[，、。]", low[: after.start()])[-1] if is_wide else re.split(r"[,;:]|\. ", low[after.end() :])[0]
        matches = (SequenceMatcher(None, clause, one, autojunk=False).find_longest_match() for one in lows)
        sizes = [0 if one == low else match.size for one, match in zip(lows, matches, strict=True)]
        if max(sizes) >= (2 if is_wide else 7) and sizes.count(max(sizes)) == 1:
            return sizes.index(max(sizes))
    return -1
