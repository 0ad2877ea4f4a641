"""What a person said, sentence by sentence: what asks for something, what is open, not needed, or says nothing that can be required."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.agents.providers.embedded.reading import read
from shared.agents.providers.embedded.sentences import sentences
from shared.agents.providers.embedded.tables import recognize
from shared.planning.explorations.ears import entries, plain
from shared.planning.explorations.wording import Template

_UNKNOWN: Final = re.compile(
    r"(?:i |we )?(?:don'?t know( yet)?|do not know( yet)?|no idea|not sure( yet)?|unsure|unknown|tbd|"
    r"to be (?:decided|defined|determined)|"
    r"open|skip|later|undecided|not decided( yet)?|you decide|idk|weiß (?:ich )?(?:noch )?nicht|keine ahnung|offen|noch offen|später|"
    r"unklar|noch nicht entschieden)",
    re.IGNORECASE,
)
_NONE: Final = re.compile(
    r"(?:none|no|nope|nothing|not needed|not required|not necessary|n/?a|not applicable|no one|nobody|keine?|nein|nichts|nicht nötig|"
    r"entfällt|niemand)(?: (?:of (?:them|these|that)|special|at all|needed|required|for now))?",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"\w(?:.*\w)?", re.DOTALL)
_TO_A_MODEL: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules)\b|\bsystem prompt\b|"
    r"\byou are (?:now )?(?:an? |in )?"
    r"(?:\w+ )?(?:ai|assistant|model|dan|developer mode)\b|\bignoriere?\b.{0,40}\b(?:anweisung\w*|regeln)\b|</?(?:system|assistant|user)>|"
    r"\breveal (?:your|the) (?:\w+ )?(?:prompt|instructions|secrets?|keys?)\b",
    re.IGNORECASE,
)
_WISH: Final = re.compile(
    r"\b(?:must|should|shall|can|cannot|can't|may|has to|have to|needs? to|need|want|wants|would like|muss|müssen|soll|sollen|sollte|"
    r"sollten|kann|können|darf|dürfen|brauch\w*|möchte\w*|will|wollen)\b",
    re.IGNORECASE,
)
_ORDERS: Final = re.compile(
    r"(?:please )?(?:support|allow|let|send|show|store|save|export|import|encrypt|log|"
    r"when|if|while|the system|users?|admins?|wenn|falls)\b",
    re.IGNORECASE,
)
_PROJECT: Final = re.compile(
    r"\b(?:budget (?:is|of)|go-?live|our deadline|we have (?:\w+ ){1,2}developers|das budget|unser budget)\b", re.IGNORECASE
)
_OUT: Final = re.compile(
    r"^(?:no|without|keine?[nmrs]?|ohne) (?:[\w-]+ ?){1,4}$|"
    r"\b(?:out of scope|not (?:needed|required|necessary|part of)|no need (?:for|of)|leave out|left out|we (?:do not|don't) need|"
    r"nicht (?:nötig|teil)|brauchen wir nicht|wird nicht gebraucht|bleibt weg|bleiben weg)\b",
    re.IGNORECASE,
)
VAGUE: Final = re.compile(
    r"\b(fast|quick(?:ly)?|scalable|secure(?:ly)?|user[- ]friendly|easy(?: to use)?|intuitive|robust|reliable|high performance|modern|"
    r"schnell|skalierbar|sicher|benutzerfreundlich|einfach(?: zu bedienen)?|zuverlässig|performant)\b",
    re.IGNORECASE,
)
_LONGEST: Final = 1_000
"""Characters of a sentence. What goes on for longer is no requirement that a test could show."""
_REQUIRED: Final = ("ask", "criterion", "limit", "plan")
"""The kinds of the embedded reader that say what must be."""


@dataclass(frozen=True)
class Statement:
    """A sentence of a person: `required`, `open` (a question, or undecided), `excluded`, or `other`. `item`: its form as an entry."""

    kind: str
    text: str
    item: str | None = None


def split(text: str, language: str) -> list[str]:
    """Return the sentences of a line."""
    return sentences(text, language)


def asks(text: str) -> bool:
    """Tell whether a text is a clause that says what must be, and no name of a thing."""
    return bool(_WISH.search(text)) or bool(_ORDERS.match(text))


def is_unknown(answer: str) -> bool:
    """Tell whether an answer declares its question open."""
    said = _said(answer)
    return bool(_UNKNOWN.fullmatch(said)) if said else "?" in answer


def is_none(answer: str) -> bool:
    """Tell whether an answer says that nothing of the kind is needed."""
    return bool(_NONE.fullmatch(_said(answer)))


def _said(answer: str) -> str:
    """Return an answer from its first letter to its last: a pattern that skips what stands around it is slow where that is long."""
    found = _WORDS.search(answer)
    return found[0] if found else ""


def of_idea(text: str, language: str) -> list[Statement]:
    """Return the statements of an idea: only what asks for something is required. It is read in its own language, whatever it is."""
    spoken = recognize(text) if len(text.split()) > 2 else language
    return [
        Statement(_kind(line, piece.kind in _REQUIRED, piece.kind == "exclusion"), line)
        for piece in read(text, spoken)
        for sentence in sentences(piece.text, spoken)
        for part in re.split(r";\s+", sentence)
        if (line := plain(part)).strip("?")
    ]


def of_answer(text: str, language: str, template: Template | None) -> list[Statement]:
    """Return the statements of an answer: what somebody was asked for is required, unless it is a question or says otherwise."""
    return list(_of_answer(text, language, template.item if template else None))


def _of_answer(text: str, language: str, item: str | None) -> Iterator[Statement]:
    for line in text.splitlines():
        bare = re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", line).strip()
        for sentence in sentences(bare, language) if bare else ():
            for part in re.split(r";\s+", sentence):
                line_of_part = plain(part)
                kind = _kind(line_of_part, asked=True, excluded=False)
                if not line_of_part.strip("?"):
                    continue
                if kind == "required" and item is not None:
                    yield from (Statement(kind, one, item) for one in entries(line_of_part, language))
                else:
                    yield Statement(kind, line_of_part)


def _kind(line: str, asked: bool, excluded: bool) -> str:
    if len(line) > _LONGEST or _TO_A_MODEL.search(line) or _PROJECT.search(line):
        return "other"
    if line.endswith("?") or is_unknown(line):
        return "open"
    if excluded or _OUT.search(line):
        return "excluded"
    return "required" if asked or _WISH.search(line) else "other"
