"""What a quality gate asks for, and whether the values of a task are good enough.

type of metric    passes if the value is     threshold, unless one is given
coverage          at least                   80
lint              at most                    0
complexity        at most                    10
security, performance, documentation   at least   80
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

AT_LEAST, AT_MOST = ">=", "<="
METRIC_TYPES: Final = ("coverage", "lint", "complexity", "security", "performance", "documentation")
THRESHOLDS: Final[Mapping[str, float]] = MappingProxyType(
    {"coverage": 80, "lint": 0, "complexity": 10, "security": 80, "performance": 80, "documentation": 80}
)
"""Those of coverage and complexity are as in the original service."""
PREDICTED, CONFIDENCE = "predicted_quality_score", "prediction_confidence"
"""The metrics that a prediction makes."""
GATE_TYPES: Final = ("quality", "ml_prediction", "custom")
ACTIONS: Final = ("block", "warn", "log")
DEFAULT_GATE: Final = "default"
"""The gate that is there before one is defined. It warns."""


def operator_of(metric: str) -> str:
    return AT_MOST if metric in {"lint", "complexity"} else AT_LEAST


def passes(operator: str, value: float, threshold: float) -> bool:
    return value <= threshold if operator == AT_MOST else value >= threshold


@dataclass(frozen=True)
class Requirement:
    """A type or a name of metrics, and what its newest value must be."""

    metric: str
    operator: str
    threshold: float


@dataclass(frozen=True)
class Gate:
    """A gate. Without phases or types of tasks it is for all of them."""

    id: str
    name: str
    gate_type: str
    requirements: Sequence[Requirement]
    failure_action: str
    phases: Sequence[str] = ()
    task_types: Sequence[str] = ()
    enabled: bool = True

    @classmethod
    def stored(cls, raw: Mapping[str, Any]) -> "Gate":
        return cls(**{**raw, "requirements": [Requirement(**one) for one in raw["requirements"]]})

    def as_stored(self) -> dict[str, Any]:
        return asdict(self)

    def is_for(self, phase_id: str, task_type: str) -> bool:
        """Tell whether a task of this phase and type must pass it."""
        in_phase = not self.phases or phase_id in self.phases
        return self.enabled and in_phase and (not self.task_types or task_type in self.task_types)


def default_requirements(gate_type: str) -> list[Requirement]:
    """Return what a gate asks for that says nothing itself. A custom one must."""
    if gate_type == "ml_prediction":
        return [Requirement(PREDICTED, AT_LEAST, 0.6), Requirement(CONFIDENCE, AT_LEAST, 0.3)]
    return [Requirement(name, operator_of(name), THRESHOLDS[name]) for name in ("coverage", "complexity")]


def default_gate() -> Gate:
    return Gate(DEFAULT_GATE, "Default quality gate", "quality", default_requirements("quality"), "warn")


@dataclass(frozen=True)
class Outcome:
    """What became of a requirement. `value` is None if nothing was measured, which is not good enough."""

    requirement: Requirement
    value: float | None
    passed: bool

    @property
    def reason(self) -> str:
        wanted = f"{'at most' if self.requirement.operator == AT_MOST else 'at least'} {self.requirement.threshold:g}"
        if self.value is None:
            return f"{self.requirement.metric} was not measured; {wanted} is needed"
        return f"{self.requirement.metric} is {self.value:g}; {wanted} is needed"


def evaluate(gate: Gate, values: Mapping[str, Any]) -> list[Outcome]:
    """Return what becomes of each requirement of a gate with these values (`Measured.values`)."""
    found = []
    for one in gate.requirements:
        value = values[one.metric]["value"] if one.metric in values else None
        found.append(Outcome(one, value, value is not None and passes(one.operator, value, one.threshold)))
    return found


def held_by(gates: Mapping[str, Gate], values: Mapping[str, Any], phase_id: str, task_type: str) -> list[str]:
    """Return in words why gates that block hold a task with these values; nothing if none does."""
    blocking = [gate for gate in gates.values() if gate.failure_action == "block" and gate.is_for(phase_id, task_type)]
    return [f"{gate.name}: {one.reason}" for gate in blocking for one in evaluate(gate, values) if not one.passed]
