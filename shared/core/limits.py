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

    def number(self, now: int) -> int:
        """Return the number of the window that is open at `now` (epoch seconds)."""
        return now // self.window

    def reset(self, now: int) -> int:
        """Return when the window that is open at `now` ends; both in epoch seconds."""
        return (self.number(now) + 1) * self.window
