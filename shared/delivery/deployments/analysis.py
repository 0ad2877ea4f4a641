"""The analysis gate: may the new version have more traffic? Nothing here reads or writes.

**Errors.** The two versions are compared by the test of two proportions (NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.3): with
x errors of n requests, p = x / n, and p0 = (x_new + x_old) / (n_new + n_old) over both,

    z = (p_new - p_old) / sqrt(p0 * (1 - p0) * (1 / n_new + 1 / n_old))

The new version fails if z is above 2.33 (a version that is no worse fails one gate of a hundred) and its rate is more than one percentage
point higher: a difference that is sure and matters to nobody fails no release. Without an old version to compare with, it fails above 5 %.

**Latency.** It fails if its p95 is more than one and a half times the old one's, and at least 50 ms longer. These limits are our choice.

**Sample.** Below the minimum of requests nothing is decided: the deployment waits another window, PATIENCE times in all. A version for
which there is not enough traffic even then goes on by its health alone, and the deployment says so, unless most of what came failed.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal

from shared.delivery.targets.port import Figures

SURE: Final = 2.33  # the 99th percentile of the standard normal distribution
ERROR_POINTS: Final = 1.0  # percentage points
ERRORS_ALONE: Final = 5.0  # percent
ERRORS_OF_FEW: Final = 50.0  # percent
P95_RATIO: Final = 1.5
P95_MS: Final = 50.0
PATIENCE: Final = 10
"""Windows in one step, at most."""


@dataclass(frozen=True)
class Verdict:
    """`reason` says why it is so, for people."""

    says: Literal["pass", "fail", "wait"]
    reason: str = ""


def judge(new: Figures, old: Figures | None, minimum: int, windows: int) -> Verdict:
    """Return whether the new version passes after so many windows. `minimum`: the requests without which nothing is decided."""
    if new.requests < minimum:
        if windows < PATIENCE:
            return Verdict("wait", f"{new.requests} of {minimum} requests")
        if (new.error_rate or 0.0) > ERRORS_OF_FEW:
            return Verdict("fail", f"{new.errors} of its {new.requests} requests failed")
        return Verdict("pass", f"Only {new.requests} of {minimum} requests came: its health alone decided")
    old = old if old is not None and old.requests >= minimum else None
    reason = _errors(new, old) or (_latency(new, old) if old else "")
    return Verdict("fail", reason) if reason else Verdict("pass", "" if old else "There was no version to compare with")


def deviation(new: Figures, old: Figures) -> float:
    """Return z of the test of two proportions; 0 where neither or every request failed."""
    together = (new.errors + old.errors) / (new.requests + old.requests)
    spread = sqrt(together * (1 - together) * (1 / new.requests + 1 / old.requests))
    return (new.errors / new.requests - old.errors / old.requests) / spread if spread else 0.0


def _errors(new: Figures, old: Figures | None) -> str:
    rate = new.error_rate or 0.0
    if old is None:
        return f"{rate:g} % of its requests failed" if rate > ERRORS_ALONE else ""
    before = old.error_rate or 0.0
    if rate - before > ERROR_POINTS and deviation(new, old) > SURE:
        return f"{rate:g} % of its requests failed, and {before:g} % of those of the version before it"
    return ""


def _latency(new: Figures, old: Figures) -> str:
    if new.p95_ms is None or old.p95_ms is None:
        return ""
    if new.p95_ms > P95_RATIO * old.p95_ms and new.p95_ms - old.p95_ms >= P95_MS:
        return f"95 % of its answers came within {new.p95_ms:.0f} ms, and {old.p95_ms:.0f} ms in the version before it"
    return ""
