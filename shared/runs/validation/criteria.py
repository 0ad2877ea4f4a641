"""What a validator looks at, what it says of each acceptance criterion, and what is quoted.

Without a model nothing passes by words: a sentence of the result is a claim. One that admits a failure counts, because nobody says so
without need; all else is unknown, and a person sees what was claimed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.agents.embeddings.words import words_of

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"
CLAIM, DOCUMENT, CHANGE, DISCOVERY, TEST, BUILD = "claim", "document", "change", "discovery", "test", "build"
"""Kinds of material. A claim is what the worker says of its own work: it proves nothing, but may admit that something fails."""
COVERED: Final = 0.6
"""The share of a criterion's words that a sentence must have to speak of it."""
QUOTED: Final = 300  # characters of a quotation
SHOWN: Final = 500  # characters of a criterion that a review shows
FEEDBACK: Final = 8_000  # characters of a feedback
_NAMED: Final = 200  # characters of a criterion in a feedback
_SENTENCES: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_NUMBERS: Final = re.compile(r"\d+(?:[.,]\d+)*")
_AGAINST: Final = re.compile(
    r"\b(?:not|no|never|cannot|can't|doesn't|don't|isn't|won't|fails?|failed|failing|missing|todo|unimplemented|broken|without)\b"
    r"|\b(?:nicht|kein\w*|fehlt|fehlgeschlagen|offen)\b",
    re.IGNORECASE,
)
_PLANS: Final = re.compile(r"\b(?:must|should|shall|will|would|todo|planned|muss|müssen|soll|sollte|wird)\b", re.IGNORECASE)
_DEMANDS: Final = re.compile(r"\b(?:must|should|shall|todo|planned|muss|müssen|soll|sollen|sollte)\b", re.IGNORECASE)
_PARTS: Final = re.compile(r",|\b(?:and|but|und|aber)\b", re.IGNORECASE)
CLAIMED: Final = "The result says so, and nothing shows it: a test, a build or a person has to"
SILENT: Final = "Nothing speaks of it"


@dataclass(frozen=True)
class Material:
    """A text of the result, and where it stands."""

    source: str
    text: str
    kind: str = CLAIM


@dataclass(frozen=True)
class Verdict:
    """`evidence` is a quotation from `source`; `reason` says why something is unknown, or which test or build has decided."""

    criterion: str
    result: str  # PASSED | FAILED | UNKNOWN
    evidence: str | None = None
    source: str | None = None
    reason: str | None = None


def check(criteria: Iterable[str], material: Sequence[Material]) -> list[Verdict]:
    """Return a verdict on each criterion from what the result and the discoveries say."""
    known = [
        (one.source, text, frozenset(words_of(text)))
        for one in material
        if one.kind in (CLAIM, DISCOVERY)
        for part in _SENTENCES.split(one.text)
        if len((text := " ".join(part.split())).split()) > 1
    ]
    return [_verdict(criterion, known) for criterion in criteria]


def _verdict(criterion: str, sentences: Sequence[tuple[str, str, frozenset[str]]]) -> Verdict:
    wanted = frozenset(words_of(criterion))
    numbers = set(_NUMBERS.findall(criterion))
    rated = [
        (len(wanted & words) / len(wanted), source, text)
        for source, text, words in sentences
        if wanted and numbers <= set(_NUMBERS.findall(text))
    ]
    speaking = sorted((one for one in rated if one[0] >= COVERED), key=lambda one: -one[0])
    negated = bool(_AGAINST.search(criterion))
    against = next((one for one in speaking if not negated and _denies(one[2], wanted) and not _PLANS.search(one[2])), None)
    if against is not None:
        return Verdict(criterion, FAILED, against[2][:QUOTED], against[1])
    said = next((one for one in speaking if not _PLANS.search(one[2])), None)
    if said is None:
        return Verdict(criterion, UNKNOWN, reason=SILENT)
    return Verdict(criterion, UNKNOWN, said[2][:QUOTED], said[1], CLAIMED)


def _denies(sentence: str, wanted: frozenset[str]) -> bool:
    """Tell whether the part of a sentence that speaks of a criterion denies it: what else it denies is another matter."""
    parts = [part for part in _PARTS.split(sentence) if len(wanted & frozenset(words_of(part))) >= COVERED * len(wanted)]
    return any(_AGAINST.search(part) for part in parts)


def is_demand(text: str) -> bool:
    """Tell whether a text says what must be, as requirements do, and not what is."""
    return bool(_DEMANDS.search(text))


def feedback_of(verdicts: Sequence[Verdict]) -> str:
    """Return what the agent is told: what failed, and what nothing proves."""
    failed = [f"- failed: {_cut(one.criterion)} ({_why(one)})" for one in verdicts if one.result == FAILED]
    unknown = [f"- no evidence: {_cut(one.criterion)} ({one.reason or SILENT})" for one in verdicts if one.result == UNKNOWN]
    passed = sum(one.result == PASSED for one in verdicts)
    lines = [f"{passed} of {len(verdicts)} acceptance criteria have passed.", *failed, *unknown]
    text = "\n".join(lines)
    return text if len(text) <= FEEDBACK else text[:FEEDBACK].rpartition("\n")[0] + "\n…"


def _why(verdict: Verdict) -> str:
    return f"“{verdict.evidence}”" if verdict.evidence else str(verdict.reason)


def _cut(criterion: str, length: int = _NAMED) -> str:
    return criterion if len(criterion) <= length else f"{criterion[: length - 1]}…"


def shown(verdict: Verdict) -> dict[str, str | None]:
    """Return a verdict as a review keeps it: a long criterion is cut."""
    values = {name: getattr(verdict, name) for name in ("result", "evidence", "source", "reason")}
    return {"criterion": _cut(verdict.criterion, SHOWN)} | {name: value for name, value in values.items() if value is not None}
