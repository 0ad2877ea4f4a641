"""Reading a card: its lines and sentences, each with its exact text and what kind it is. Nothing is rewritten."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from shared.agents.providers.embedded.blocks import Block, blocks
from shared.agents.providers.embedded.sentences import Statement, decide, has, heading_kind, is_vague, lowered, marks, sentences
from shared.agents.providers.embedded.tables import pattern, table

_MINOR: Final = ("context", "limit", "person", "link", "courtesy")  # what decides nothing about the lines beside it
_LABELS: Final = ("person", "context", "link", "limit", "problem")  # `Owner: Ines` says more than `Ines`


@dataclass(frozen=True)
class Piece:
    """A statement of a card. `text` is exact, with its line breaks; `lead` is the line that introduces it, unless that is a heading."""

    kind: str  # a kind of the tables' headings
    text: str
    lead: str = ""
    vague: bool = False
    form: str = ""  # where it stands: in a line of prose, an item, a row, a step of a plan

    @property
    def line(self) -> str:
        return " ".join(self.text.split())


@lru_cache(maxsize=256)  # every turn of a run reads the same texts again
def read(text: str, language: str, *, fault: bool = False, kind: str = "", asked: bool = False) -> tuple[Piece, ...]:
    """Return the statements of a text in order. `fault`: it reports something broken. `kind`: of a text without headings.
    `asked`: a title above it asks for something."""
    pieces: list[Piece] = []
    for one, elected in decide(statements(text, language, fault=fault, kind=kind), fault=fault, asked=asked):
        asks = not {"strict", "modal", "order", "start"}.isdisjoint(one.facts)
        goes_on = bool(pieces) and pieces[-1].vague and not asks  # with a vague wish: it is as vague
        vague = elected == "ask" and one.section != "ask" and (goes_on or is_vague(lowered(one.text), language))
        exact = f"{one.block.mark} {one.text}" if elected == "steps" and one.block.mark else one.text
        lead = one.lead if one.section in ("", elected) else ""  # a line that leads steps says nothing about what is expected
        is_done = elected == "ask" and one.block.is_done
        pieces.append(Piece("context" if is_done else elected, exact, lead, vague, one.form))
    return tuple(pieces)


def statements(text: str, language: str, *, fault: bool, kind: str = "") -> list[Statement]:
    """Return the statements of a text with all that is known about them before their kinds are."""
    return list(_Reader(language, fault, kind).read(blocks(text)))


@dataclass(frozen=True)
class _Section:
    """What a heading announces, the line that leads what stands below, and the facts that it tells about that."""

    level: int = 0
    kind: str = ""
    lead: str = ""
    facts: tuple[str, ...] = ()


class _Reader:
    """Goes through the blocks of a text; what a heading announces holds until one of its level."""

    def __init__(self, language: str, fault: bool, kind: str) -> None:
        self.language, self.fault = language, fault
        self.sections = [_Section(kind=kind)]
        self.columns: list[str | None] = []  # the kinds that the head of a table announces
        self.signed = self.asks_below = False

    @property
    def section(self) -> _Section:
        return self.sections[-1]

    def read(self, found: tuple[Block, ...]) -> Iterator[Statement]:
        heads = [_announces(block, following, self.language) for block, following in zip(found, (*found[1:], None), strict=False)]
        announced = [self._announced(block.text) for block, is_head in zip(found, heads, strict=True) if is_head]
        self.asks_below = bool({"ask", "plan"} & {*announced})
        before: Block | None = None
        for block, is_head in zip(found, heads, strict=True):
            self.signed = block.form == "prose" and self._is_courtesy(block)
            closes = not self.signed and (is_head or block.form == "item")
            while closes and self.section.level >= block.level and len(self.sections) > 1:
                self.sections.pop()
            if self.signed:
                yield self._statement(block.text, block, given="courtesy")
            elif is_head:
                self._open(block)
            else:
                yield from self._block(block, before)
            before = None if is_head else block

    def _block(self, block: Block, before: Block | None) -> list[Statement]:
        if block.form in ("code", "scenario"):
            return [self._statement(block.text, block, given={"code": "code", "scenario": "criterion"}[block.form])]
        if block.form == "row":
            return [self._row(block, is_head=before is None or before.form != "row" or block.gap)]
        if block.form == "item":
            sign = next((kind for kind, signs in table("reader")["before"].items() if block.sign in signs), "")
            return [self._statement(block.text, block, given=sign)]
        label = pattern("label").match(block.text)
        if label and len(label[1].split()) <= 6 and (kind := self._announced(label[1])):
            first, *others = sentences(block.text if kind in _LABELS else label[2].strip(), self.language)
            one = self._statement(first, block, given=kind if kind == "problem" else "", form="label", kind=kind)
            return [one, *(self._statement(other, block, form="after_label", kind="") for other in others)]
        if block.gap and before and self.section.kind in ("criterion", "exclusion", "steps", "question"):
            self.sections.append(_Section(self.section.level))  # a paragraph apart is no part of what the heading announces
        return [self._statement(one, block) for one in sentences(block.text, self.language)]

    def _statement(self, text: str, block: Block, *, given: str = "", form: str = "", kind: str | None = None) -> Statement:
        """Return a statement of a block; `kind` is announced by its label, if it has one."""
        section = self.section if kind is None else _Section(kind=kind, facts=self.section.facts)
        one = Statement(text, block, section.kind, form or ("number" if block.mark else block.form), section.lead, given)
        if section.kind == "plan":
            one.section, one.form = "ask", "step" if block.mark else one.form
        one.facts = [*marks(text, self.language), *section.facts, *["asks below"] * self.asks_below] if not given else []
        if self.fault and "only_quotation" in one.facts:  # what somebody is quoted with
            one.given = "problem"
        return one

    def _is_courtesy(self, block: Block) -> bool:
        """Tell whether a line is a greeting, or a short one below a greeting or a signature."""
        low = lowered(block.text)
        is_below = self.signed and not block.gap and len(low.split()) <= 6 and low[-1] not in ".:：。"
        greets, closes = (pattern(f"only_{name}", self.language).fullmatch(low) for name in ("greeting", "closing"))
        return bool((is_below and not pattern("label").match(low)) or (greets and self._announced(low) is None) or closes)

    def _row(self, block: Block, *, is_head: bool) -> Statement:
        """File a row of a table by its columns' heads or the section; without the number before it."""
        cells = [cell.strip() for cell in block.text.strip("| ").split("|")]
        if is_head:
            self.columns = [None if kind in _MINOR else kind for kind in map(self._announced, cells)]
        column = next((kind for kind, cell in zip(self.columns, cells, strict=False) if kind and cell.strip("–—-")), "")
        kind = "context" if is_head or pattern("timeline").match(block.text) else column or self.section.kind or "context"
        return self._statement(block.text if kind == "context" else pattern("row_ends").sub("", block.text), block, given=kind)

    def _open(self, block: Block) -> None:
        """Begin what a heading announces, or the one above it. A weak one may be a sentence: then it leads."""
        text, kind, is_weak = block.text, self._announced(block.text), block.form != "heading"
        above = "" if block.form == "prose" else self.section.kind
        leads = is_weak if kind is None else (is_weak and len(text.split()) > 4) or has(lowered(text), "label", self.language)
        facts = () if kind else tuple(f"under {fact}" for fact in marks(text.rstrip(":："), self.language))
        self.sections.append(_Section(block.level, kind or above, text.strip() if leads else "", facts))

    def _announced(self, text: str) -> str | None:
        """Return what a heading announces; steps that are not those of a fault are a plan."""
        kind, low = heading_kind(text, self.language), lowered(text)
        if not self.fault and kind in ("steps", "ask") and has(low, "plan", self.language):
            return "plan"
        return "ask" if not self.fault and kind == "problem" and has(low, "result", self.language) else kind


def _announces(block: Block, following: Block | None, language: str) -> bool:
    """Tell whether a block is a heading, with marks or without: of a list, of deeper items, or a known one that stands alone."""
    line, is_lead = block.text, block.text.endswith((":", "："))
    is_above = following is not None and following.form == "item" and following.level > block.level
    if block.form == "item":
        return is_above and is_lead
    if block.form != "prose" or "\n" in line or is_lead:
        return block.form == "heading" or (block.form == "prose" and "\n" not in line and (len(line) <= 160 or following is None))
    if following is None or len(line) > 60 or line[-1] in ".!。！," or pattern("label").match(line):
        return False
    is_apart = block.gap and not following.gap and len(line.split()) <= 5
    return (is_above and not following.gap) or heading_kind(line, language, whole=not is_apart) is not None
