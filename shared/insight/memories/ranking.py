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

from shared.agents.embeddings.hashed import COMMON, WEIGHT_OF_COMMON
from shared.agents.embeddings.words import related, words_of
from shared.insight.memories.vectors import THRESHOLD, Question, shown

MODES: Final = ("semantic", "keyword", "hybrid")
SEMANTIC_WEIGHT, KEYWORD_WEIGHT = 0.6, 0.4  # as in the original service
KEYWORDS: Final = 0.25
"""The share of the words of a question, by their weights, that a text must have to be found by them."""
RELATED: Final = 0.5
"""What a word of the same field counts."""
MISSPELLED: Final = 0.7
"""What a word counts that differs by a typing error, where no memory has the word itself."""
_LEAST_LETTERS: Final = 5  # of a word in which a typing error is looked for: a shorter one is another word then
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
    near = _cosines(rows, model, vector)
    similar = [shown(one) for one in near]
    words, shares = keyword_scores(query.text, rows) if query.mode != "semantic" else ([], [])
    by_words = _ordered(rows, [score if share >= KEYWORDS else 0.0 for score, share in zip(words, shares, strict=True)], _SOME)
    if query.mode == "hybrid":  # what says a part of it in the same words and is near by meaning is found, too
        near = [shown(one + score) if one > 0 else 0.0 for one, score in zip(near, words, strict=True)]
        by_meaning = _ordered(rows, near, query.threshold)
    else:
        by_meaning = _ordered(rows, similar, query.threshold)
    if query.mode == "semantic":
        scores = similar
        order = by_meaning
    elif query.mode == "keyword":
        scores, order = words, by_words
    else:
        scores = _fused(len(rows), (query.semantic_weight, by_meaning), (query.keyword_weight, by_words))
        order = _ordered(rows, scores, _SOME)
    return [Ranked(rows[at], round(min(scores[at], 1.0), 4), round(similar[at], 4)) for at in order[: query.top_k]]


def _cosines(rows: Sequence[Indexed], model: str, vector: Sequence[float]) -> list[float]:
    """Return how near each row is by meaning: 0 for all without a vector, and for those of another model."""
    if not vector:
        return [0.0] * len(rows)
    question = Question(vector)
    return [question.cosine(one.vector, one.step) if one.model == model else 0.0 for one in rows]


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


def keyword_scores(text: str, rows: Sequence[Indexed]) -> tuple[list[float], list[float]]:
    """Return for each row what BM25 gives it, as a share of what a text with all of the words, often, would get; and the share of the
    question that it has. A word of the same field, and one with a typing error, count in part."""
    wanted = list(dict.fromkeys(words_of(text)))
    texts = [one.words.split() for one in rows]
    known = [frozenset(words) for words in texts]
    average = sum(map(len, texts)) / len(texts) if texts else 1.0
    lengths = [_K1 * (1 - _B + _B * len(words) / (average or 1.0)) for words in texts]
    scores, covered = [0.0] * len(rows), [0.0] * len(rows)
    weights: list[float] = []
    spelled: Spelling | None = None
    for word in wanted:
        having = {at: 1.0 for at, words in enumerate(known) if word in words}
        if not having:
            spelled = spelled or Spelling(known)
            if alike := spelled.like(word):
                having = {at: MISSPELLED for at, words in enumerate(known) if not alike.isdisjoint(words)}
        rarity = _rarity(len(rows), len(having))
        field = related(word)
        near = [at for at, words in enumerate(known) if at not in having and not field.isdisjoint(words)] if field else []
        if having or near:
            weights.append(rarity if having else _rarity(len(rows), len(near)))
            part_of_common = WEIGHT_OF_COMMON if word in COMMON else 1.0
            share = RELATED * min(rarity, _rarity(len(rows), len(having) + len(near)))
            for at, full in [*((at, rarity * part) for at, part in having.items()), *((at, share) for at in near)]:
                often, gain = texts[at].count(word) or 1, full * part_of_common
                scores[at] += gain * often * (_K1 + 1) / (often + lengths[at])
                covered[at] += gain
    # a word that no memory has is as important as the others are on the whole: how rare it is, nobody can tell
    total = sum(weights) / len(weights) * len(wanted) if weights else 0.0
    if not total:
        return scores, covered
    return [score / (total * (_K1 + 1)) for score in scores], [share / total for share in covered]


def _rarity(number: int, having: int) -> float:
    return math.log(1 + (number - having + 0.5) / (having + 0.5))


class Spelling:
    """Finds the words of memories that a word with a typing error may be: those with half of its groups of three letters."""

    def __init__(self, known: Sequence[frozenset[str]]) -> None:
        self._by_letter: dict[str, list[str]] = {}
        for word in frozenset().union(*known):
            if len(word) >= _LEAST_LETTERS:
                self._by_letter.setdefault(word[0], []).append(word)

    def like(self, word: str) -> frozenset[str]:
        if len(word) < _LEAST_LETTERS:
            return frozenset()
        own = _threes(word)
        return frozenset(
            other
            for other in self._by_letter.get(word[0], ())
            if abs(len(other) - len(word)) <= 2 and 4 * len(own & (threes := _threes(other))) >= len(own) + len(threes)
        )


def _threes(word: str) -> set[str]:
    padded = f"<{word}>"
    return {padded[at : at + 3] for at in range(len(padded) - 2)}
