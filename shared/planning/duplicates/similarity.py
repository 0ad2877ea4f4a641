"""How alike two tickets are, from 0 to 1. From 0.85 on a person would close one of them as a duplicate: so are the pairs marked that it
was fitted to, and others that measure it (`tests/data/duplicate_tickets.yaml`).

Words count by how rare they are among the texts that are compared; words with typing errors count in part. The vectors of the texts
(`shared.agents.embeddings`) count beside them. Where one text has the opposite of a word of the other, another number or name, they are
about something else, however much they have in common.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from shared.agents.embeddings.port import Embedder, cosine
from shared.agents.embeddings.words import are_opposite, words_of

THRESHOLD: Final = 0.85
"""From this similarity on two tickets are taken for duplicates, as in the original service."""
_RAW_THRESHOLD: Final = 0.62
"""What the raw similarity is where the shown one is THRESHOLD: found on the pairs that are marked `tune`."""
_TITLE: Final = 0.6  # the share of the title, where both tickets have a description
_WORDS: Final = 0.6  # the share of the words; that of the vectors is the rest
_TYPO: Final = 0.78  # words of this ratio are one word with a typing error
_OPPOSITE, _NUMBER, _OTHER = 0.55, 0.6, 0.75  # what is left where something contradicts


_SAYS_LITTLE: Final = frozenset(["add", "change", "fix", "use", "new", "make", "need", "want", "get", "can"])
"""Words that do not tell what a ticket is about."""


@dataclass(frozen=True)
class Text:
    """A ticket as it is compared: its title, and the beginning of its description."""

    title: str
    description: str = ""

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.description}".strip()


class Rarity:
    """How much a word says: less the more of the texts have it."""

    def __init__(self, number: int) -> None:
        """`number`: how many texts there are."""
        self._number, self._texts = number, Counter[str]()

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> "Rarity":
        known = [set(words) for words in texts]
        rarity = cls(len(known))
        for words in known:
            rarity.add(words, 1)
        return rarity

    def add(self, words: Iterable[str], number: int) -> None:
        """Say that so many texts have these words."""
        for word in words:
            self._texts[word] += number

    def __call__(self, word: str) -> float:
        """Return the weight of a word: 1 for one that no text has."""
        if self._number < 2:
            return 1.0
        return max(0.15, 1.0 - math.log1p(min(self._texts[word], self._number)) / math.log1p(self._number) * 0.6)


def similarities(wanted: Text, others: Sequence[Text], embedder: Embedder, rarity: Rarity) -> list[float]:
    """Return how alike each of the others is to a text. One call of the embedder."""
    if not others:
        return []
    described = [one for one in others if wanted.description and one.description]
    texts = [wanted.title, *(one.title for one in others)]
    if described:
        texts += [wanted.description, *(one.description for one in described)]
    vectors = embedder.embed(texts)
    of_descriptions = iter(vectors[len(others) + 2 :])
    found = []
    for other, vector in zip(others, vectors[1:], strict=False):
        raw = _alike(wanted.title, other.title, cosine(vectors[0], vector), rarity)
        if wanted.description and other.description:
            also = cosine(vectors[len(others) + 1], next(of_descriptions))
            raw = _TITLE * raw + (1 - _TITLE) * _alike(wanted.description, other.description, also, rarity)
        found.append(_shown(raw))
    return found


def _shown(raw: float) -> float:
    """Return the similarity that is shown, in which THRESHOLD means the same as _RAW_THRESHOLD means here."""
    raw = min(max(raw, 0.0), 1.0)
    if raw <= _RAW_THRESHOLD:
        return round(raw / _RAW_THRESHOLD * THRESHOLD, 4)
    return round(THRESHOLD + (raw - _RAW_THRESHOLD) / (1 - _RAW_THRESHOLD) * (1 - THRESHOLD), 4)


def _alike(one: str, other: str, vectors: float, rarity: Rarity) -> float:
    first, second = Counter(words_of(one)), Counter(words_of(other))
    if not first or not second:
        return 1.0 if one.strip() == other.strip() else 0.0
    raw = _WORDS * _overlap(first, second, rarity) + (1 - _WORDS) * max(vectors, 0.0)
    return raw * _contradiction(first, second)


def _overlap(first: Counter[str], second: Counter[str], rarity: Rarity) -> float:
    """Return the share of the words that both have, by their weights (Dice)."""
    total = _weight(first, rarity) + _weight(second, rarity)
    common = first & second
    left, right = first - common, second - common
    shared = 2 * _weight(common, rarity)
    for word in list(left):
        near = _nearest(word, right)
        if near is not None:
            shared += 0.9 * (rarity(word) + rarity(near))
            right -= Counter([near])
    return shared / total


def _nearest(word: str, others: Mapping[str, int]) -> str | None:
    """Return the word that this one is with a typing error; None if there is none."""
    if len(word) < 4 or not word.isalpha():
        return None
    close = [one for one in others if one.isalpha() and abs(len(one) - len(word)) <= 2 and one[0] == word[0] and len(one) >= 4]
    ratios = [(SequenceMatcher(None, word, one).ratio(), one) for one in close]
    best = max(ratios, default=(0.0, ""))
    return best[1] if best[0] >= _TYPO and not are_opposite(word, best[1]) else None


def _weight(words: Counter[str], rarity: Rarity) -> float:
    return sum(rarity(word) * number for word, number in words.items())


def _contradiction(first: Counter[str], second: Counter[str]) -> float:
    """Return what is left of a similarity: less if one text says the opposite, or another number."""
    only_first, only_second = first.keys() - second.keys(), second.keys() - first.keys()
    factor = 1.0
    if any(are_opposite(one, other) for one in only_first for other in only_second):
        factor *= _OPPOSITE
    if _numbers(only_first) and _numbers(only_second):
        factor *= _NUMBER
    elif _names_another(only_first, only_second):
        factor *= _OTHER
    return factor


def _names_another(only_first: Set[str], only_second: Set[str]) -> bool:
    """Tell whether each text has a word that the other has not, nor anything like it: they are about two things of a kind."""
    first, second = (
        {word for word in words if word.isalpha() and word not in _SAYS_LITTLE} for words in (only_first, only_second)
    )
    near = {word: _nearest(word, dict.fromkeys(second, 1)) for word in first}
    first -= {word for word, found in near.items() if found}
    second -= {found for found in near.values() if found}
    return any(word.isascii() for word in first) and any(word.isascii() for word in second)


def _numbers(words: Iterable[str]) -> set[str]:
    return {word for word in words if any(one.isdigit() for one in word)}
