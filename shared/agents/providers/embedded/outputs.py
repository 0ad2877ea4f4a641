"""What each agent makes of a filed card: a document, cards or a comment, and the tool calls for them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from shared.agents.providers.embedded import suiting, traces
from shared.agents.providers.embedded.blocks import COLON
from shared.agents.providers.embedded.filing import FiledCard, lines_with
from shared.agents.providers.embedded.language import OTHER
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.sentences import is_ask, is_question, weight
from shared.agents.providers.embedded.suiting import Output, is_report, outputs
from shared.agents.providers.embedded.tables import mark, table
from shared.agents.providers.embedded.wording import say, titled
from shared.core.texts import one_line

_MAX_ASKS: Final = 7  # above a checklist, as many as it has items
MAX_CARDS: Final = 30  # of one plan; what is left is named
_SHORTEST_TITLE: Final = 8  # bytes: what is left of a line must still say something
_TITLE, _PROSE = 200, 9_500  # characters, as the tools take them; a comment is signed
_LABEL: Final = re.compile(r"[|]|[^\s:：][^:：]{0,30}[:：]")  # of a form or a table
_BUILD_LANE: Final = 6
_LEAST_SAID: Final = 3  # words, that say by themselves what they are about
# what stands before the words of a title: a box, a bullet, a number or the key of a requirement
_FRONT: Final = re.compile(
    r"(?:\[[ xX]?\]\s*|\[?\d{1,2}[:.]\d\d(?:[:.]\d\d)?\]?\s+(?=[^\W\d][\w.-]*[:：]\s)|[-*•·]\s+|\(?\d{1,3}[.)]+\s+"
    r"|[A-Z]{1,4}[- ]?\d+(?:\.\d+)*[:.)]\s+)+"
)
_TIME: Final = re.compile(r"\W*\d{1,2}[:.h]\d\d")  # begins a line of a timeline
_BACK: Final = re.compile(r"[\s.;,。；，\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]+$")
_NAME: Final = re.compile(r"[^\W\d][\w.-]*[:：]\s*")  # who says a line of a chat
_TELLING: Final = ("problem", "context")
_NO_TASKS: Final = ("steps", "code", "link", "courtesy")  # of these the planner does not say that no card was made


@dataclass(frozen=True)
class Action:
    """A tool call, and the line of the summary that is true when it was accepted."""

    tool: str
    arguments: dict[str, Any]
    summary: str


def plan(role: str, filed: FiledCard) -> list[list[Action]]:
    """Return the tool calls of an agent in stages. Without a definite ask it only asks; a card that does not suit it gets one comment."""
    if not filed.is_explicit:
        return [[_comment(_gate(filed), filed, "s_gate")]]
    role = role if role in outputs() or role == "planner" else "general"
    if not suiting.suits(role, filed):
        return [[_comment([suiting.refusal(role, filed)], filed, "s_unsuited")]]
    stages = _cards(filed) if role == "planner" else [[_document(role, outputs()[role], filed)]]
    is_double = role == "ceo_copilot" and _key(filed.title) in _on_board(filed)
    notes = _planners_notes(filed) if role == "planner" else [say("same_title", filed.language)] if is_double else []
    asked = _questions(filed, role)
    if asked or notes:
        stages.append([_comment([*notes, *asked], filed, "s_questions" if asked else "")])
    if role == "ceo_copilot" and not is_double and (move := _move(filed)):
        stages.append([move])
    return stages


def quoted(pieces: Iterable[Piece]) -> str:
    """Return statements as one block quote, a paragraph for each; what introduces them stands before them, once."""
    paragraphs: list[list[str]] = []
    lead, in_table = "", False
    for piece in pieces:
        if piece.lead and piece.lead != lead:
            paragraphs.append([piece.lead])
        is_row = piece.text.startswith("|")
        indent = "    " if is_row or piece.kind == "code" else ""  # a block of code in Markdown
        lines = [indent + line for line in piece.text.splitlines()]
        if is_row and in_table:
            paragraphs[-1] += lines
        else:
            paragraphs.append(lines)
        lead, in_table = piece.lead, is_row
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


# -- documents


def _document(role: str, output: Output, filed: FiledCard) -> Action:
    language = filed.language
    heading = say(f"t_{role}", language)
    blocks = [f"# {heading}"]
    if language == OTHER:
        blocks.append(say("other_language", language))
    if output.whole:
        for name, body in _sections(output, filed):
            blocks += [f"## {say(name, language)}", *body]
        blocks += [f"## {say('checklist', language)}"] * bool(output.checks)
    elif asks := _wanted(filed)[:_MAX_ASKS]:
        blocks.append(quoted(asks))
    if output.checks:
        blocks += [say("needs_model", language), *_checklist(output, filed)]
    title = plain_title(titled(heading, filed.title, language), language)
    content = signed("\n\n".join(blocks), filed)
    summary = "s_document" if output.whole else "s_checklist"
    return Action("write_document", {"type": output.type, "title": title, "content": content}, summary)


def _wanted(filed: FiledCard) -> list[Piece]:
    """Return what stands above a checklist: of a fault what was expected, below the title if that is a bare value; what is asked for."""
    expected = filed.of("criterion") if filed.is_fault else []
    title = [filed.title_line] if expected and weight(expected[0].text) < _LEAST_SAID else []
    return [*title, *expected, *(one for one in filed.asks if not one.vague and one.line != filed.title)]


def _sections(output: Output, filed: FiledCard) -> Iterator[tuple[str, list[str]]]:
    """Yield the names and texts of the sections that have something: every line of the card, each in one of them."""
    found, led, order = _by_section(output, filed), {""}, table("agents")["order"]
    is_plan = "tests" in output.first
    head = [name for name in output.first if name in ("exception", "frame")] + order["report"] * is_report(filed)
    for name in dict.fromkeys([*head, *output.first, *order["usual"]]):
        is_form = name == "tests" and is_plan
        kind = name if not is_form else "criterion" if found["criterion"] else "ask"
        pieces = [replace(one, lead="") if one.lead in led else one for one in found.get(kind, ())]
        led |= {one.lead for one in pieces}
        if is_form:
            title = [Piece("title", filed.title)] if filed.title else []
            yield name, _tests(pieces or title, kind == "criterion", filed.language)
            found[kind] = []
        elif pieces:
            is_blank = name == "ask" and is_plan
            body = _numbered(pieces, [say("done_when", filed.language)]) if is_blank else [quoted(pieces)]
            yield _heading(name, found, filed), body


def _by_section(output: Output, filed: FiledCard) -> dict[str, list[Piece]]:
    """Return the lines of each section; what no section is for stands under `context`, and a greeting nowhere."""
    told = dict.fromkeys(background(filed))
    found: dict[str, list[Piece]] = {name: [] for name in table("agents")["order"]["usual"]}
    found |= {"problem": [*told], "ask": filed.asks}
    for piece in filed.pieces:
        if piece not in told and piece.kind not in ("ask", "courtesy"):
            found[piece.kind if piece.kind in found and piece.kind != "problem" else "context"].append(piece)
    if filed.kind == "inquiry":
        found["question"] += [one for one in filed.asks if is_question(one.text)]
        found["ask"] = [one for one in filed.asks if not is_question(one.text)]
    if "later" in output.first:
        found["later"] = lines_with("later", found["exclusion"], filed.language)
        found["exclusion"] = [one for one in found["exclusion"] if one not in found["later"]]
    if "exception" in output.first:
        logs = [piece.text for piece in filed.of("code")]
        errors = [line for log in logs if (line := traces.error_line(log))]
        frames = ["\n".join(lines) for log in logs if (lines := traces.own_frame(log))]
        found |= {"exception": [Piece("code", one) for one in errors[:1]], "frame": [Piece("code", one) for one in frames[:1]]}
    return found


def background(filed: FiledCard) -> list[Piece]:
    """Return what the card tells about today, with the lines around it; of a report all that happened, in the card's order."""
    report = is_report(filed)
    kinds = (*_TELLING, "limit") if report else _TELLING
    runs = [(tells, list(run)) for tells, run in groupby(filed.pieces, key=lambda one: one.kind in kinds)]
    told = [one for tells, run in runs if tells and (report or any(one.kind == "problem" for one in run)) for one in run]
    begins = runs[0][1] if runs and runs[0][0] else []  # with what does a card begin, if not with the reason for it
    is_reason = begins and begins[0] not in told and not any(_LABEL.match(one.text) for one in begins)
    return max(begins, told, key=_weight) if is_reason else told  # a lone "they don't know SQL" further below is less than that


