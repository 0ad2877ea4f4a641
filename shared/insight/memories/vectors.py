"""Vectors as texts of one character for each number: 63 steps between the smallest and the largest, one byte each.

The cosine of a packed vector differs from that of the exact one by about 0.005. A product with a packed vector needs no unpacking: only the
numbers of the question that are not zero are looked at.
"""

from collections.abc import Sequence
from operator import itemgetter, mul
from typing import Final

from shared.agents.embeddings.port import Vector

_STEPS: Final = 31
_ZERO: Final = 80  # the characters are 49 to 111: one byte in UTF-8
_RELATED: Final = 0.26
"""The cosine that is shown as THRESHOLD: from it on two texts of this kind are about the same (`tests/data/memory_queries.yaml`)."""
THRESHOLD: Final = 0.7
"""The similarity from which on a memory is found, as in the original service."""


def pack(vector: Vector) -> tuple[str, float]:
    """Return a vector as a text, and the size of its steps."""
    step = max(map(abs, vector), default=0.0) / _STEPS or 1.0
    return "".join(chr(_ZERO + round(value / step)) for value in vector), round(step, 6)


def shown(cosine: float) -> float:
    """Return a cosine as the similarity that is shown, from 0 to 1."""
    cosine = min(max(cosine, 0.0), 1.0)
    if cosine <= _RELATED:
        return cosine / _RELATED * THRESHOLD
    return THRESHOLD + (cosine - _RELATED) / (1 - _RELATED) * (1 - THRESHOLD)


class Question:
    """A vector with which packed ones are compared."""

    def __init__(self, vector: Sequence[float]) -> None:
        places = [place for place, value in enumerate(vector) if value] or [0]
        self._values = [vector[place] for place in places]
        self._at = itemgetter(*places, places[0])  # the first twice: of one place alone it would return no tuple
        self._offset = _ZERO * sum(self._values)

    def cosine(self, packed: str, step: float) -> float:
        """Return the cosine of the question and a packed vector of as many numbers."""
        product: float = sum(map(mul, self._values, self._at(packed.encode())))
        return step * (product - self._offset)


def unpack(packed: str, step: float) -> list[float]:
    """Return the numbers of a packed vector."""
    return [step * (one - _ZERO) for one in packed.encode()]
