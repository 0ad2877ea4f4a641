"""Make the table of words in company (`shared/agents/embeddings/company.bin`) from GloVe's vectors.

    python -m tools.word_vectors glove.6B.50d.txt

The file is that of https://nlp.stanford.edu/projects/glove/ (Pennington, Socher, Manning 2014; public domain, PDDL 1.0): vectors of words
that stand in like company in Wikipedia and news. Words of one stem become one; what all vectors have in common is taken out of them (their
mean and their two main directions, Mu and Viswanath 2018); each number becomes one byte, and one more is how much the word says.
"""

import argparse
from collections.abc import Iterator, Sequence
from operator import mul
from pathlib import Path
from typing import Final

from shared.agents.embeddings.company import COMPANY, DIMENSION, packed
from shared.agents.embeddings.words import words_of

WORDS: Final = 60_000  # of the file, which has the most frequent ones first
_COMMON: Final = 2  # main directions that say nothing
_ROUNDS: Final = 30  # of the power iteration
_ZIPF: Final = 2.7  # the word of rank r is about 1 / (r + 2.7) of a text (Mandelbrot)
_SAYS: Final = 1e-4  # the share of a text at which a word says half (Arora, Liang, Ma 2017)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the table of words in company from GloVe's vectors")
    parser.add_argument("glove", type=Path)
    parser.add_argument("--words", type=int, default=WORDS)
    chosen = parser.parse_args(arguments)
    rows = list(read(chosen.glove, chosen.words))
    COMPANY.write_bytes(packed(table(rows)))


def read(path: Path, number: int) -> Iterator[tuple[int, str, list[float]]]:
    """Yield the words of the file that are words, with their ranks and vectors."""
    with path.open(encoding="utf-8") as lines:
        for rank, line in zip(range(number), lines, strict=False):
            word, *values = line.split(" ")
            if word.isalpha() and word.isascii():
                yield rank, word, [float(value) for value in values]


def table(rows: Sequence[tuple[int, str, list[float]]]) -> dict[str, tuple[float, list[float]]]:
    """Return for each word as it is compared how much it says, from 0 to 1, and its vector of length 1."""
    total = sum(1 / (rank + _ZIPF) for rank, _, _ in rows)
    shares: dict[str, float] = {}
    vectors: dict[str, list[float]] = {}
    for (rank, word, _), vector in zip(rows, _cleaned([one for _, _, one in rows]), strict=True):
        found = words_of(word)
        if len(found) == 1:
            share = 1 / (rank + _ZIPF) / total
            shares[found[0]] = shares.get(found[0], 0.0) + share
            sum_ = vectors.setdefault(found[0], [0.0] * DIMENSION)
            vectors[found[0]] = [old + share**0.5 * new for old, new in zip(sum_, _unit(vector), strict=True)]
    return {word: (_SAYS / (_SAYS + shares[word]), _unit(vector)) for word, vector in vectors.items()}


def _cleaned(vectors: list[list[float]]) -> list[list[float]]:
    """Return the vectors without what they have in common."""
    mean = [sum(column) / len(vectors) for column in zip(*vectors, strict=True)]
    found = [[value - middle for value, middle in zip(one, mean, strict=True)] for one in vectors]
    for _ in range(_COMMON):
        direction = _unit([1.0 + at for at in range(DIMENSION)])
        for _ in range(_ROUNDS):
            sums = [0.0] * DIMENSION
            for one in found:
                part = sum(map(mul, one, direction))
                sums = [old + part * value for old, value in zip(sums, one, strict=True)]
            direction = _unit(sums)
        for at, one in enumerate(found):
            part = sum(map(mul, one, direction))
            found[at] = [value - part * common for value, common in zip(one, direction, strict=True)]
    return found


def _unit(vector: Sequence[float]) -> list[float]:
    length = sum(value * value for value in vector) ** 0.5 or 1.0
    return [value / length for value in vector]


if __name__ == "__main__":
    main()
