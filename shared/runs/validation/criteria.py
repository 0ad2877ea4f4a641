"""Check acceptance criteria against what was delivered, without a model: a criterion has passed if a sentence of the result says so.

It quotes the sentence as evidence. It never guesses: what no sentence speaks of is unknown.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from shared.agents.embeddings.words import words_of

COVERED: Final = 0.6
"""The share of a criterion's words that a sentence must have to speak of it."""
_QUOTED: Final = 300  # characters of a quoted sentence
_SENTENCES: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_NUMBERS: Final = re.compile(r"\d+(?:[.,]\d+)*")
_AGAINST: Final = re.compile(
    r"\b(?:not|no|never|cannot|can't|doesn't|don't|isn't|won't|fails?|failed|failing|missing|todo|unimplemented|broken|without)\b"
    r"|\b(?:nicht|kein\w*|fehlt|fehlgeschlagen|offen)\b",
    re.IGNORECASE,
)
_PLANS: Final = re.compile(r"\b(?:must|should|shall|will|would|todo|planned|muss|müssen|soll|sollte|wird)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Material:
    """A text of the result, and where it stands."""

    source: str
    text: str


@dataclass(frozen=True)
class Verdict:
    criterion: str
    result: str  # passed | failed | unknown
    evidence: str | None = None
    source: str | None = None


def check(criteria: Iterable[str], material: Sequence[Material]) -> list[Verdict]:
    """Return a verdict on each criterion."""
    sentences = [
        (one.source, " ".join(part.split())) for one in material for part in _SENTENCES.split(one.text) if len(part.split()) > 1
    ]
    known = [(source, text, frozenset(words_of(text))) for source, text in sentences]
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
    against = next((one for one in speaking if bool(_AGAINST.search(one[2])) and not negated), None)
    if against is not None:
        return Verdict(criterion, "failed", against[2][:_QUOTED], against[1])
    done = next((one for one in speaking if not _PLANS.search(one[2]) and bool(_AGAINST.search(one[2])) == negated), None)
    return Verdict(criterion, "unknown") if done is None else Verdict(criterion, "passed", done[2][:_QUOTED], done[1])


def feedback_of(verdicts: Sequence[Verdict]) -> str:
    """Return what the agent is told: what failed, and what nothing speaks of."""
    failed = [f"- failed: {one.criterion} (“{one.evidence}”)" for one in verdicts if one.result == "failed"]
    unknown = [f"- no evidence: {one.criterion}" for one in verdicts if one.result == "unknown"]
    passed = sum(one.result == "passed" for one in verdicts)
    head = f"{passed} of {len(verdicts)} acceptance criteria have passed."
    return "\n".join([head, *failed, *unknown])
