"""Limits that several parts of the platform must agree on."""

from dataclasses import dataclass
from typing import Final

MAX_TOKENS: Final = 64_000
"""Tokens of one answer of a model, at most."""


@dataclass(frozen=True)
class RateRule:
    """A rate limit, as contracts define it and the store counts it: at most `limit` requests in `window` seconds, counted under `name`."""

    name: str
    limit: int
    window: int
