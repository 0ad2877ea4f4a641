"""Reading a card: its lines and sentences, each with its exact text and what kind it is. Nothing is rewritten."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Final

from shared.agents.providers.embedded.blocks import LONGEST, Block, blocks
from shared.agents.providers.embedded.tables import everywhere, headings, mark

_LABEL = re.compile(
    r"\s*(?:\*\*|__|【)?([^\n:：/|】]{2,50}?)(?:(?:\*\*|__)?[:：](?:\*\*|__)?(?:\s+|(?<=：))|】\s*)(\S.*)", re.DOTALL
)
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]+[」』”）]*")
_DATE = re.compile(r"\b\d{1,2}\.(?:\d{1,2}\.)?$")
_QUESTION = re.compile(r"[?？][\"'”’»)\]」』]*$|(?:吗|か)。?$")
_FACT = re.compile(r"^(?:\S+ )?\S+: ")  # `Start: 09:12` orders nothing
_LINK = re.compile(r"https?://\S+|www\.\S+")
_HANDLE = re.compile(r"(?<![\w.])@[\w-]{2,}|[\w.+-]+@[\w-]+\.\w+")
_CONCRETE = re.compile(r"\d|[\"“„«「`]|https?:")
_ANYWHERE: Final = ("en", "zh")  # in the other languages the verb that asks begins only list items
_MINOR: Final = ("context", "limit", "person", "link")  # what decides nothing about the lines beside it


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
def read(text: str, language: str, *, fault: bool = False, kind: str | None = None) -> tuple[Piece, ...]:
    """Return the statements of a text in order. `fault`: it reports something broken. `kind`: what a text without headings is."""
    return tuple(_Reader(language, fault, kind).read(blocks(text)))


def heading_kind(text: str, *, whole: bool = False) -> str | None:
    """Return the kind that a heading announces, by its beginning or as a `whole`."""
    plain = re.sub(r"^[^\w]+|^\d+[.)]\s*|[^\w]+$", "", text.strip().lower().replace("’", "'")).strip()
    if not plain or len(plain.split()) > 8:
        return None
    kind = next((kind for kind, found in headings() if (found.fullmatch(plain) if whole else found.match(plain))), None)
    return "exclusion" if kind == "ask" and everywhere("negation").search(plain) else kind  # `What we do not need`


def sentences(text: str, language: str = "en") -> list[str]:
    """Split a paragraph into its sentences; abbreviations, initials and dates do not end one."""
    found, start = [], 0
    for end in _END.finditer(text):
        piece = text[start : end.end()].strip()
        is_date = language == "de" and _DATE.search(piece) and text[end.end() :].strip()
        if piece and not is_date and not _abbreviation().search(piece):
            found.append(piece)
            start = end.end()
    rest = text[start:].strip()
    return [*found, rest] if rest else found


@cache
def _abbreviation() -> re.Pattern[str]:
    return re.compile(rf"(?:{everywhere('abbreviations').pattern}|\b[A-Z]|^\d{{1,3}})\.$", re.IGNORECASE)


class _Reader:
    """Goes through the blocks of a text; what a heading announces holds until the next one."""

    def __init__(self, language: str, fault: bool, kind: str | None) -> None:
        self.language, self.fault, self.base = language, fault, kind
        self.kind, self.lead = kind, ""
        self.weak = self.begun = False  # a weak heading (`Steps:`) ends with its list or paragraph
        self.parents: list[tuple[int, str, str | None]] = []  # the indent, lead and kind that an inner list ends with

    def read(self, found: tuple[Block, ...]) -> Iterator[Piece]:
        before = None
        for block, following in zip_longest(found, found[1:]):
            yield from self._block(block, before, following)
            self.begun = block.form != "heading" and (self.begun or not self._opened)
            before = block

    def _block(self, block: Block, before: Block | None, following: Block | None) -> Iterable[Piece]:
        self._opened = False
        fixed = {"code": "code", "row": "context", "scenario": "criterion"}.get(block.form)
        if fixed:
            return [Piece(fixed, block.text)]
        if block.form == "item":
            return self._item(block, following)
        if block.form == "heading" or _announces(block, before, following):
            self._open(block.text, weak=block.form != "heading")
            return []
        if (label := _LABEL.match(block.text)) and len(label[1].split()) <= 6 and (kind := self._announced(label[1])):
            return self._labelled(kind, block, label[2])
        if self.weak and ((block.gap and self.begun) or (before and before.form == "item" and not block.indent)):
            self._close()
        return self._file(sentences(block.text, self.language))

    def _open(self, text: str, *, weak: bool) -> None:
        """Begin what a heading announces. A weak one may be a sentence (`It must have:`): then its own kind counts, and it leads."""
        kind = self._announced(text)
        self.lead = text.strip() if weak and (kind is None or len(text.split()) > 4) else ""
        self.kind = None if weak else self.base
        if kind is None:
            own = self._kind_of(_low(text.rstrip(":：")), is_item=False)
            kind = None if own in _MINOR else own
        self.kind = kind or self.kind
        self.weak, self._opened, self.parents = weak, True, []

    def _announced(self, text: str) -> str | None:
        """Return what a heading announces; steps are those of a fault, else of the plan."""
        kind = heading_kind(text)
        return "ask" if kind == "steps" and not self.fault else kind

    def _close(self) -> None:
        self.kind, self.lead, self.weak = self.base, "", False

    def _labelled(self, kind: str, block: Block, rest: str) -> Iterator[Piece]:
        """File `Out of scope: the rest`: its first sentence is of the label's kind (of questions, each), what follows is read by itself."""
        outer = (None, "", False) if self.weak and block.gap else (self.kind, self.lead, self.weak)
        self.kind, self.lead, self.weak = kind, "", True
        whole = kind in ("person", "context", "link", "limit")  # `Owner: Ines` says more than `Ines`
        first, *others = [rest.strip()] if kind == "code" else sentences(block.text if whole else rest, self.language)
        yield from self._file([first])
        self.kind = kind if kind in ("question", "steps") else None
        yield from self._file(others)
        self.kind, self.lead, self.weak = outer

    def _item(self, block: Block, following: Block | None) -> list[Piece]:
        while self.parents and block.indent <= self.parents[-1][0]:
            _, self.lead, self.kind = self.parents.pop()
        if block.text.endswith((":", "：")) and following and following.form == "item" and following.indent > block.indent:
            self.parents.append((block.indent, self.lead, self.kind))
            kind = heading_kind(block.text) or self._kind_of(_low(block.text), is_item=True)
            self.kind, self.lead = (self.kind if kind in _MINOR else kind), block.text
            return []
        found = sentences(block.text, self.language)
        kinds = {self._kind_of(_low(one), is_item=True, mark=block.mark) for one in found} - {*_MINOR}
        return list(self._file([block.text] if len(kinds) <= 1 else found, block))

    def _file(self, found: list[str], item: Block | None = None) -> Iterator[Piece]:
        for text in found:
            low = _low(text)
            if everywhere("greeting").match(low) and re.fullmatch(
                rf"(?:{everywhere('greeting').pattern})(?: [\w'@]+){{0,2}}[,.!。！，、]*", low
            ):
                continue
            kind = self._kind_of(low, is_item=bool(item), mark=item.mark if item else "")
            vague = kind == "ask" and self.kind != "ask" and is_vague(low, self.language)
            if kind == "ask" and item and item.is_done:
                kind = "context"
            numbered = kind == "steps" and item and item.mark and text == item.text
            yield Piece(kind, f"{item.mark} {text}" if numbered and item else text, self.lead, vague)

    def _kind_of(self, low: str, *, is_item: bool, mark: str = "") -> str:
        """Return the kind of a sentence: by its form, by the section in which it stands, by its marks."""

        def has(*names: str) -> bool:
            return any(_has(low, name, self.language) for name in names)

        if _QUESTION.search(low) and self.kind not in ("criterion", "ask", "steps"):
            return "ask" if has("strict") and self.kind != "question" else "question"
        if self.kind in ("exclusion", "criterion", "steps", "question", "person", "link", "code"):
            return self.kind
        if everywhere("story").match(low) and has("strict"):
            return "ask"
        if _has(everywhere("purpose").split(low)[0], "exclusion", self.language):
            return "exclusion"
        if self.kind in ("ask", "limit"):
            return self.kind
        if self.kind in ("context", "problem"):
            return "ask" if has("strict") and not has("now") else self.kind
        if _is_scenario(low) or has("criterion"):
            return "criterion"
        if has("strict"):
            return "ask"
        if mark and self.fault:
            return "steps"
        order = _FACT.sub("", low)
        begins = _has(order, "start", self.language if is_item or self.language in _ANYWHERE else "en")
        if begins or has("modal") or (has("can") and not self.fault):
            return "problem" if has("now") else "ask"
        if has("problem"):
            return "problem"
        if is_item and not (self.fault or _LINK.fullmatch(low.strip()) or has("person")):
            return "ask"
        return "context" if is_item and self.fault else _fallback_kind(low, self.language)