def _weight(pieces: list[Piece]) -> float:
    return sum(weight(one.text) for one in pieces)


def _heading(name: str, found: dict[str, list[Piece]], filed: FiledCard) -> str:
    if name == "ask" and found.get("later"):
        return "first_version"
    if name == "problem" and is_report(filed):
        return "happened"
    return "expected" if name == "criterion" and filed.is_fault else name


def _tests(pieces: list[Piece], is_stated: bool, language: str) -> list[str]:
    """Return a form for each criterion; if none is stated, each ask, else the title, with the blank for one."""
    if not is_stated:
        return [say("no_criteria", language), *_numbered(pieces, [say("done_when", language)])]
    parts = [replace(one, text=part.strip()) for one in pieces for part in re.split(r"；|;\s", one.text) if part.strip()]
    return _numbered(parts, [say(key, language) for key in ("test_setup", "test_steps", "test_seen", "test_passed")])


def _numbered(pieces: list[Piece], blanks: list[str]) -> list[str]:
    """Return a numbered form: each statement quoted, with the same blanks to fill."""
    forms, lead = [], ""
    for number, piece in enumerate(pieces, 1):
        if piece.lead not in ("", lead):
            forms.append(f"> {piece.lead}")
        lead = piece.lead
        quote = quoted([replace(piece, lead="")]).replace("\n", "\n   ")
        forms.append(f"{number}. {quote}\n\n" + "\n".join(f"   - {blank}" for blank in blanks))
    return forms


