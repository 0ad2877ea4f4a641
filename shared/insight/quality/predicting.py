"""What quality is to be expected of a task, by what became of similar ones.

The quality of a similar task is the mean of two shares: 1 if it succeeded and 0 if not; and how many of its newest metrics passed, if
there are any. The score is the mean of these, each weighted by its similarity, and of the confidence of the patterns that fit. The
confidence grows with the number of similar tasks and with how similar they are; without any it is 0, and the score says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.core.actor import Actor, Permission
from shared.insight.memories.advising import fitting, recommendations
from shared.insight.memories.ranking import Ranked, SearchQuery
from shared.insight.memories.rows import Memory, Pattern, patterns_of
from shared.insight.memories.searching import MemorySearch
from shared.insight.memories.vectors import THRESHOLD
from shared.store import begin_index_rows, get_all
from shared.work.projects.reading import by_workspace
from shared.work.quality_gates.rows import Measured
from shared.work.quality_gates.rules import METRIC_TYPES

_SIMILAR: Final = 20  # similar tasks that are looked at
_FAR: Final = 3  # tasks that are looked at if none is as similar as a search asks
_UNSURE: Final = 3  # tasks that are added to the number: with as many similar ones the confidence is at most a half
_OF_PATTERN: Final = 0.3  # the weight of a pattern, where a very similar task has 1
_RISKY, _DOUBTFUL = 0.5, 0.75  # scores below which the risk is high, and medium
_VAGUE: Final = 0.3  # the confidence below which the risk is never low


@dataclass(frozen=True)
class Prediction:
    score: float
    confidence: float
    similar: int
    patterns: int
    recommendations: list[str]

    @property
    def risk(self) -> str:
        """Return low, medium or high."""
        if self.similar and self.score < _RISKY:
            return "high"
        return "medium" if self.score < _DOUBTFUL or self.confidence < _VAGUE else "low"


def predict(actor: Actor, text: str, task_type: str | None = None, *, not_of_task: str | None = None) -> Prediction:
    """Return what is to be expected of a task that is described so, by all memories that the actor may see.

    Three round trips: the index and the patterns; the memories; what was measured of their tasks. Raises Upstream (the service that makes
    vectors does not answer).
    """
    search = MemorySearch(actor)
    begun = by_workspace(actor, lambda ws_id: begin_index_rows(1, patterns_of(ws_id)), Permission.CARD_READ)
    described = f"{text}\n{task_type.replace('_', ' ')}" if task_type else text
    ranked = _near(search.everywhere(SearchQuery(described, _SIMILAR, not_of_task=not_of_task)))
    rows = [row for part in begun.values() for row in part]
    keys: list[Any] = [(Memory, *Memory.key(one.indexed.memory_id)) for one in ranked]
    keys += [(Pattern, *Pattern.key(row.id)) for row in fitting(actor, rows, task_type, text)]
    found: list[Any] = get_all(keys)
    patterns = [one for one in found[len(ranked) :] if one]
    similar = [(memory, one.similarity or one.score * THRESHOLD) for one, memory in zip(ranked, found, strict=False) if memory]
    measured = get_all([(Measured, *Measured.key_of(memory.item_id, memory.task_id)) for memory, _ in similar])
    return _prediction(similar, measured, patterns)


def _near(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Return what is about the same by meaning too; where nothing is, the first few: a task says less the farther it is."""
    near = [one for one in ranked if one.similarity >= THRESHOLD]
    return near or list(ranked[:_FAR])


def _prediction(similar: Sequence[tuple[Memory, float]], measured: Sequence[Any], patterns: Sequence[Pattern]) -> Prediction:
    weighted = [(_quality(memory, one), weight) for (memory, weight), one in zip(similar, measured, strict=True)]
    if not weighted:
        advice = ["Nothing similar has been done yet: this is a guess, not a prediction", *recommendations([], patterns, [])]
        return Prediction(0.5, 0.0, 0, len(patterns), advice)
    number, near = len(weighted), sum(weight for _, weight in weighted) / len(weighted)
    for pattern in patterns:
        good = pattern.confidence if pattern.pattern_type != "failure" else 1 - pattern.confidence
        weighted.append((good, _OF_PATTERN))
    score = sum(quality * weight for quality, weight in weighted) / sum(weight for _, weight in weighted)
    advice = [*_advice(similar, measured), *recommendations([], patterns, [])]
    return Prediction(round(score, 4), round(number / (number + _UNSURE) * min(near, 1.0), 4), number, len(patterns), advice)


def _quality(memory: Memory, measured: Measured | None) -> float:
    shares = [float(memory.success)]
    passed = [one["passed"] for name, one in (measured.values if measured else {}).items() if name in METRIC_TYPES]
    if passed:
        shares.append(sum(passed) / len(passed))
    return sum(shares) / len(shares)


def _advice(similar: Sequence[tuple[Memory, float]], measured: Sequence[Any]) -> list[str]:
    """Return what similar tasks warn of: how many failed, with which errors, and which metrics did not pass."""
    failed = [memory for memory, _ in similar if not memory.success]
    found = [f"{len(failed)} of {len(similar)} similar tasks failed"] if failed else []
    errors = dict.fromkeys(name for memory, _ in similar for name in (memory.error_patterns or {}))
    if errors:
        found.append(f"Similar tasks met {', '.join([*errors][:5])}")
    values = [one.values if one else {} for one in measured]
    for name in METRIC_TYPES:
        known = [one[name]["passed"] for one in values if name in one]
        if known and not all(known):
            found.append(f"{name.capitalize()} was not good enough in {known.count(False)} of {len(known)} similar tasks")
    return found
