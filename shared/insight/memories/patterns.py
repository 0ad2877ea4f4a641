"""Patterns: what memories of a kind have in common, and not with others.

Each word counts once in a memory. An indicator is a word that most of the memories of the pattern have, and that says something: it is more
frequent there than among those they are compared with.
"""

import fnmatch
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.agents.embeddings.words import words_of
from shared.core.texts import searchable
from shared.insight.memories.ranking import Indexed
from shared.insight.memories.rows import Memory

MIN_SAMPLES: Final = 3
"""Similar memories of one outcome that make a pattern."""
MAX_INDICATORS: Final = 10
_READ: Final = 40
"""Memories of each outcome whose texts are read for a pattern: the newest."""
_COMMON: Final = 0.5  # the share of the memories that must have an indicator
_DISTINCT: Final = 1.2  # how much more frequent it is there than among the others
_SURE: Final = 2  # samples that are added to the count: a few that agree are not yet certain
_LITTLE: Final = frozenset(
    (
        "all",
        "each",
        "them",
        "can",
        "out",
        "not",
        "no",
        "only",
        "up",
        "over",
        "off",
        "if",
        "their",
        "one",
        "other",
        "more",
        "less",
        "now",
    )
)
"""Words that say nothing of what was done, however many memories have them."""
IMPROVING: Final = frozenset(
    word
    for one in ("faster", "optimize", "optimized", "optimization", "improve", "improved", "reduce", "reduced", "speed", "cache")
    for word in words_of(one)
)
"""Words of memories of an improvement."""


@dataclass(frozen=True)
class Samples:
    """The memories that make a pattern, and those of the other outcome that are about the same."""

    outcome: list[Indexed]
    others: list[Indexed] = field(default_factory=list)

    @property
    def confidence(self) -> float:
        """Return the share of the memories that ended as the pattern says, lower the fewer there are."""
        return round(len(self.outcome) / (len(self.outcome) + len(self.others) + _SURE), 4)

    @property
    def read(self) -> tuple[list[str], list[str]]:
        """Return the ids of the memories whose texts are read, newest first."""
        chosen = [sorted((one.memory_id for one in ones), reverse=True)[:_READ] for ones in (self.outcome, self.others)]
        return chosen[0], chosen[1]


def matches(pattern: str, one: Indexed) -> bool:
    """Tell whether a memory is meant by the pattern of a task type: `implement_*` names types, other words are those of its text."""
    sought = searchable(pattern)
    if fnmatch.fnmatchcase(one.task_type, sought):
        return True
    words = words_of(sought.replace("*", " ").replace("_", " "))
    return bool(words) and set(words) <= set(one.words.split())


def is_improvement(one: Indexed) -> bool:
    return not IMPROVING.isdisjoint(one.words.split())


def indicators(samples: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Return the words that most of the texts have and the others have less, most telling first: how they are compared, and written."""
    forms: dict[str, Counter[str]] = {}
    found = _frequencies(samples, forms)
    elsewhere = _frequencies(others, {})
    telling: list[tuple[float, str]] = []
    for word, number in found.items():
        share = number / len(samples)
        other = elsewhere[word] / len(others) if others else 0.0
        if number >= 2 and share >= _COMMON and share >= _DISTINCT * other and _says_something(word):
            telling.append((share - other, word))
    telling.sort(key=lambda one: (-one[0], one[1]))
    return {word: forms[word].most_common(1)[0][0] for _, word in telling[:MAX_INDICATORS]}


def _says_something(word: str) -> bool:
    return len(word) > 1 and not word.isdigit() and word not in _LITTLE


def _frequencies(texts: Sequence[str], forms: dict[str, Counter[str]]) -> Counter[str]:
    """Count in how many texts each word is; `forms` gets how they are written."""
    counted: Counter[str] = Counter()
    for text in texts:
        seen: set[str] = set()
        for piece in text.split():
            written = searchable(piece).strip(".,;:!?()[]{}\"'`")
            for word in words_of(written):
                seen.add(word)
                forms.setdefault(word, Counter())[written] += 1
        counted.update(seen)
    return counted


@dataclass(frozen=True)
class Extracted:
    """What was found in memories."""

    success_indicators: list[str]
    failure_indicators: list[str]
    words: list[str]
    recommended_context: dict[str, Any]
    confidence: float
    samples: int


def extract(samples: Samples, pattern_type: str, outcome: Sequence[Memory], others: Sequence[Memory]) -> Extracted:
    """Return the pattern of these memories. `outcome` and `others` are those of them that were read (`Samples.read`)."""
    mine, rest = [text_of(one) for one in outcome], [text_of(one) for one in others]
    found, contrary = indicators(mine, rest), indicators(rest, mine) if len(rest) > 1 else {}
    failed = pattern_type == "failure"
    errors = Counter(key for one in (*outcome, *others) for key in (one.error_patterns or {}))
    failures = [*(contrary if not failed else found).values()]
    failures += [key for key, _ in errors.most_common(MAX_INDICATORS) if key not in failures]
    context = {
        "task_types": [name for name, _ in Counter(one.task_type for one in outcome).most_common(3)],
        "keywords": [*found.values()],
        "files": [name for name, number in Counter(file for one in outcome for file in one.files).most_common(10) if number > 1],
        "example_memory_ids": [one.id for one in outcome[:3]],
        "sample_count": len(samples.outcome),
        "contrary_count": len(samples.others),
    }
    return Extracted(
        [*(contrary if failed else found).values()],
        failures[:MAX_INDICATORS],
        [*found],
        {name: value for name, value in context.items() if value not in ([], None)},
        samples.confidence,
        len(samples.outcome),
    )


def text_of(memory: Memory) -> str:
    """Return what a memory says, without the tags and files that were found in it."""
    errors = memory.error_patterns or {}
    return " ".join([memory.summary, *(str(value) for value in errors.values() if isinstance(value, str))])
