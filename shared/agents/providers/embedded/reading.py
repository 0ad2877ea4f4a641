"""Reading a card: its lines and sentences, each with its exact text and what kind it is. Nothing is rewritten."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from shared.agents.providers.embedded.blocks import BOLD, COLON, SPOKEN, Block, blocks
from shared.agents.providers.embedded.sentences import has, heading_kind, is_only, is_vague, lowered, sentences
from shared.agents.providers.embedded.tables import phrase
from shared.agents.providers.embedded.votes import Before, Statement, elect, marks, place, start

_LABEL = re.compile(
    rf"\s*(?:\*\*|__|【)?([^\n:：/|】]{{2,50}}?)(?:(?:\*\*|__)?(?:{COLON}|:(?=\*\*|__))(?:\*\*|__)?\s*|】\s*)(\S.*)", re.DOTALL
)
_SIGNS: Final = {"exclusion": "❌🚫⛔🛑✗✘❎", "limit": "⏰⏱⏳📅🗓", "question": "❓❔", "person": "👤👩👨📞", "courtesy": "🙏🎉"}
_MINOR: Final = ("context", "limit", "person", "link", "courtesy")  # what decides nothing about the lines beside it
_WEAK, _NESTED = 8, 9  # levels below those of headings: a line before a list (`Steps:`), and an item before deeper ones


@dataclass(frozen=True)
class Piece:
    """A statement of a card. `text` is exact, with its line breaks; `lead` is the line that introduces it, unless that is a heading."""

    kind: str  # a kind of the tables' headings
    text: str
    lead: str = ""
    vague: bool = False

    @property
    def line(self) -> str:
        return " ".join(self.text.split())


@lru_cache(maxsize=256)  # every turn of a run reads the same texts again
def read(text: str, language: str, *, fault: bool = False, kind: str | None = None, asked: bool = False) -> tuple[Piece, ...]:
    """Return the statements of a text in order. `fault`: it reports something broken. `kind`: what a text without headings is.
    `asked`: a title above it asks for something."""
    found = statements(text, language, fault=fault, kind=kind)
    elected = decide(found, lambda one, before: elect(one, before, fault), asked=asked)
    pieces: list[Piece] = []
    for one, kind_of_one in elected:
        pieces.append(_piece(one, kind_of_one, language, after_vague=bool(pieces) and pieces[-1].vague))
    return tuple(pieces)


def statements(text: str, language: str, *, fault: bool, kind: str | None = None) -> list[Statement]:
    """Return the statements of a text with all that is known about them before their kinds are."""
    found = list(_Reader(language, fault, kind).read(blocks(text)))
    place(found)
    return found


def decide(found: list[Statement], choose: Callable[[Statement, Before], str], *, asked: bool) -> list[tuple[Statement, str]]:
    """Return statements with their kinds, chosen in order; of an item its sentences, if they are of different kinds."""
    decided: list[tuple[Statement, str]] = []
    before = start(asked=asked)
    for one in found:
        apart, last = [], before
        for part in one.parts:
            last = Before(choose(part, last), part)
            apart.append((part, last.kind))
        kinds = {kind for _, kind in apart if kind not in _MINOR}
        decided += apart if len(kinds) > 1 else [(one, choose(one, before))]
        before = Before(decided[-1][1], decided[-1][0])
    return decided


def _piece(one: Statement, kind: str, language: str, *, after_vague: bool) -> Piece:
    """Return a statement as a piece; what goes on with a vague wish and asks for nothing by itself is as vague."""
    goes_on = after_vague and not {"strict", "modal", "order", "start"} & {*one.facts}
    vague = kind == "ask" and one.section != "ask" and (goes_on or is_vague(lowered(one.text), language))
    text = f"{one.number} {one.text}" if kind == "steps" and one.number else one.text
    return Piece("context" if kind == "ask" and one.is_done else kind, text, one.lead, vague)


@dataclass(frozen=True)
class _Section:
    """What a heading announces, and the facts that it tells about what stands below. `form`: of its first block, an item, a full stop."""

    level: int = 0
    kind: str | None = None
    lead: str = ""
    facts: tuple[str, ...] = ()
    form: tuple[bool, bool] | None = None


class _Reader:
    """Goes through the blocks of a text; what a heading announces holds until one of its level."""

    def __init__(self, language: str, fault: bool, kind: str | None) -> None:
        self.language, self.fault = language, fault
        self.sections = [_Section(kind=kind)]
        self.columns: list[str | None] = []  # the kinds that the head of a table announces
        self.line = self.paragraph = 0
        self.signed = self.begun = self.asks_below = False

    @property
    def section(self) -> _Section:
        return self.sections[-1]

    def read(self, found: tuple[Block, ...]) -> Iterator[Statement]:
        around = list(zip((None, *found), found, (*found[1:], None), strict=False))
        heads = [_heads(block, before, following, self.language) for before, block, following in around]
        self.asks_below = any(head and self._announced(block.text) == "ask" for head, block in zip(heads, found, strict=True))
        for (before, block, following), is_head in zip(around, heads, strict=True):
            self.line += 1
            self.paragraph += is_head or block.gap or block.form == "code"
            is_courtesy = block.form == "prose" and self._is_courtesy(block, before, following)
            self.signed = self.signed and is_courtesy
            if is_courtesy:
                yield self._statement(block.text, block, given="courtesy")
            elif is_head:
                self._open(block)
            else:
                yield from self._block(block, before, following)
            self.begun = is_courtesy or not is_head

    def _block(self, block: Block, before: Block | None, following: Block | None) -> list[Statement]:
        if block.form in ("code", "scenario"):
            return [self._statement(block.text, block, given={"code": "code", "scenario": "criterion"}[block.form])]
        if block.form == "row":
            return [self._row(block, is_head=before is None or before.form != "row" or block.gap)]
        if block.form == "item":
            return self._item(block, following)
        if (label := _LABEL.match(block.text)) and len(label[1].split()) <= 6 and (kind := self._announced(label[1])):
            return self._labelled(kind, block, label[2])
        self._end_section(block, before)
        return [self._statement(one, block) for one in sentences(block.text, self.language)]

    def _statement(self, text: str, block: Block, *, given: str = "", form: str = "", kind: str | None = "") -> Statement:
        section = self.section
        if section.form is None:
            self.sections[-1] = replace(section, form=(block.form == "item", block.text[-1] in ".!。！"))
        form = form or ("number" if block.mark else block.form)
        kind = section.kind if kind == "" else kind
        one = Statement(text, self.line, self.paragraph, kind or "", form, section.lead, given, block.mark, block.is_done)
        if is_only(lowered(text), "greeting", self.language):
            one.given = one.given or "courtesy"
        if not one.given:
            one.facts = [*marks(text, self.language), *section.facts, *["asks below"] * self.asks_below]
            if self.fault and "only_quotation" in one.facts:  # what somebody is quoted with
                one.given = "problem"
        return one

    def _end_section(self, block: Block, before: Block | None) -> None:
        """End a section at prose that does not look like what is in it: after a list, or after an empty line."""
        section = self.section
        is_weak, apart = section.level >= _WEAK, block.gap and self.begun
        other = section.form not in (None, (False, block.text[-1] in ".!。！")) or (self.fault and section.level == BOLD)
        if is_weak and (
            (before and before.form == "item" and not block.indent) or (apart and (other or section.kind != "criterion"))
        ):
            self._close(_WEAK)
        elif apart and other and section.kind in ("criterion", "exclusion", "steps", "question"):
            self.sections[-1] = replace(section, kind=self.sections[0].kind, lead="", facts=())

    def _is_courtesy(self, block: Block, before: Block | None, following: Block | None) -> bool:
        """Tell whether a line is a greeting, a signature below one, or one of several lines of a mail's head."""
        low = lowered(block.text)
        if is_only(low, "closing", self.language):
            self.signed = True
            return True
        if is_only(low, "greeting", self.language) and self._announced(low) is None:
            return True
        if self.signed and not _LABEL.match(block.text) and not (block.gap and before and before.form != "prose"):
            return len(low.split()) <= 6 and len(low) <= 60 and low[-1] not in ":："
        head = phrase(self.language, r"<header>\s?[:：]")
        return bool(head.match(low)) and any(
            one and one.form == "prose" and head.match(lowered(one.text)) for one in (before, following)
        )

    def _row(self, block: Block, *, is_head: bool) -> Statement:
        """File a row of a table by its label, its columns' heads, or the section; without the number before it."""
        cells = [cell.strip() for cell in block.text.strip("| ").split("|")]
        if is_head:
            self.columns = [None if kind in _MINOR else kind for kind in map(self._announced, cells)]
        if is_head or SPOKEN.match(block.text):  # the latter is of a timeline
            return self._statement(block.text, block, given="context")
        column = next((kind for kind, cell in zip(self.columns, cells, strict=False) if kind and cell.strip("–—-")), None)
        kind = column or self.section.kind or "context"
        text = block.text if kind == "context" else re.sub(r"^[\W\d]*\|\s*|^\|\s*|\s*\|$", "", block.text)
        return self._statement(text, block, given=kind)

    def _open(self, block: Block) -> None:
        """Begin what a heading announces, or the one above it. A weak one may be a sentence: then it leads."""
        text, kind, is_weak = block.text, self._announced(block.text), block.form != "heading"
        self._close(_WEAK if is_weak else block.indent)
        is_said = is_weak and (kind is None or len(text.split()) > 4)
        leads = is_said or (kind == "problem" and has(lowered(text), "label", self.language))
        above = None if is_weak else self.section.kind
        self._begin(_WEAK if is_weak else block.indent, text, kind, above, leads=leads)

    def _begin(self, level: int, text: str, kind: str | None, above: str | None, *, leads: bool) -> None:
        """Begin a section; what its first line announces nothing of, the marks of that line may tell."""
        facts = () if kind else tuple(f"under {fact}" for fact in marks(text.rstrip(":："), self.language))
        self.sections.append(_Section(level, kind or above, text.strip() if leads else "", facts))

    def _close(self, level: int) -> None:
        while self.section.level >= level and len(self.sections) > 1:
            self.sections.pop()

    def _announced(self, text: str) -> str | None:
        """Return what a heading announces; steps are those of a fault or to see one again, else of the plan."""
        kind = heading_kind(text, self.language)
        name = {"steps": "plan", "problem": "result"}.get(kind or "")
        return "ask" if name and not self.fault and has(lowered(text), name, self.language) else kind

    def _labelled(self, kind: str, block: Block, rest: str) -> list[Statement]:
        """File `Out of scope: the rest`: its first sentence is of the label's kind (of questions, each), what follows is read by itself."""
        whole = kind in ("person", "context", "link", "limit", "problem")  # `Owner: Ines` says more than `Ines`
        first, *others = [rest.strip()] if kind == "code" else sentences(block.text if whole else rest, self.language)
        goes_on = kind if kind in ("question", "steps", "criterion") else None
        given = kind if kind == "problem" else ""
        return [
            self._statement(first, block, given=given, form="label", kind=kind),
            *(self._statement(one, block, form="after_label", kind=goes_on) for one in others),
        ]

    def _item(self, block: Block, following: Block | None) -> list[Statement]:
        self._close(_NESTED + block.indent)
        if block.text.endswith((":", "：")) and following and following.form == "item" and following.indent > block.indent:
            kind = heading_kind(block.text, self.language)
            self._begin(_NESTED + block.indent, block.text, None if kind in _MINOR else kind, self.section.kind, leads=True)
            return []
        if signed := next((kind for kind, signs in _SIGNS.items() if block.sign in signs), ""):
            return [self._statement(block.text, block, given=signed)]
        whole, found = self._statement(block.text, block), sentences(block.text, self.language)
        parts = [replace(self._statement(one, block, form="part"), number="") for one in found if len(found) > 1]
        return [replace(whole, parts=tuple(parts))]


