"""The filed card: its statements by kind, what it does not say, and whether it asks for anything definite."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from shared.agents.providers.embedded import language, reading, sentences, wording
from shared.agents.providers.embedded.blocks import blocks
from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.tables import ANY, mark, table

MAX_QUESTIONS: Final = 5
REPORTS: Final = ("bug", "incident")  # types of cards that report what has happened
_FIELDS: Final = {  # the card's texts, and what a line of them is if nothing else is said
    "description": None,
    "requirements": "ask",
    "user_stories": "ask",
    "acceptance_criteria": "criterion",
    "implementation_notes": "context",
}
_ERROR = re.compile(r"\b[45]\d\d\b|\b\w+(?:Error|Exception)\b|[“\"„«「『].{4,}[”\"“»」』]", re.IGNORECASE)
_VERSION = re.compile(r"\bv?\d+\.\d+")
_VALUES = re.compile(r"\d+[.,:]\d\d\b(?!\.?\d).+\b\d+[.,:]\d\d\b(?!\.?\d)")  # one that is shown, and one that is right
_TIME = re.compile(r"\d{1,2}:\d\d|\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class FiledCard:
    """A card as it was read, with its documents, the other cards of its board, and what people told the run."""

    card: Mapping[str, Any]
    documents: tuple[Mapping[str, Any], ...] = ()
    siblings: tuple[Mapping[str, Any], ...] = ()
    told: tuple[str, ...] = field(default=())

    @cached_property
    def title(self) -> str:
        return " ".join(str(self.card.get("title") or "").split())

    @cached_property
    def is_fault(self) -> bool:
        return self.card.get("type") == "bug"

    @cached_property
    def is_inquiry(self) -> bool:
        """Whether what the card asks for are answers: a spike or a study."""
        return any(mark(ANY, "inquiry").search(text.lower()) for text in (self.title, str(self.card.get("type") or "")))

    @cached_property
    def kind(self) -> str:
        """What the card is by its type; what is not known is taken for something new, like a `doc` that is about no text."""
        kind = str(self.card.get("type"))
        asks_questions = mark(ANY, "inquiry").search(kind) or any(sentences.is_question(one.text) for one in self.asks)
        if self.is_inquiry and kind not in REPORTS and asks_questions:
            return "inquiry"
        is_text = any(lines_with(one, self.asked_lines, self.language) for one in ("guide", "text"))
        return "feature" if kind not in table("agents")["suited"] or (kind == "doc" and not is_text) else kind

    @property
    def title_line(self) -> Piece:
        return Piece("title", self.title)

    @property
    def asked_lines(self) -> list[Piece]:
        return [*self.asks, self.title_line]

    @cached_property
    def language(self) -> str:
        texts = [self.title, *(str(self.card.get(name) or "") for name in _FIELDS), *self.told]
        return language.recognize("\n".join(one.text for text in texts for one in blocks(text) if one.form != "code"))

    @cached_property
    def comments(self) -> list[str]:
        """What people said about the card; not what agents did."""
        said = [one for one in self.card.get("comments") or () if isinstance(one, Mapping)]
        return [str(one.get("content") or "") for one in said if not _by_an_agent(one)]

    @cached_property
    def pieces(self) -> list[Piece]:
        """All statements of the card, its comments and what the run was told. Wishes of a card that is not explicit are problems."""
        if self.is_explicit:
            return self._read
        return [replace(piece, kind="problem") if piece.kind == "ask" else piece for piece in self._read]

    @cached_property
    def _read(self) -> list[Piece]:
        """All statements in the order of the texts, each once."""
        found: list[Piece] = []
        for name, kind in _FIELDS.items():
            asked = name == "description" and sentences.is_ask(self.title, self.language)
            found += reading.read(str(self.card.get(name) or ""), self.language, fault=self.is_fault, kind=kind, asked=asked)
        if self.is_inquiry:
            found = [replace(piece, kind="ask") if piece.kind == "question" else piece for piece in found]
        for text in [*self.comments, *self.told]:
            found += reading.read(text, self.language, fault=True)  # a comment's list is no list of wishes unless it says so
        once: dict[str, Piece] = {}
        for piece in found:
            once.setdefault(piece.line.lower().strip(" .!。"), piece)
        return self._only_line(list(once.values()))

    def _only_line(self, found: list[Piece]) -> list[Piece]:
        """Return the statements; what a card says that says only one thing is what it asks for."""
        told = [piece for piece in found if piece.kind != "courtesy"]
        is_wish = len(told) == 1 and told[0].kind in ("context", "limit") and sentences.weight(told[0].text) >= 3
        if self.is_fault or not is_wish or sentences.is_vague(f"{self.title} {told[0].text}".lower(), self.language):
            return found
        return [replace(piece, kind="ask") if piece is told[0] else piece for piece in found]

    @cached_property
    def asks(self) -> list[Piece]:
        """What is asked for: by the card's lines, else by its title, else by its own requirements document."""
        found = [piece for piece in self._read if piece.kind == "ask"]
        if any(not one.vague for one in found):
            return found
        if sentences.is_ask(self.title, self.language):
            return [Piece("ask", self.title), *found]
        own = [
            one
            for one in self._written
            if one.get("type") in ("prd", "mvp") and self.title.lower() in str(one.get("title")).lower()
        ]
        return [*(piece for piece in self._pieces_of(own if self.title else []) if piece.kind == "ask"), *found]

    def of(self, *kinds: str) -> list[Piece]:
        return [piece for piece in self.pieces if piece.kind in kinds]

    @cached_property
    def is_explicit(self) -> bool:
        """Whether there is anything definite to work on: an ask, a criterion, or a fault with evidence."""
        kinds = {piece.kind for piece in self._read}
        if "criterion" in kinds or (any(not one.vague for one in self.asks) and not self._is_a_mood):
            return True
        return self.is_fault and bool(kinds & {"code", "steps"} or self._has_evidence)

    @property
    def _has_evidence(self) -> bool:
        """Whether a fault's text shows an error word for word, or two values; what people are quoted with is none."""
        text = self.everything
        before = (text[: one.start()][-40:].lower() for one in _ERROR.finditer(text))
        return bool(_VALUES.search(text)) or any(not mark(self.language, "speech").search(one) for one in before)

    @property
    def _is_a_mood(self) -> bool:
        """Whether a short card without a list wishes only, by its title and without a number or a quotation, that something be better."""
        listed = any(one.form == "item" for one in blocks(str(self.card.get("description") or "")))
        title = self.title.lower()
        asks = " ".join(one.text.lower() for one in self.asks if one.text != self.title)
        is_short = sentences.weight(self.everything) < 80 and not listed
        return is_short and sentences.is_vague(asks or title, self.language) and bool(mark(self.language, "vague").search(title))

    @cached_property
    def questions(self) -> list[str]:
        """The lines of the table that ask for what is absent, at most five; none that was asked before and people have answered."""
        absent = _FAULT_ABSENT if self.is_fault else _ABSENT
        found = [wording.say(key, self.language) for key, is_absent in absent.items() if is_absent(self)]
        asked, answered = self.asked
        known = asked if self.is_explicit else answered  # a card that says nothing yet is asked again
        return [line for line in found if line not in known][:MAX_QUESTIONS]

    @cached_property
    def asked(self) -> tuple[set[str], set[str]]:
        """The questions of earlier comments of ours, and those after which a person wrote."""
        asked, answered = set[str](), set[str]()
        for one in self.card.get("comments") or ():
            text = str(one.get("content") or "") if isinstance(one, Mapping) else ""
            if wording.is_ours(text):
                asked |= {line.removeprefix("- ").strip() for line in text.splitlines()}
            elif text.strip() and not _by_an_agent(one):
                answered |= asked
        return asked, asked if self.told else answered

    @cached_property
    def _written(self) -> list[Mapping[str, Any]]:
        """The documents that people or language models wrote."""
        return [one for one in self.documents if not wording.is_ours(str(one.get("content") or ""))]

    def _pieces_of(self, documents: Iterable[Mapping[str, Any]]) -> Iterator[Piece]:
        for one in documents:
            yield from reading.read(str(one.get("content") or ""), self.language, fault=self.is_fault)

    @cached_property
    def everything(self) -> str:
        texts = [str(self.card.get(name) or "") for name in _FIELDS]
        return "\n".join(
            [self.title, *texts, *self.comments, *self.told, *(str(one.get("content") or "") for one in self._written)]
        )

    @property
    def is_brief(self) -> bool:
        return sentences.weight(self.everything) < 40

    def mentions(self, name: str) -> bool:
        return bool(mark(self.language, name).search(self.everything.lower()))

    def says(self, kind: str) -> bool:
        """Tell whether the card, its comments or its documents have a statement of this kind."""
        return bool(self.of(kind)) or any(piece.kind == kind for piece in self._pieces_of(self._written))