def _announces(block: Block, before: Block | None, following: Block | None) -> bool:
    """Tell whether a paragraph is a heading without marks: of a list, of a form's answer, or a known one that stands alone."""
    line = block.text
    if "\n" in line or following is None:
        return line.endswith((":", "：")) and "\n" not in line
    if line.endswith((":", "：")) and len(line) <= 160:
        return True
    if len(line) > 60 or line[-1] in ".!。！,":
        return False
    if line[-1] in "?？":  # a form's question: `What happened?`
        return heading_kind(line) in ("criterion", "problem", "steps", "exclusion") and not following.gap
    if following.form == "item" and not following.gap:
        return bool(heading_kind(line)) or block.gap or before is None or before.form != "prose"
    return heading_kind(line, whole=True) is not None


def _low(text: str) -> str:
    return text[:LONGEST].lower().replace("’", "'").replace("\n", " ")


def _has(low: str, name: str, language: str) -> bool:
    return bool(mark(language, name).search(low))


def _fallback_kind(low: str, language: str) -> str:
    """Return what a sentence without any mark is: it names somebody, links, limits, or is context."""
    if _HANDLE.search(low) or _has(low, "person", language):
        return "person"
    if _LINK.search(low):
        return "link"
    return "limit" if _quantity().search(low) else "context"


