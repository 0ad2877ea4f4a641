"""The filed card: its statements by kind, what it does not say, and whether it asks for anything definite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from shared.agents.providers.embedded.blocks import blocks
from shared.agents.providers.embedded.reading import Piece, read
from shared.agents.providers.embedded.sentences import has, is_ask, is_question, is_vague, weight
from shared.agents.providers.embedded.tables import ANY, keys, mark, pattern, recognize, say, table

MAX_QUESTIONS: Final = 5
REPORTS: Final = ("bug", "incident")  # types of cards that report what has happened
_PROSE: Final = ("", "prose", "label", "after_label")  # forms of lines that may be no more than a mood
_BRIEF: Final = 40  # words of a card that may leave out whom it is for, and why


@dataclass(frozen=True)
class FiledCard:
    """A card as it was read, with its documents, the other cards of its board, and what people told the run."""

    card: Mapping[str, Any]
    documents: tuple[Mapping[str, Any], ...] = ()
    siblings: tuple[Mapping[str, Any], ...] = ()
    told: tuple[str, ...] = ()

    @cached_property
    def title(self) -> str:
        return " ".join(str(self.card.get("title") or "").split())

    @property
    def title_line(self) -> Piece:
        return Piece("title", self.title)

    @cached_property
    def texts(self) -> dict[str, str]:
        return {name: str(self.card.get(name) or "") for name in table("reader")["fields"]}

    @cached_property
    def spoken(self) -> list[str]:
        """What people said in comments and to the run; the names of agents in the catalogue end alike."""
        people = (one for one in self.card.get("comments") or () if not str(one.get("author")).endswith(" Agent"))
        return [*(str(one.get("content") or "") for one in people), *self.told]

    @cached_property
    def everything(self) -> str:
        documents = (str(one.get("content") or "") for one in self.documents)
        return "\n".join([self.title, *self.texts.values(), *self.spoken, *documents])

    @cached_property
    def language(self) -> str:
        texts = [self.title, *self.texts.values(), *self.told]
        return recognize("\n".join(one.text for text in texts for one in blocks(text) if one.form != "code"))

    @cached_property
    def is_fault(self) -> bool:
        return self.card.get("type") == "bug"

    @cached_property
    def is_inquiry(self) -> bool:
        """Whether what the card asks for are answers: a spike or a study."""
        return any(mark(ANY, "inquiry").search(text.lower()) for text in (self.title, str(self.card.get("type"))))

    @cached_property
    def kind(self) -> str:
        """What the card is by its type; what is not known is taken for something new, like a `doc` that is about no text."""
        kind = str(self.card.get("type"))
        asks_questions = mark(ANY, "inquiry").search(kind) or any(is_question(one.text) for one in self.asks)
        if self.is_inquiry and kind not in REPORTS and asks_questions:
            return "inquiry"
        is_text = any(lines_with(one, [*self.asks, self.title_line], self.language) for one in ("guide", "text"))
        return "feature" if kind not in table("agents")["suited"] or (kind == "doc" and not is_text) else kind

    @property
    def is_report(self) -> bool:
        """Whether the card reports what has happened, which then comes first."""
        return self.kind in REPORTS

    @cached_property
    def _read(self) -> list[Piece]:
        """All statements in the order of the texts, each once; what a card says that says only one thing is what it asks for."""
        found: list[Piece] = []
        for name, kind in table("reader")["fields"].items():
            asked = name == "description" and is_ask(self.title, self.language)
            found += read(self.texts[name], self.language, fault=self.is_fault, kind=kind, asked=asked)
        if self.is_inquiry:
            found = [replace(piece, kind="ask") if piece.kind == "question" else piece for piece in found]
        for text in self.spoken:
            found += read(text, self.language, fault=True)  # a comment's list is no list of wishes unless it says so
        once: dict[str, Piece] = {}
        for piece in found:
            once.setdefault(piece.line.lower().strip(" .!。"), piece)
        told = [piece for piece in once.values() if piece.kind != "courtesy"]
        is_wish = len(told) == 1 and told[0].kind in ("context", "limit") and weight(told[0].text) >= 3 and not self.is_fault
        if is_wish and not is_vague(f"{self.title} {told[0].text}".lower(), self.language):
            return [replace(piece, kind="ask") if piece is told[0] else piece for piece in once.values()]
        return list(once.values())

    @cached_property
    def pieces(self) -> list[Piece]:
        """All statements of the card, its comments and what the run was told. Wishes of a card that is not explicit are problems."""
        return [replace(one, kind="problem") if one.kind == "ask" and not self.is_explicit else one for one in self._read]

    def of(self, *kinds: str) -> list[Piece]:
        return [piece for piece in self.pieces if piece.kind in kinds]

    @cached_property
    def asks(self) -> list[Piece]:
        """What is asked for: by the card's lines, else by its title, else by its own requirements document."""
        found = [piece for piece in self._read if piece.kind == "ask"]
        if any(not one.vague for one in found):
            return found
        if is_ask(self.title, self.language):
            return [Piece("ask", self.title), *found]
        own = [one for one in self.documents if one.get("type") in ("prd", "mvp") and self.title]
        named = [one for one in own if self.title.lower() in str(one.get("title")).lower()]
        return [*(piece for piece in self._pieces_of(named) if piece.kind == "ask"), *found]

    def _pieces_of(self, documents: Iterable[Mapping[str, Any]]) -> list[Piece]:
        texts = [str(one.get("content") or "") for one in documents]
        return [piece for text in texts for piece in read(text, self.language, fault=self.is_fault)]

    @cached_property
    def is_explicit(self) -> bool:
        """Whether there is anything definite to work on: an ask, a criterion, or a fault with evidence: code, steps or an error."""
        wishes = [*(one for one in self.asks if not one.vague), *(one for one in self._read if one.kind == "criterion")]
        wishes += [Piece("ask", self.title)] * is_ask(self.title, self.language)
        if any(self._is_definite(one) for one in wishes):
            return True
        if not self.is_fault or any(one.kind in ("code", "steps") for one in self._read):
            return self.is_fault
        text = self.everything  # which shows an error word for word, or two values; what people are quoted with is none
        before = (text[: one.start()][-40:].lower() for one in pattern("error").finditer(text))
        return bool(pattern("values").search(text)) or any(not has(one, "speech", self.language) for one in before)

    def _is_definite(self, wish: Piece) -> bool:
        """Whether a wish says what is to become of a thing: an item, a number, a name, or a word for what can be made or done."""
        if wish.lead or wish.form not in _PROSE or pattern("concrete").search(wish.text):
            return True
        made = has(wish.line.lower(), "made", self.language)
        if made or wish.text == self.title:  # a title names the thing anyway
            return made
        new = " ".join(word for word in wish.line.lower().split() if word not in self.title.lower().split())
        return any(mark(self.language, name, "traits").search(new) for name in keys("traits") if name != "screen")

    @cached_property
    def questions(self) -> list[str]:
        """The lines of the table that ask for what is absent, at most five, and none that stands in a comment."""
        before = {line for one in self.card.get("comments") or () for line in str(one.get("content")).splitlines()}
        absent = [key for key, answer in table("agents")["questions"].items() if self._lacks(answer)]
        lines = [say(key, self.language) for key in absent]
        return [line for line in lines if f"- {line}" not in before][:MAX_QUESTIONS]

    def _lacks(self, answer: Mapping[str, Any]) -> bool:
        """Tell whether a question is one for this card, and neither the card nor its comments and documents answer it."""
        low = self.everything.lower()
        is_meant = self.kind in answer["of"] and (weight(low) < _BRIEF or not answer.get("brief"))
        is_about = "only" not in answer or has(low, answer["only"], self.language)
        if not is_meant or not is_about or (answer.get("gate") and self.is_explicit):
            return False
        has_line = any(one.kind in answer["lines"] for one in [*self.pieces, *self._pieces_of(self.documents)])
        has_word = any(has(low, name, self.language) for name in answer["words"])
        return not (has_line or has_word or pattern(answer.get("pattern", "nothing")).search(low))


def lines_with(trait: str, pieces: Iterable[Piece], language: str) -> list[Piece]:
    """Return the lines with words of a trait; a line is about what the one that introduces it names, but not what that one does."""
    is_noun, words = trait not in table("agents")["words"]["asked"], mark(language, trait, "traits")
    return [one for one in pieces if words.search(f"{one.lead * is_noun} {one.line}".lower().strip())]
