"""How unusual an agent is at the moment, from 0 to 1, against what is usual for agents of its type and phase in its workspace.

part        weight  what is compared
latency     0.35    the mean time of its tasks that ended within an hour, in standard deviations: three of them count as 1
errors      0.30    the share of these tasks that failed, against the usual share
resources   0.20    the CPU and memory that its heartbeat says (`cpu_usage_percent`, `memory_usage_mb`), against the usual ones
queue       0.15    the tasks that wait for its own: ten count as 1, critical ones twice

The weights and the threshold (0.8, of the alert rule) are the original service's. How many readings are needed, that unusual agents teach
nothing, and that an hour of tasks is not smoothed once more, is our choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, sqrt
from typing import Any, Final

from shared.core import clock
from shared.store import Ephemeral, JSONAttribute, NumberAttribute, UnicodeAttribute

WEIGHTS: Final[Mapping[str, float]] = {"latency": 0.35, "errors": 0.30, "resources": 0.20, "queue": 0.15}
EXTREME: Final = 3.0  # standard deviations
SMOOTHING: Final = 0.1  # the weight of a new value in what is usual
QUEUE: Final = 10  # tasks that wait
THRESHOLD: Final = 0.8
READINGS: Final = 3
"""Readings in a row at the threshold before somebody is told: a single one may be chance."""
LEARNED: Final = 5  # readings after which it is known what is usual
LEAST_DEVIATION: Final = 0.1  # of the mean: tasks that all take the same time make no other one extreme
RESOURCES: Final = ("cpu_usage_percent", "memory_usage_mb")
_MEASURES: Final = ("latency", "errors", *RESOURCES)
_KEPT: Final = 30 * 86_400  # seconds without a reading after which what is usual is forgotten
_FORGOTTEN: Final = 86_400  # seconds after the last reading of an agent


class Baseline(Ephemeral):
    """What is usual for the agents of a workspace of one type and phase, at `BASELINE#<workspace>, <type>#<phase>`."""

    usual = JSONAttribute(default=dict)
    """By measure: [its mean, its variance, the number of readings]."""

    @classmethod
    def key_of(cls, ws_id: str, agent_type: str, phase_id: str | None) -> tuple[str, str]:
        return f"BASELINE#{ws_id}", f"{agent_type}#{phase_id or ''}"

    def known(self, measure: str) -> tuple[float, float] | None:
        """Return the mean and the variance of a measure; None if it was read too seldom."""
        mean, variance, readings = self.usual.get(measure, (0, 0, 0))
        return (float(mean), float(variance)) if readings >= LEARNED else None

    def learn(self, values: Mapping[str, float]) -> None:
        """Let new values change what is usual: the mean of all for the first readings, then by SMOOTHING."""
        for measure, value in values.items():
            mean, variance, readings = self.usual.get(measure, (0, 0, 0))
            weight = max(SMOOTHING, 1 / (readings + 1))
            step = weight * (value - mean)
            self.usual[measure] = [
                round(mean + step, 6),
                round((1 - weight) * (variance + step * (value - mean)), 6),
                readings + 1,
            ]
        self.ttl = clock.epoch() + _KEPT


class AgentReading(Ephemeral):
    """The last reading of an agent, at `ANOMALY#<agent>, META`."""

    score = NumberAttribute(default=0)
    parts = JSONAttribute(default=dict)
    in_a_row = NumberAttribute(default=0)
    """Readings at the threshold or above, up to the last one."""
    since = UnicodeAttribute(null=True)  # when the first of them was
    at = UnicodeAttribute()

    @classmethod
    def key_of(cls, agent_id: str) -> tuple[str, str]:
        return f"ANOMALY#{agent_id}", "META"

    @property
    def is_anomaly(self) -> bool:
        return int(self.in_a_row) >= READINGS


@dataclass(frozen=True)
class Measured:
    """What is known of an agent at one moment; None: nothing."""

    latency: float | None = None
    """The mean seconds of its tasks that ended within an hour."""
    failed: float | None = None
    """The share of these tasks that failed."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    waiting: Sequence[str] = ()
    """The priorities of the tasks that wait for its own."""


def read(agent_id: str, measured: Measured, before: AgentReading | None, baseline: Baseline) -> AgentReading:
    """Return the next reading of an agent."""
    parts = {
        "latency": _latency(measured.latency, baseline.known("latency")),
        "errors": _errors(measured.failed, baseline.known("errors")),
        "resources": _resources(measured.metrics, baseline),
        "queue": min(1.0, sum(2 if one == "critical" else 1 for one in measured.waiting) / QUEUE),
    }
    score = round(sum(WEIGHTS[name] * part for name, part in parts.items()), 4)
    pk, sk = AgentReading.key_of(agent_id)
    now = clock.iso()
    high = score >= THRESHOLD
    goes_on = high and before is not None and int(before.in_a_row) > 0
    return AgentReading(
        pk=pk,
        sk=sk,
        score=score,
        parts={name: round(part, 2) for name, part in parts.items()},
        in_a_row=(int(before.in_a_row) + 1 if goes_on and before else 1) if high else 0,
        since=(before.since if goes_on and before else now) if high else None,
        at=now,
        ttl=clock.epoch() + _FORGOTTEN,
    )


def values_of(measured: Measured) -> dict[str, float]:
    """Return what a baseline learns of an agent."""
    found = {"latency": measured.latency, "errors": measured.failed} | {
        name: _number(measured.metrics, name) for name in RESOURCES
    }
    return {name: value for name in _MEASURES if (value := found[name]) is not None}


def _latency(seconds: float | None, usual: tuple[float, float] | None) -> float:
    if seconds is None or usual is None or usual[0] <= 0:
        return 0.0
    mean, variance = usual
    return min(1.0, abs(seconds - mean) / max(sqrt(variance), LEAST_DEVIATION * mean) / EXTREME)


def _errors(share: float | None, usual: tuple[float, float] | None) -> float:
    """Return the share of errors; where some are usual, by how much there are more, as a multiple of the usual."""
    if share is None:
        return 0.0
    mean = usual[0] if usual else 0.0
    return min(1.0, max(0.0, (share - mean) / mean)) if mean > 0 else share


def _resources(metrics: Mapping[str, Any], baseline: Baseline) -> float:
    """Return the mean of how far those metrics are from the usual that were said and are known: as far as the usual counts as 1."""
    skews = []
    for name in RESOURCES:
        value, usual = _number(metrics, name), baseline.known(name)
        if value is not None and usual is not None and usual[0] > 0:
            skews.append(min(1.0, abs(value - usual[0]) / max(usual[0], 1.0)))
    return sum(skews) / len(skews) if skews else 0.0


def _number(metrics: Mapping[str, Any], name: str) -> float | None:
    value = metrics.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        return None
    return float(min(value, 1e12))
