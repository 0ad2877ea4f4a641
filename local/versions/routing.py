"""The routing of one environment: which version gets the next request, and what was measured of each."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

_KEPT = 20_000
"""Requests of a version that are remembered, at most."""


@dataclass
class Routing:
    """`weights` in percent by version. Requests are shared out in turn, so that shares are exact and not only likely."""

    weights: dict[str, int] = field(default_factory=dict)
    _credit: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, deque[tuple[float, bool, float]]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT)))
    _lock: Any = field(default_factory=Lock)

    def set_weights(self, weights: dict[str, int]) -> None:
        with self._lock:
            self.weights, self._credit = weights, dict.fromkeys(weights, 0)

    def choose(self) -> str | None:
        """Return the version of the next request: the one with the most credit, of which each gets its weight with every request."""
        with self._lock:
            if not self.weights:
                return None
            for version, weight in self.weights.items():
                self._credit[version] += weight
            chosen = max(self._credit, key=lambda version: self._credit[version])
            self._credit[chosen] -= sum(self.weights.values())
            return chosen

    def measure(self, version: str, failed: bool, milliseconds: float) -> None:
        with self._lock:
            self._seen[version].append((time.monotonic(), failed, milliseconds))

    def figures(self, version: str, seconds: float) -> dict[str, Any]:
        """Return what was measured of a version in the last `seconds`."""
        since = time.monotonic() - seconds
        with self._lock:
            seen = [one for one in self._seen[version] if one[0] >= since]
        times = sorted(milliseconds for _, _, milliseconds in seen)
        p95 = times[-(-95 * len(times) // 100) - 1] if times else None  # the nearest rank
        return {"requests": len(seen), "errors": sum(failed for _, failed, _ in seen), "p95_ms": p95}

    def forget(self, version: str) -> None:
        with self._lock:
            self._seen.pop(version, None)