@cache
def _quantity() -> re.Pattern[str]:
    return re.compile(rf"(?<![\d.,])\d[\d.,]*\s?(?:[%‰€$£¥°]|{everywhere('units').pattern})|[<>≤≥]=?\s?\d|[$€£¥]\s?\d")


def is_ask(text: str, language: str) -> bool:
    """Tell whether a line by itself, like a title, asks for something definite."""
    low = text.lower()
    asks = any(_has(low, name, language) for name in ("strict", "modal", "start"))
    return asks and not is_vague(low, language) and not _has(low, "problem", language)


def is_story(piece: Piece) -> bool:
    """Tell whether a wish says whose it is: `As a nurse, I want ...`."""
    return bool(everywhere("story").match(piece.text.lower()))


def is_vague(low: str, language: str) -> bool:
    """Tell whether a wish says only that something should be better, without a number, a quotation or a name."""
    return _has(low, "vague", language) and not _CONCRETE.search(low)


def _is_scenario(low: str) -> bool:
    return bool(
        everywhere("given").match(low)
        and re.search(rf"(?:{everywhere('when').pattern}).*(?:{everywhere('then_line').pattern})", low)
    )


def distinct(pieces: list[Piece]) -> Iterator[Piece]:
    """Yield the pieces without those that say the same again."""
    seen = set[str]()
    for piece in pieces:
        key = piece.line.lower().strip(" .!。")
        if key not in seen:
            seen.add(key)
            yield piece
