"""Reading a card: its lines and sentences, each with its exact text and what kind it is. Nothing is rewritten."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Final

from shared.agents.providers.embedded.blocks import COLON, SPOKEN, Block, blocks
from shared.agents.providers.embedded.sentences import (
    NAME,
    after_condition,
    bare,
    fallback_kind,
    has,
    heading_kind,
    is_link,
    is_only,
    is_vague,
    lowered,
    said,
    sentences,
    weight,
    without_purpose,
)
from shared.agents.providers.embedded.tables import mark, phrase

_LABEL = re.compile(
    rf"\s*(?:\*\*|__|【)?([^\n:：/|】]{{2,50}}?)(?:(?:\*\*|__)?(?:{COLON}|:(?=\*\*|__))(?:\*\*|__)?\s*|】\s*)(\S.*)", re.DOTALL
)
_QUESTION = re.compile(r"[?？][\"'”’»)\]」』]*$|(?:吗|か)。?$")
_QUOTE: Final = re.compile(r"[\"“„«「『].{4,}(?:[\"”“»」』]\W*|$)")
_ANYWHERE: Final = ("en", "zh")  # in the other languages the verb that asks begins only list items
_SIGNS: Final = {"exclusion": "❌🚫⛔🛑✗✘❎", "limit": "⏰⏱⏳📅🗓", "question": "❓❔", "person": "👤👩👨📞", "courtesy": "🙏🎉"}
_TIMED = re.compile(
    r"\W*(?:[^\W\d]{2,10}\.? )?\d{1,2}[:.h]\d\d(?:[:.]\d\d)?\b(?!\]? ?[^\W\d][\w.-]*(?: [\w.-]+){0,2}(?: \([^)]{1,30}\))?[:：])"
)  # of a timeline
_MINOR: Final = ("context", "limit", "person", "link", "courtesy")  # what decides nothing about the lines beside it


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
    return tuple(_Reader(language, fault, kind, asked).read(blocks(text)))


class _Reader:
    """Goes through the blocks of a text; what a heading announces holds until the next one."""

    def __init__(self, language: str, fault: bool, kind: str | None, asked: bool) -> None:
        self.language, self.fault, self.base, self.asked = language, fault, kind, asked
        self.kind, self.lead = kind, ""
        self.weak = self.begun = False  # a weak heading (`Steps:`) ends with its list or paragraph
        self.form: tuple[bool, bool] | None = None  # of the first block below a heading: an item, with a full stop
        self.outer: list[tuple[int, str | None]] = []  # the levels and kinds of the headings above
        self.parents: list[tuple[int, str, str | None]] = []  # the indent, lead and kind that an inner list ends with
        self.columns: list[str | None] = []  # the kinds that the head of a table announces
        self.signed = self.asks_below = self.loose = False

    def read(self, found: tuple[Block, ...]) -> list[Piece]:
        rows: list[_Row] = []
        around = list(zip((None, *found), found, (*found[1:], None), strict=False))
        self.asks_below = any(
            _heads(block, before, following, self.language) and self._announced(block.text) == "ask"
            for before, block, following in around
        )
        paragraph = 0
        for before, block, following in around:
            paragraph += block.gap or block.form == "code"
            self.loose = True
            pieces = list(self._block(block, before, following))
            paragraph += self._opened
            form = block.form if self.kind is None and self.loose else ""
            rows += [_Row(piece, paragraph, block.text, form, self.language) for piece in pieces]
            self.begun = not self._opened
        if not self.fault:
            _among_asks(rows, self.asked)
        _first_problem(rows, fault=self.fault)
        return [row.piece for row in rows]

    def _block(self, block: Block, before: Block | None, following: Block | None) -> Iterable[Piece]:
        self._opened = False
        if block.form in ("code", "scenario"):
            self.form = self.form or (False, False)
            return [Piece({"code": "code", "scenario": "criterion"}[block.form], block.text)]
        if block.form == "row":
            return [self._row(block, is_head=before is None or before.form != "row" or block.gap)]
        if block.form == "prose" and self._is_courtesy(block, before, following):
            return [Piece("courtesy", block.text)]
        self.signed = False
        if block.form == "item" and not _is_agenda(block, following):
            self.form = self.form or (True, False)
            return self._item(block, following)
        if _heads(block, before, following, self.language):
            self._open(block, weak=block.form != "heading")
            return []
        if (label := _LABEL.match(block.text)) and len(label[1].split()) <= 6 and (kind := self._announced(label[1])):
            return self._labelled(kind, block, label[2])
        self._end_section(block, before)
        return self._file(sentences(block.text, self.language))

    def _end_section(self, block: Block, before: Block | None) -> None:
        """End a section at prose that does not look like what is in it: after a list, or after an empty line."""
        form = (False, block.text[-1] in ".!。！")
        self.form = self.form or form
        listed = self.kind in ("criterion", "exclusion", "steps", "question")
        after_list = self.weak and before and before.form == "item" and not block.indent
        apart = block.gap and self.begun
        if after_list or (apart and ((listed and self.form != form) or (self.weak and self.kind != "criterion"))):
            self.kind, self.lead, self.weak = self.base, "", False

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

    def _row(self, block: Block, *, is_head: bool) -> Piece:
        """File a row of a table by its label, its columns' heads, or the section; without the number before it."""
        cells = [cell.strip() for cell in block.text.strip("| ").split("|")]
        kinds = [None if kind in _MINOR else kind for kind in map(self._announced, cells)]
        if is_head:
            self.columns = kinds
        if is_head or SPOKEN.match(block.text):  # the latter is of a timeline
            return Piece("context", block.text)
        column = next((kind for kind, cell in zip(self.columns, cells, strict=False) if kind and cell.strip("–—-")), None)
        kind = column or self.kind or "context"
        return Piece(kind, block.text if kind == "context" else re.sub(r"^[\W\d]*\|\s*|^\|\s*|\s*\|$", "", block.text))

    def _open(self, block: Block, *, weak: bool) -> None:
        """Begin what a heading announces, or the one above it. A weak one may be a sentence: then its own kind counts, and it leads."""
        text = block.text
        kind = self._announced(text)
        is_said = weak and (kind is None or len(text.split()) > 4)
        self.lead = text.strip() if is_said or (kind == "problem" and has(lowered(text), "label", self.language)) else ""
        self.kind = None if weak else self.base
        if not weak:
            self.outer = [one for one in self.outer if one[0] < block.indent]
            kind = kind or next((above for _, above in reversed(self.outer) if above), None)
            self.outer.append((block.indent, kind))
        if kind is None:
            own = self._kind_of(lowered(text.rstrip(":：")), is_item=False)
            kind = None if own in _MINOR else own
        self.kind = kind or self.kind
        self.weak, self._opened, self.parents, self.form = weak, True, [], None

    def _announced(self, text: str) -> str | None:
        """Return what a heading announces; steps are those of a fault or to see one again, else of the plan."""
        kind = heading_kind(text, self.language)
        name = {"steps": "plan", "problem": "result"}.get(kind or "")
        return "ask" if name and not self.fault and has(lowered(text), name, self.language) else kind

    def _labelled(self, kind: str, block: Block, rest: str) -> Iterator[Piece]:
        """File `Out of scope: the rest`: its first sentence is of the label's kind (of questions, each), what follows is read by itself."""
        outer = (None, "", False) if self.weak and block.gap else (self.kind, self.lead, self.weak)
        self.kind, self.lead, self.weak, self.loose = kind, "", True, kind == "ask"
        whole = kind in ("person", "context", "link", "limit", "problem")  # `Owner: Ines` says more than `Ines`
        first, *others = [rest.strip()] if kind == "code" else sentences(block.text if whole else rest, self.language)
        yield from [Piece(kind, first)] if kind == "problem" else self._file([first])
        self.kind = kind if kind in ("question", "steps", "criterion") else None
        yield from self._file(others)
        self.kind, self.lead, self.weak = outer

    def _item(self, block: Block, following: Block | None) -> list[Piece]:
        while self.parents and block.indent <= self.parents[-1][0]:
            _, self.lead, self.kind = self.parents.pop()
        if block.text.endswith((":", "：")) and following and following.form == "item" and following.indent > block.indent:
            self.parents.append((block.indent, self.lead, self.kind))
            kind = heading_kind(block.text, self.language) or self._kind_of(lowered(block.text), is_item=True)
            self.kind, self.lead = (self.kind if kind in _MINOR else kind), block.text
            return []
        if signed := next((kind for kind, signs in _SIGNS.items() if block.sign in signs), None):
            return [Piece(signed, block.text, self.lead)]
        found = sentences(block.text, self.language)
        kinds = {self._kind_of(lowered(one), is_item=True, number=block.mark) for one in found} - {*_MINOR}
        return list(self._file([block.text] if len(kinds) <= 1 else found, block))

    def _file(self, found: list[str], item: Block | None = None) -> Iterator[Piece]:
        for text in found:
            low = lowered(text)
            kind = self._kind_of(low, is_item=bool(item), number=item.mark if item else "")
            vague = kind == "ask" and self.kind != "ask" and is_vague(low, self.language)
            if kind == "ask" and item and item.is_done:
                kind = "context"
            numbered = kind == "steps" and item and item.mark and text == item.text
            yield Piece(kind, f"{item.mark} {text}" if numbered and item else text, self.lead, vague)

    def _main_part(self, low: str) -> str:
        """Return a sentence without its purpose, among asks also without its later clauses: `Show the price, no need to log in`."""
        main = without_purpose(low, self.language)
        first = re.split(r"[,;，；]", main)[0]
        return first if self.kind == "ask" and weight(first) > 1 else main

    def _kind_of(self, low: str, *, is_item: bool, number: str = "") -> str:
        """Return the kind of a sentence: by its form, by the section in which it stands, by its marks."""
        whole, low = low, bare(low, self.language)

        def marked(*names: str) -> bool:
            return any(has(low, name, self.language) for name in names)

        if (
            not low
            or is_only(low, "greeting", self.language)
            or (marked("courtesy") and self.kind in (None, "context", "problem"))
        ):
            return "courtesy"
        if _QUESTION.search(low) and self.kind not in ("criterion", "ask", "steps"):
            return "ask" if marked("polite") and self.kind != "question" else "question"
        if self.kind in ("exclusion", "criterion", "steps", "question", "person", "link", "code"):
            return self.kind
        if self._is_speech(whole) and not marked("strict"):
            return "problem"
        if _TIMED.match(whole) and self.kind != "ask":
            return "problem" if marked("problem") else "context"
        expected = mark(self.language, "expected").search(low) if self.fault else None
        if expected and expected.start() < 4:
            return "criterion"
        parts = [self._main_part(one) for one in (whole, low, *low.split(" / "))]
        left_out = ("exclusion",) if self.fault else ("exclusion", "put_off")  # of a fault `skipped` may be what happens
        clause = "" if self.fault or mark(self.language, "case").match(low) else re.split(r"[,;，；]", low)[0]
        happened = marked("past") and not marked("decided")  # what was not done yesterday is a fact
        if not happened and (
            any(has(part, name, self.language) for part in parts for name in left_out)
            or mark(self.language, "exclusion").match(clause)
        ):
            return "exclusion"
        if self.kind in ("ask", "limit"):
            return self.kind
        if self.kind in ("context", "problem"):
            return "ask" if marked("strict") and not marked("now") else self.kind
        if marked("criterion") or has(whole, "criterion", self.language) or (self.fault and marked("expected")):
            return "criterion"
        if marked("due"):
            return "limit"
        if marked("strict"):
            return "ask"
        if number and self.fault:
            return "steps"
        is_led = bool(mark(self.language, "more").match(said(whole, self.language)))  # `And warn the farmer`
        begins = self._begins(low, is_item=is_item or is_led) or (
            not self.fault and self._begins(after_condition(low, self.language), is_item=is_item)
        )
        elsewhere = self.asks_below and not is_item and self.kind is None
        if not elsewhere and (begins or marked("modal") or (marked("can") and not self.fault)):
            return "problem" if marked("now") else "ask"
        if marked("problem"):
            return "problem"
        if is_item and not (self.fault or self.asks_below or marked("fact") or is_link(low) or marked("person")):
            return "ask"
        return "context" if is_item and self.fault else fallback_kind(low, self.language)

    def _is_speech(self, low: str) -> bool:
        """Tell whether a sentence is what somebody is quoted with: after `she said`, in a fault as a whole line."""
        quote = _QUOTE.search(low)
        if quote is None:
            return False
        return (self.fault and quote[0] == low) or bool(mark(self.language, "speech").search(low[: quote.start()]))

    def _begins(self, low: str, *, is_item: bool) -> bool:
        """Tell whether a sentence begins like a request: with a verb, or with what is to be made."""
        anywhere = is_item or self.language in _ANYWHERE or not self.fault
        begins = has(low, "start", self.language if anywhere else "en")
        return begins or (not self.fault and has(low, "order", self.language, strictly=True))


