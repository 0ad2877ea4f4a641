"""What each agent makes of a filed card: a table of sections and checklists, and the tool calls for them."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from shared.agents.providers.embedded import traces
from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.language import OTHER
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.tables import mark, table
from shared.agents.providers.embedded.wording import checklist, say
from shared.core.texts import one_line

MAX_CARDS: Final = 30  # of one plan; what is left is named
_TITLE, _PROSE = 200, 10_000  # characters, as the tools take them
_BUILD_LANE: Final = 6
_NEXT_LANE: Final = {"bug": 7, "doc": 9}  # of the copilot, by the card's type; else the lane of requirements


@dataclass(frozen=True)
class Output:
    """The document of an agent: its type, its sections in order, and those of them whose absence it states."""

    type: str
    sections: list[str]
    expected: list[str] = field(default_factory=list)


@cache
def outputs() -> dict[str, Output]:
    return {role: Output(**one) for role, one in table("agents").items()}


@dataclass(frozen=True)
class Action:
    """A tool call, and the line of the summary that is true when it was accepted."""

    tool: str
    arguments: dict[str, Any]
    summary: str


def plan(role: str, filed: FiledCard) -> list[list[Action]]:
    """Return the tool calls of an agent in stages. Without a definite ask it only asks."""
    if not filed.is_explicit:
        return [[_questions(filed, gate=True)]]
    if role == "planner":
        stages = _cards(filed)
    else:
        role = role if role in outputs() else "general"
        stages = [[_document(role, filed)]]
    same = role == "ceo_copilot" and _key(filed.title) in _on_board(filed)
    notes = [say("same_title", filed.language)] if same else _planners_notes(filed) if role == "planner" else []
    if filed.questions or notes:
        stages.append([_questions(filed, notes=notes)])
    if role == "ceo_copilot" and not same and (move := _move(filed)):
        stages.append([move])
    return stages


def quoted(pieces: Iterable[Piece]) -> str:
    """Return statements as one block quote, a paragraph for each; what introduces them stands before them."""
    paragraphs: list[list[str]] = []
    lead = ""
    for piece in pieces:
        if piece.lead and piece.lead != lead:
            paragraphs.append([piece.lead])
        lead = piece.lead
        indent = "    " if piece.kind == "code" else ""  # a block of code in Markdown
        paragraphs.append([indent + line for line in piece.text.splitlines()])
    return "\n>\n".join("\n".join(f"> {line}".rstrip() for line in lines) for lines in paragraphs)


def signed(text: str, filed: FiledCard) -> str:
    return f"{text.rstrip()}\n\n---\n_{say('author', filed.language)}_\n"


def plain_title(text: str, language: str) -> str:
    """Return a title that the tools take: one line without control characters, cut at the end of a word."""
    plain = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in text)
    try:
        line = one_line(plain)
    except ValueError:
        return say("untitled", language)
    if len(line) > _TITLE:
        line = line[: _TITLE + 1].rsplit(" ", 1)[0][:_TITLE] if " " in line[:_TITLE] else line[:_TITLE]
    return line.strip() or say("untitled", language)


def _document(role: str, filed: FiledCard) -> Action:
    output, language = outputs()[role], filed.language
    heading = say(f"t_{role}", language)
    title = plain_title(f"{heading}: {filed.title}" if filed.title else heading, language)
    blocks = [f"# {heading}", *([quoted([Piece("ask", filed.title)])] if filed.title else [])]
    if language == OTHER:
        blocks.append(say("other_language", language))
    checks = checklist(role, language)
    if checks:
        blocks.append(say("needs_model", language))
    missing = [f"- {say(name, language)}" for name in output.expected if not _pieces(name, filed)]
    for name in output.sections:
        blocks += _section(name, filed)
    if missing:
        blocks += [f"## {say('missing', language)}", "\n".join(missing)]
    if checks:
        blocks += [f"## {say('checklist', language)}", "\n".join(f"- [ ] {line}" for line in checks)]
    return Action(
        "write_document", {"type": output.type, "title": title, "content": signed("\n\n".join(blocks), filed)}, "s_document"
    )


def _section(name: str, filed: FiledCard) -> list[str]:
    """Return the blocks of a section; none if the card has nothing for it."""
    language = filed.language
    if name == "each_criterion" and (criteria := filed.of("criterion")):
        blanks = [f"   - {say(key, language)}" for key in ("test_setup", "test_steps", "test_seen", "test_passed")]
        return [f"## {say('tests', language)}", *_numbered(criteria, say("test", language), blanks)]
    if name == "each_criterion":
        forms = _numbered(filed.asks, say("one_ask", language), [f"   - {say('done_when', language)}"])
        return [f"## {say('tests', language)}", say("no_criteria", language), *forms]
    if name == "each_ask":
        boxes = [f"   - [ ] {say(key, language)}" for key in ("first_version", "later")]
        return [f"## {say('ask', language)}", *_numbered(filed.asks, say("one_ask", language), boxes)] if filed.asks else []
    pieces = _pieces(name, filed)
    return [f"## {say(name, language)}", quoted(pieces)] if pieces else []


def _pieces(name: str, filed: FiledCard) -> list[Piece]:
    if name == "ask":
        return filed.asks
    found = [piece.text for piece in filed.of("code")]
    if name == "exception":
        errors = [line for trace in found if (line := traces.error_line(trace))]
        return [Piece("code", errors[0])] if errors else []
    if name == "frame":
        frames = [lines for trace in found if (lines := traces.own_frame(trace))]
        return [Piece("code", "\n".join(frames[0]))] if frames else []
    return filed.of(name)


def _numbered(pieces: list[Piece], name: str, blanks: list[str]) -> list[str]:
    """Return a numbered form: each statement quoted, with the same blanks to fill."""
    forms = []
    for number, piece in enumerate(pieces, 1):
        quote = "\n".join(f"   {line}" for line in quoted([piece]).splitlines())
        forms.append(f"{number}. {name}\n\n{quote}\n\n" + "\n".join(blanks))
    return forms


def _questions(filed: FiledCard, *, gate: bool = False, notes: Iterable[str] = ()) -> Action:
    """Return the one comment: what the card does not say, and with `gate` how to say it."""
    language = filed.language
    blocks = [say("gate", language)] if gate else []
    blocks += notes
    if gate and language == OTHER:
        blocks.append(say("other_language", language))
    if filed.questions:
        blocks += [say("asks_open", language), "\n".join(f"- {line}" for line in filed.questions)]
    if gate:
        blocks.append(say("hint", language))
    content = "\n\n".join(blocks)[: _PROSE - 500].rstrip()
    return Action("comment", {"content": signed(content, filed)}, "s_gate" if gate else "s_questions" if filed.questions else "")


def _move(filed: FiledCard) -> Action | None:
    lane = _NEXT_LANE.get(str(filed.card.get("type")), 1)
    here = filed.card.get("lane_number", filed.card.get("lane"))
    if isinstance(here, int) and here >= lane:
        return None
    return Action("move_card", {"to_lane": lane, "reason": say("move_reason", filed.language)}, "s_moved")


# -- the planner


def _key(title: str) -> str:
    return " ".join(title.lower().split()).strip(" .。")


def _on_board(filed: FiledCard) -> set[str]:
    return {_key(str(card.get("title"))) for card in filed.siblings}


def _planned(filed: FiledCard) -> tuple[list[Piece], list[Piece]]:
    """Return the asks that become cards, and those that are cards already."""
    board = _on_board(filed) | {_key(filed.title)}
    asks = [ask for ask in filed.asks if not (ask.vague and filed.is_fault)]  # "please fix this" is the card itself
    return [ask for ask in asks if _card_key(ask, filed) not in board], [
        ask for ask in filed.asks if _card_key(ask, filed) in board
    ]


def _card_title(ask: Piece, filed: FiledCard) -> str:
    return plain_title(ask.line.rstrip(" .;,。；，"), filed.language)


def _card_key(ask: Piece, filed: FiledCard) -> str:
    return _key(_card_title(ask, filed))


def _cards(filed: FiledCard) -> list[list[Action]]:
    asks = _planned(filed)[0][:MAX_CARDS]
    priority = filed.card.get("priority")
    cards = [
        Action(
            "create_card",
            {
                "title": _card_title(ask, filed),
                "description": signed(quoted([ask])[: _PROSE - 500], filed),
                "type": "task",
                "priority": priority if priority in ("low", "medium", "high", "critical") else "medium",
                "lane": _BUILD_LANE,
                "ref": f"ask-{number}",
            },
            "s_cards",
        )
        for number, ask in enumerate(asks, 1)
    ]
    links = [
        Action("add_dependency", {"card": f"ask-{later + 1}", "depends_on": f"ask-{earlier + 1}", "type": "blocks"}, "")
        for later, earlier in dependencies([ask.line for ask in asks], filed.language)
    ]
    return [stage for stage in (cards, links) if stage]


def _planners_notes(filed: FiledCard) -> list[str]:
    new, known = _planned(filed)
    known = [ask for ask in known if _card_key(ask, filed) != _key(filed.title)]
    notes: list[str] = []
    for key, asks in (("on_board", known), ("left_out", new[MAX_CARDS:])):
        if asks:
            notes += [say(key, filed.language), quoted(asks)]
    return notes


def dependencies(asks: list[str], language: str) -> list[tuple[int, int]]:
    """Return pairs (later, earlier) of asks of which one says that it comes after the other: by its first word, or by naming it."""
    found = []
    words = [_words(ask) for ask in asks]
    for number, ask in enumerate(asks):
        low = ask.lower()
        if number and mark(language, "then").search(low):
            found.append((number, number - 1))
            continue
        for after in mark(language, "depends").finditer(low):
            clause = _words(" ".join(re.split(r"[,;:]|\. ", low[after.end() :])[0].split()[:6]))
            if language in ("zh", "ja"):  # the clause stands before its mark
                clause = _words(re.split(r"[，、。]", low[: after.start()])[-1])
            shared = {other: len(clause & words[other]) for other in range(len(asks)) if other != number}
            best = max(shared.values(), default=0)
            named = [other for other, count in shared.items() if count == best]
            if best and len(named) == 1 and named[0] < number:
                found.append((number, named[0]))
                break
    return found


def _words(text: str) -> set[str]:
    """Return what a text is recognized by: the stems of its longer words, or pairs of signs in Chinese and Japanese."""
    latin = {word[:5] for word in re.findall(r"[^\W\d_]{4,}", text.lower()) if word[0] < "\u2e80"}
    signs = re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]+", text)
    return latin | {run[start : start + 2] for run in signs for start in range(len(run) - 1)}
