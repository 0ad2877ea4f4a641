"""The embedded embedding: features of the words of a text, hashed into the dimensions of a vector. It needs no model and no download.

A text of the same words in another order, with other endings or with typing errors has a similar vector; one of the same meaning in quite
other words has not, except for the words that `tables.toml` knows as alike.

feature                     weight
a word                      1, less if many texts of a tracker have it
three letters of a word     0.8 in all of them together: what a typing error leaves
two words that follow       0.3
"""

import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from shared.agents.embeddings.port import unit
from shared.agents.embeddings.words import words_of

NAME: Final = "cadre-hashed-1"
DIMENSION: Final = 384
_LETTERS, _FOLLOWING = 0.8, 0.3
COMMON: Final = frozenset(
    {"add", "change", "fix", "broken", "remove", "show", "new", "use", "make"}
    | {"support", "get", "set", "issue", "ticket", "task", "work"}
)
"""Words that many texts of a tracker have."""
WEIGHT_OF_COMMON: Final = 0.5
_MAX_CHARACTERS: Final = 8_000  # of a text: what services take, too


class HashedEmbedder:
    name = NAME
    dimension = DIMENSION

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [_embed(text) for text in texts]


def _embed(text: str) -> list[float]:
    vector = [0.0] * DIMENSION
    for feature, weight in _features(words_of(text[:_MAX_CHARACTERS])):
        hashed = zlib.crc32(feature.encode())
        vector[hashed % DIMENSION] += weight if hashed & 0x80000000 else -weight
    return unit(vector)


def _features(words: list[str]) -> Iterator[tuple[str, float]]:
    for word in words:
        weight = WEIGHT_OF_COMMON if word in COMMON else 1.0
        yield f"w{word}", weight
        if len(word) > 2:
            padded = f"<{word}>"
            share = weight * _LETTERS / (len(padded) - 2) ** 0.5
            yield from ((f"l{padded[at : at + 3]}", share) for at in range(len(padded) - 2))
    for one, other in pairwise(words):
        yield f"f{one} {other}", _FOLLOWING