def lines_with(trait: str, pieces: Iterable[Piece], language: str) -> list[Piece]:
    """Return the lines with words of a trait; a line is about what the one that introduces it names, but not what that one does."""
    is_noun, pattern = trait not in table("agents")["words"]["asked"], mark(language, trait, "traits")
    return [one for one in pieces if pattern.search(f"{one.lead * is_noun} {one.line}".lower().strip())]


def _by_an_agent(comment: Mapping[str, Any]) -> bool:
    """Agents' comments are what they did, not what people want; the catalogue's names end alike."""
    author = comment.get("author")
    name = author.get("name") if isinstance(author, Mapping) else author
    return str(name or "").endswith(" Agent") or wording.is_ours(str(comment.get("content") or ""))


_ABSENT: Final[dict[str, Callable[[FiledCard], bool]]] = {
    "q_ask": lambda one: not one.is_explicit,
    "q_why": lambda one: not one.says("problem") and not one.mentions("why") and one.is_brief,
    "q_who": lambda one: (
        not one.of("person")
        and not one.mentions("who")
        and not any(mark(one.language, "story").match(ask.text.lower()) for ask in one.asks)
        and one.is_brief
    ),
    "q_done": lambda one: not one.says("criterion") and not one.mentions("tested") and not one.says("limit"),
    "q_scope": lambda one: not one.says("exclusion") and not one.mentions("bounded") and not one.mentions("negation"),
}
_FAULT_ABSENT: Final[dict[str, Callable[[FiledCard], bool]]] = {
    "q_steps": lambda one: not one.says("steps") and not one.mentions("doing"),
    "q_expected": lambda one: not one.says("criterion") and not one.mentions("modal") and not one.mentions("expected"),
    "q_error": lambda one: one.mentions("failed") and not one.of("code") and not _ERROR.search(one.everything),
    "q_where": lambda one: not one.of("code") and not one.mentions("where") and not _VERSION.search(one.everything),
    "q_since": lambda one: not one.mentions("since") and not _TIME.search(one.everything),
}
