"""A rate limit, as contracts define it and the store counts it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RateRule:
    """At most `limit` requests in `window` seconds, counted under `name`."""

    name: str
    limit: int
    window: int
