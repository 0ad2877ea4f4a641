"""The embedded embedding of searches: the words of a text, and beside them the company that they keep elsewhere.

"Wage" and "salary" stand in like company in the texts of the world, so vectors that were learned there are alike (`company.bin`, made by
`tools/word_vectors.py`; English). They find what says the same in other words; but they do not tell a thing from its opposite, so whether
two tickets are the same is asked of `hashed` alone.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from shared.agents.embeddings import hashed
from shared.agents.embeddings.port import unit
from shared.agents.embeddings.words import words_of

NAME: Final = "cadre-company-1"
COMPANY: Final = Path(__file__).parent / "company.bin"
DIMENSION: Final = 50  # of the learned vectors
SHARE: Final = 0.3
"""The share of the learned vectors in the cosine of two texts."""
_STEPS: Final = 200  # of a number from 0 to 1; larger ones than 0.63 are cut
_ZERO: Final = 128
_MAX_CHARACTERS: Final = 8_000  # of a text, as in `hashed`


class CompanyEmbedder:
    name = NAME
    dimension = hashed.DIMENSION + DIMENSION

    def __init__(self) -> None:
        self._words = hashed.HashedEmbedder()

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        said = self._words.embed(texts)
        return [unit([*_scaled(one, 1 - SHARE), *_scaled(_learned(text), SHARE)]) for text, one in zip(texts, said, strict=True)]


def _scaled(vector: Sequence[float], share: float) -> list[float]:
    factor: float = share**0.5
    return [value * factor for value in vector]


def _learned(text: str) -> list[float]:
    """Return the sum of the vectors of a text's words, each by how much it says; zeros if none of them is known."""
    numbers, places = _table()
    vector = [0.0] * DIMENSION
    for word in dict.fromkeys(words_of(text[:_MAX_CHARACTERS])):
        if (at := places.get(word)) is not None:
            says, *values = numbers[at : at + DIMENSION + 1]
            vector = [old + says * (value - _ZERO) for old, value in zip(vector, values, strict=True)]
    return unit(vector)


@cache
def _table() -> tuple[bytes, Mapping[str, int]]:
    """Return the numbers of all words and where those of each begin, read once in a process."""
    head, numbers = COMPANY.read_bytes().split(b"\n\n", 1)
    return numbers, {word: at * (DIMENSION + 1) for at, word in enumerate(head.decode("ascii").split("\n"))}


def packed(table: Mapping[str, tuple[float, Sequence[float]]]) -> bytes:
    """Return a table as its file: the words, line by line, an empty line, then for each word how much it says and its numbers."""
    rows = (
        bytes([round(says * 255), *(_ZERO + max(-127, min(127, round(value * _STEPS))) for value in vector)])
        for says, vector in table.values()
    )
    return "\n".join(table).encode("ascii") + b"\n\n" + b"".join(rows)
