"""Which memories answer a question best: by meaning (vectors), by words (BM25), or by both (reciprocal rank fusion).

mode       found                                          order and score
semantic   whose similarity reaches the threshold         the similarity
keyword    with KEYWORDS of the question's words          BM25, as a share of what the best possible text had
hybrid     one or the other                               weight / (60 + rank) of both lists added, as a share of two first places

So the threshold is one of meaning: in hybrid mode a memory that says the same in other words must reach it, one that shares the words
need not. Only the ratio of the two weights counts. Words count by how rare they are among the memories that are searched.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared.agents.embeddings.words import words_of
from shared.insight.memories.vectors import THRESHOLD, Question, shown

MODES: Final = ("semantic", "keyword", "hybrid")
SEMANTIC_WEIGHT, KEYWORD_WEIGHT = 0.6, 0.4  # as in the original service
KEYWORDS: Final = 0.3
"""The share of the words of a question, by their weights, that a text must have to be found by them."""
_FUSION: Final = 60  # the constant of reciprocal rank fusion (Cormack, Clarke, Buettcher 2009)
_K1, _B = 1.2, 0.75  # the constants of BM25
_SOME: Final = 1e-9  # a score above none
MAX_WORDS: Final = 80
"""Words of a text that are kept to be searched."""


class Indexed(NamedTuple):
    """A memory as searches see it."""

    memory_id: str
    task_type: str
    task_id: str
    proj_id: str
    memory_type: str
    success: bool
    model: str
    vector: str
    step: float
    words: str


@dataclass(frozen=True)
class SearchQuery:
    text: str
    top_k: int = 5
    threshold: float = THRESHOLD
    success_only: bool = False
    memory_types: Sequence[str] = ()
    mode: str = "hybrid"
    semantic_weight: float = SEMANTIC_WEIGHT
    keyword_weight: float = KEYWORD_WEIGHT
    project_id: str | None = None
    """None: in all projects that the actor may see."""
    not_of_task: str | None = None

    def admits(self, one: Indexed) -> bool:
        return (
            (one.success or not self.success_only)
            and (not self.memory_types or one.memory_type in self.memory_types)
            and (self.project_id is None or one.proj_id == self.project_id)
            and one.task_id != self.not_of_task
        )


@dataclass(frozen=True)
class Ranked:
    indexed: Indexed
    score: float
    similarity: float
    """The similarity by meaning, whatever the order is by."""


def kept_words(text: str) -> str:
    """Return the words of a text as they are kept to be searched."""
    return " ".join(words_of(text)[:MAX_WORDS])


def rank(query: SearchQuery, rows: Sequence[Indexed], model: str, vector: Sequence[float]) -> list[Ranked]:
    """Return the best `top_k` memories, best first; of equal ones the newest. `vector` is that of the
    question, made by `model`; it is empty where none is needed."""
    rows = [one for one in rows if query.admits(one)]
    similar = _similarities(rows, model, vector)
    by_meaning = _ordered(rows, similar, query.threshold) if query.mode != "keyword" else []
    words = keyword_scores(query.text, rows) if query.mode != "semantic" else []
    by_words = _ordered(rows, words, _SOME) if words else []
    if query.mode == "semantic":
        scores = similar
        order = by_meaning
    elif query.mode == "keyword":
        scores, order = words, by_words
    else:
        scores = _fused(len(rows), (query.semantic_weight, by_meaning), (query.keyword_weight, by_words))
        order = _ordered(rows, scores, _SOME)
    return [Ranked(rows[at], round(min(scores[at], 1.0), 4), round(similar[at], 4)) for at in order[: query.top_k]]


def _similarities(rows: Sequence[Indexed], model: str, vector: Sequence[float]) -> list[float]:
    """Return how near each row is by meaning: 0 for all without a vector, and for those of another model."""
    if not vector:
        return [0.0] * len(rows)
    question = Question(vector)
    return [shown(question.cosine(one.vector, one.step)) if one.model == model else 0.0 for one in rows]


def _ordered(rows: Sequence[Indexed], scores: Sequence[float], least: float) -> list[int]:
    """Return the places of the rows with at least this score, best first."""
    found = [at for at, score in enumerate(scores) if score >= least]
    found.sort(key=lambda at: rows[at].memory_id, reverse=True)
    return sorted(found, key=lambda at: -scores[at])


def _fused(number: int, *lists: tuple[float, Sequence[int]]) -> list[float]:
    scores = [0.0] * number
    best = sum(weight for weight, _ in lists) / (_FUSION + 1)
    for weight, order in lists:
        for place, at in enumerate(order, 1):
            scores[at] += weight / (_FUSION + place) / best
    return scores


def keyword_scores(text: str, rows: Sequence[Indexed]) -> list[float]:
    """Return for each row what BM25 gives it, as a share of what a text with all of the words, often, would get; 0 for one that has less
    than KEYWORDS of the question."""
    wanted = list(dict.fromkeys(words_of(text)))
    padded = [f" {one.words} " for one in rows]
    lengths = [one.count(" ") - 1 for one in padded]
    average = sum(lengths) / len(lengths) if lengths else 1.0
    scores, covered = [0.0] * len(rows), [0.0] * len(rows)
    known: list[float] = []
    for word in wanted:
        sought = f" {word} "
        having = [at for at, words in enumerate(padded) if sought in words]
        if not having:
            continue
        rarity = math.log(1 + (len(rows) - len(having) + 0.5) / (len(having) + 0.5))
        known.append(rarity)
        for at in having:
            often = padded[at].split().count(word)
            scores[at] += rarity * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * lengths[at] / average))
            covered[at] += rarity
    # a word that no memory has is as important as the others are on the whole: how rare it is, nobody can tell
    total = sum(known) / len(known) * len(wanted) if known else 0.0
    if not total:
        return scores
    return [
        score / (total * (_K1 + 1)) if share >= KEYWORDS * total else 0.0 for score, share in zip(scores, covered, strict=True)
    ]
