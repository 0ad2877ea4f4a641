"""How a strategy moves traffic: the steps of the new version's share, in percent. Nothing here reads or writes."""

from typing import Final, Literal

Strategy = Literal["blue_green", "canary", "rolling", "ramp"]
_SHARES: Final[dict[str, tuple[int, ...]]] = {"blue_green": (100,), "rolling": (25, 50, 75, 100), "ramp": (5, 10, 25, 50, 100)}
"""Our choice: rolling has four equal batches, and a ramp begins with a share that hurts few."""


def shares_of(strategy: str, canary_percentage: int | None = None) -> list[int]:
    """Return the steps of a strategy: from 0, where the new version is ready and has no traffic, to 100."""
    shares = (canary_percentage or 0, 100) if strategy == "canary" else _SHARES[strategy]
    return sorted({0, *shares})


def weights_of(new: str, old: str | None, share: int) -> dict[str, int]:
    """Return the weights of the two versions in percent, without those that have none. Without an old version the new one takes all."""
    if old is None:
        return {new: 100} if share else {}
    if old == new:  # the same version again: it keeps what it has
        return {new: 100}
    return {version: weight for version, weight in ((old, 100 - share), (new, share)) if weight}