def _heads(block: Block, before: Block | None, following: Block | None, language: str) -> bool:
    if block.form == "item":
        return _is_agenda(block, following)
    return block.form == "heading" or (block.form == "prose" and _announces(block, before, following, language))


def _is_agenda(block: Block, following: Block | None) -> bool:
    """Tell whether a numbered item is the heading of the lines that follow it, as in minutes."""
    below = (
        following is not None and following.form == "prose" and not following.gap and len(following.text) > 2 * len(block.text)
    )
    return bool(
        below and block.mark and len(block.text.split()) <= 5 and len(block.text) <= 40 and block.text[-1] not in ".!?。！？"
    )


def _announces(block: Block, before: Block | None, following: Block | None, language: str) -> bool:
    """Tell whether a paragraph is a heading without marks: of a list, of a form's answer, or a known one that stands alone."""
    line = block.text
    if "\n" in line or following is None:
        return line.endswith((":", "：")) and "\n" not in line
    if line.endswith((":", "：")) and len(line) <= 160:
        return True
    is_open = following.form == "item" or line[-1] not in ".!。！"
    if is_open and len(sentences(line, language)) == 1 and has(lowered(line), "follows", language):
        return True
    if len(line) > 60 or line[-1] in ".!。！," or _LABEL.match(line):
        return False
    apart = (block.gap or before is None) and len(line.split()) <= 5
    if not following.gap and (following.form == "item" or apart):
        return following.form == "item" or bool(heading_kind(line, language))
    return heading_kind(line, language, whole=True) is not None