def _checklist(output: Output, filed: FiledCard) -> Iterator[str]:
    """Yield the items that fit the card; a line of it stands before those for which it gives reason."""
    for line, names in suiting.fitting_checks(output, filed).items():
        if line:
            yield quoted([replace(line, lead="")])
        yield "\n".join(f"- [ ] {say(name, filed.language)}" for name in names)


# -- comments and moves


def _comment(blocks: list[str], filed: FiledCard, summary: str) -> Action:
    return Action("comment", {"content": signed("\n\n".join(blocks)[:_PROSE], filed)}, summary)


def _questions(filed: FiledCard, role: str = "planner") -> list[str]:
    """Return what an agent asks. A test plan has a place for how it is done, and an incident is over."""
    asks = role == "planner" or outputs()[role].questions
    knows_done = filed.is_explicit and (role == "qa" or is_report(filed))
    known = {say("q_done", filed.language)} if knows_done else set()
    lines = "\n".join(f"- {line}" for line in filed.questions if asks and line not in known)
    return [say("asks_open", filed.language), lines] if lines else []


def _gate(filed: FiledCard) -> list[str]:
    """Return what is said of a card that asks for nothing definite; questions that wait for an answer are not repeated."""
    language = filed.language
    gate = [say("gate", language), *([say("other_language", language)] if language == OTHER else [])]
    if filed.questions and set(filed.questions) <= filed.asked[0]:
        return [*gate, say("asked_before", language)]
    return [*gate, *_questions(filed), say("hint", language)]


def _move(filed: FiledCard) -> Action | None:
    kind = filed.kind
    lane = table("agents")["lanes"][kind]
    here = filed.card.get("lane_number", filed.card.get("lane"))
    if isinstance(here, int) and here >= lane:
        return None
    return Action("move_card", {"to_lane": lane, "reason": say(f"k_{kind}", filed.language)}, "s_moved")


# -- the planner


def _key(title: str) -> str:
    return " ".join(title.lower().split()).strip(" .。")


def _on_board(filed: FiledCard) -> set[str]:
    return {_key(str(card.get("title"))) for card in filed.siblings}


def _card_title(ask: Piece, filed: FiledCard) -> str:
    return plain_title(_BACK.sub("", _without_front(ask.line, filed)), filed.language)


def _without_front(line: str, filed: FiledCard) -> str:
    """Return a line without what is no part of a title: a box, a number, who says it in a chat, `and also please`."""
    words = _FRONT.sub("", line, count=1) if _FRONT.match(line) else line
    description = str(filed.card.get("description"))
    name, names = _NAME.match(words), re.findall(rf"^[\s\d:.\[\]]*({_NAME.pattern})", description, re.MULTILINE)
    if name and len(set(names)) < len(names):  # of a chat: somebody speaks twice
        words = words[name.end() :]
    opening = re.match(rf"(?:(?:{mark(filed.language, 'opening', strictly=True).pattern})[\s,:，、：]*)+", words.lower())
    rest = words[opening.end() :] if opening and len(words.lower()) == len(words) else words
    return rest if len(rest.encode()) > _SHORTEST_TITLE else line