@dataclass
class _Row:
    """A piece with the number of its paragraph and its line; `form` is that of a line below no heading."""

    piece: Piece
    paragraph: int
    line: str
    form: str
    language: str

    def become(self, kind: str) -> None:
        self.piece = replace(self.piece, kind=kind)

    def has(self, *names: str) -> bool:
        return any(has(lowered(self.piece.text), name, self.language) for name in names)

    @property
    def may_be_rule(self) -> bool:
        """Whether a statement may be a rule among rules: it has no mark, or says `if` before what looks like a problem."""
        kind, case = self.piece.kind, mark(self.language, "case")
        return self.form == "prose" and (
            kind in ("context", "limit", "person") or (kind == "problem" and bool(case.match(self.piece.text.lower())))
        )

    @property
    def is_rule(self) -> bool:
        main = re.split(r" [-–—] |;", without_purpose(lowered(self.piece.text), self.language))[0]
        return self.may_be_rule and has(main, "rule", self.language) and not has(main, "habit", self.language, strictly=True)

    @property
    def words(self) -> str:
        return said(lowered(self.piece.text), self.language)


def _among_asks(rows: list[_Row], asked: bool) -> None:
    """Make asks of what goes on with one, of rules in a chat, and of a paragraph below the first of which half are rules."""
    if asked and rows and rows[0].may_be_rule and mark(rows[0].language, "more").match(rows[0].words):
        rows[0].become("ask")
    rules = [row for row in rows if row.is_rule]
    for before, row in zip([None, *rows], rows, strict=False):
        answers = before and before.piece.kind == "question" and row.form == "prose"
        if answers and mark(row.language, "denial").search(row.words[:25]):
            row.become("exclusion")
        in_chat = row in rules and row.piece.kind != "problem" and NAME.search(row.line[:30].lower())
        if row.may_be_rule and (in_chat or (before and _goes_on(before, row))):
            row.become("ask")
    told = (row for row in rows if row.piece.kind != "courtesy")  # a greeting is no first paragraph
    for group in [list(found) for _, found in groupby(told, lambda row: row.paragraph)][1:]:
        may_be = [row for row in group if row.may_be_rule]
        is_letter = any(row.piece.kind == "problem" and row not in rules for row in group)
        if not is_letter and 2 <= len([row for row in may_be if row in rules]) >= len(may_be) / 2:
            for row in may_be:
                row.become("ask")


def _goes_on(before: _Row, row: _Row) -> bool:
    """Tell whether a statement goes on with what is asked for: a rule, an `and`, or what is told in the same paragraph."""
    if before.piece.kind not in ("ask", "criterion") or before.piece.vague:
        return False
    if row.is_rule or mark(row.language, "more").match(row.words):
        return True
    together = before.piece.kind == "ask" and (before.paragraph, before.line) == (row.paragraph, row.line)
    return together and row.piece.kind in ("context", "limit") and not row.has("fact", "habit", "now", "due", "problem")


def _first_problem(rows: list[_Row], *, fault: bool) -> None:
    """Without any problem, the first statement before what is asked for says what is wrong or why."""
    kinds = [row.piece.kind for row in rows]
    asked = next(
        (number for number, kind in enumerate(kinds) if kind in ("ask", "criterion", "steps")), len(rows) if fault else 0
    )
    if "problem" not in kinds:
        told = (row for row in rows[:asked] if row.form == "prose" and row.piece.kind in ("context", "limit"))
        for row in [row for row in told if weight(row.piece.text) >= 5][:1]:
            row.become("problem")


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
