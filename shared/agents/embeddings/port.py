"""What an embedding is to the rest of the platform."""

from collections.abc import Sequence
from operator import mul
from typing import Protocol

Vector = Sequence[float]


class Embedder(Protocol):
    """Turns texts into vectors of length 1. Vectors of different names or dimensions cannot be compared: keep both with what is stored."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text, in their order. Raises Upstream if a service that is asked does not answer."""
        ...


def cosine(one: Vector, other: Vector) -> float:
    """Return how alike two vectors of length 1 are: 1 for the same direction, 0 for nothing in common."""
    product: float = sum(map(mul, one, other))
    return product


def unit(vector: Vector) -> list[float]:
    """Return the vector with length 1; one of zeros stays as it is."""
    length = cosine(vector, vector) ** 0.5
    return [value / length for value in vector] if length else list(vector)