def _planned(filed: FiledCard) -> tuple[list[list[Piece]], list[list[Piece]]]:
    """Return the asks that become cards, each with those that go on with it, and those that are cards already."""
    asks = [ask for ask in filed.asks if not (ask.vague and filed.is_fault)]  # "please fix this" is the card itself
    asks = [ask for ask in asks if not mark(filed.language, "no_card").search(ask.line.lower())]
    facts = [ask for ask in asks if _is_fact(ask, filed)]
    facts = facts if len(facts) * 2 < len(asks) else []  # else it is the card's way to write
    groups = _grouped([ask for ask in asks if ask not in facts and _key(ask.line) != _key(filed.title)], filed)
    board = _on_board(filed)
    known = [group for group in groups if _key(_card_title(group[0], filed)) in board]
    return [group for group in groups if group not in known], known


def _grouped(asks: list[Piece], filed: FiledCard) -> list[list[Piece]]:
    """Put a sentence that says nothing without the one before it in its paragraph, like `After that it ends`, with that one."""
    told, groups = " ".join(str(filed.card.get("description")).split()), list[list[Piece]]()
    for ask in asks:
        before = groups[-1][-1].line if groups else ""
        follows = before and any(f"{before}{space}{ask.line}" in told for space in ("", " "))
        is_part = follows and mark(filed.language, "refers", strictly=True).match(ask.line.lower())
        groups = [*groups[:-1], [*groups[-1], ask]] if is_part else [*groups, [ask]]
    return groups


def _is_fact(ask: Piece, filed: FiledCard) -> bool:
    """Tell whether a line is a label with a value, like `Tone: friendly`; `Page: add a button` is none."""
    line = _without_front(ask.line, filed)
    label = re.match(rf"[^\s:：]{{2,20}}{COLON}\s*", line)
    return label is not None and not is_ask(line[label.end() :], filed.language)


def _cards(filed: FiledCard) -> list[list[Action]]:
    groups = _planned(filed)[0][:MAX_CARDS]
    priority = filed.card.get("priority")
    cards = [
        Action(
            "create_card",
            {
                "title": _card_title(group[0], filed),
                "description": signed(quoted(_with_lead(group, filed))[:_PROSE], filed),
                "type": "task",
                "priority": priority if priority in ("low", "medium", "high", "critical") else "medium",
                "lane": _BUILD_LANE,
                "ref": f"ask-{number}",
            },
            "s_cards",
        )
        for number, group in enumerate(groups, 1)
    ]
    links = [
        Action("add_dependency", {"card": f"ask-{later + 1}", "depends_on": f"ask-{earlier + 1}", "type": "blocks"}, "")
        for later, earlier in dependencies([group[0].line for group in groups], filed.language)
    ]
    return [stage for stage in (cards, links) if stage]


def _with_lead(group: list[Piece], filed: FiledCard) -> list[Piece]:
    """Return the lines of a card; one that asks for nothing by itself, like a name, has what introduces it."""
    first, *others = group
    return [
        first if not is_ask(first.text, filed.language) else replace(first, lead=""),
        *(replace(one, lead="") for one in others),
    ]


def _planners_notes(filed: FiledCard) -> list[str]:
    """Return what else the card says: asks that are cards already, and lines that are nobody's task."""
    new, known = _planned(filed)
    made, title = {one for group in (*new[:MAX_CARDS], *known) for one in group}, _key(filed.title)
    told = (one for one in filed.pieces if one.kind not in _NO_TASKS and not _TIME.match(one.line))
    others = (one for one in told if one not in made and _key(one.line) != title)
    left = list(dict.fromkeys([*(one for group in new[MAX_CARDS:] for one in group), *others]))
    notes = [] if new or known else [say("no_cards", filed.language), say("hint", filed.language)]
    for key, lines in (("on_board", [one for group in known for one in group]), ("left_out", left)):
        notes += [say(key, filed.language), quoted(lines)] if lines else []
    return notes


def dependencies(asks: list[str], language: str) -> list[tuple[int, int]]:
    """Return pairs (later, earlier) of asks of which one says that it comes after the other: by its first word, or by naming it."""
    found, least = [], 2 if language in ("zh", "ja") else 1  # of two signs many are in many words
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
            if best >= least and len(named) == 1 and named[0] < number:
                found.append((number, named[0]))
                break
    return found


def _words(text: str) -> set[str]:
    """Return what a text is recognized by: the stems of its longer words, or pairs of signs in Chinese and Japanese."""
    latin = {word[:5] for word in re.findall(r"[^\W\d_]{4,}", text.lower()) if word[0] < "\u2e80"}
    signs = re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]+", text)
    return latin | {run[start : start + 2] for run in signs for start in range(len(run) - 1)}
