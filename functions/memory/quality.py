"""omoios, what the document counts as existing: the quality of tasks, and gates that hold back what is not good enough."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AfterValidator, Field, StringConstraints

from shared.core.actor import Permission
from shared.core.errors import FieldError, Invalid
from shared.core.situations import Situation
from shared.core.texts import write_json
from shared.edge.contracts.base import Request, Shape
from shared.edge.contracts.fields import Form, Name, OneLine, Seen
from shared.edge.contracts.omoios import Id, Phase
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.edge.views.omoios.tasks import known_phase
from shared.insight.quality import gating
from shared.insight.quality.measuring import NewMetric, list_metrics, record_metric
from shared.insight.quality.predicting import predict
from shared.insight.quality.rows import QualityMetric
from shared.insight.quality.trends import get_trends
from shared.work.quality_gates.rules import Gate, Outcome, Requirement, operator_of

WRITTEN = (Situation.CARD_ARCHIVED, Situation.PROJECT_ARCHIVED)
MAX_METADATA = 5_000
"""Characters of metadata as JSON."""
Value = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
MetricType = Literal["coverage", "lint", "complexity", "security", "performance", "documentation"]
MetricName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), OneLine]
Description = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), Seen]
TaskType = Annotated[
    str, Form(r"^[a-z][a-z0-9_]{0,49}$", "Should be a word such as implementation: letters from a to z, digits, _")
]
GateId = Annotated[str, Form(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", "Should be 1 to 64 letters, digits, hyphens and underscores")]


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    if len(write_json(value)) > MAX_METADATA:
        raise ValueError(f"Takes at most {MAX_METADATA:,} characters as JSON")
    return value


class RecordMetricRequest(Request):
    """Without a threshold it is that of the type: coverage, security, performance and documentation at least 80, complexity at most 10,
    lint at most 0."""

    task_id: Id
    metric_type: MetricType
    metric_name: MetricName
    value: Value
    threshold: Value | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(_metadata)] | None = None


class Metric(Shape):
    id: str
    task_id: str
    metric_type: str
    metric_name: str
    value: float
    threshold: float
    passed: bool
    metadata: dict[str, Any] | None
    phase_id: str
    measured_at: str


class PredictQualityRequest(Request):
    task_description: Description
    task_type: TaskType | None = None


class QualityPredictionResponse(Shape):
    """`confidence` is 0, and the score says nothing, where nothing similar has been done yet."""

    predicted_quality_score: float
    confidence: float
    similar_task_count: int
    pattern_count: int
    recommendations: list[str]
    risk_level: str


class QualityTrend(Shape):
    average_value: float
    pass_rate: float
    sample_count: int


class QualityTrends(Shape):
    trends: dict[str, QualityTrend]
    metrics_analyzed: int
    overall_pass_rate: float


class NoTrends(Shape):
    trend: Literal["no_data"]
    metrics_analyzed: int


class EvaluateGateRequest(Request):
    task_id: Id


class GateRequirement(Request):
    """`metric` is a type of metrics, or the name of one. Without an operator it is `<=` for lint and complexity, else `>=`."""

    metric: MetricName
    threshold: Value
    operator: Literal[">=", "<="] | None = None


class SetGateRequest(Request):
    """A gate that blocks keeps tasks from being completed, and their tickets in the phase, until what it asks for was measured and is
    good enough. Without phases or types of tasks it is for all. Without requirements it asks for coverage and complexity; a gate of
    predictions asks for a score of 0.6 with a confidence of 0.3."""

    name: Name | None = None
    gate_type: Literal["quality", "ml_prediction", "custom"] = "quality"
    requirements: Annotated[list[GateRequirement], Field(max_length=20)] = []
    failure_action: Literal["block", "warn", "log"] = "block"
    phases: Annotated[list[Phase], Field(max_length=10)] = []
    task_types: Annotated[list[TaskType], Field(max_length=20)] = []
    enabled: bool = True
    project_id: Annotated[Id | None, Field(description="By default the gate is the default workspace's")] = None


class QualityGate(Shape):
    gate_id: str
    name: str
    gate_type: str
    requirements: list[dict[str, Any]]
    failure_action: str
    phases: list[str]
    task_types: list[str]
    enabled: bool


class RequirementOutcome(Shape):
    """`value` is null if nothing was measured, which is not good enough."""

    metric: str
    operator: str
    threshold: float
    value: float | None
    passed: bool
    message: str


class GateEvaluation(Shape):
    """`blocked`: the task cannot be completed until this is better. `applies`: the gate is for tasks of this phase and type."""

    gate_id: str
    task_id: str
    gate_type: str
    passed: bool
    failure_action: str
    applies: bool
    blocked: bool
    requirements: list[RequirementOutcome]
    failures: list[RequirementOutcome]


def _metric(row: QualityMetric) -> Metric:
    return Metric(
        id=row.id,
        task_id=row.task_id,
        metric_type=row.metric_type,
        metric_name=row.name,
        value=float(row.value),
        threshold=float(row.threshold),
        passed=row.passed,
        metadata=row.metadata,
        phase_id=row.phase_id,
        measured_at=row.created_at,
    )


async def record(body: RecordMetricRequest, caller: Caller) -> Metric:
    """Record what was measured of a task. Gates look at the newest value of each type and name."""
    new = NewMetric(body.metric_type, body.metric_name, body.value, body.threshold, body.metadata)
    return _metric(record_metric(caller, body.task_id, new))


async def get(task_id: str, caller: Caller) -> list[Metric]:
    """List the metrics of a task, oldest first: 500 at most."""
    return [_metric(row) for row in list_metrics(caller, task_id)]


async def predict_quality(body: PredictQualityRequest, caller: Caller) -> QualityPredictionResponse:
    """Say what quality is to be expected of a task, by what became of similar ones and was measured of them."""
    found = predict(caller, body.task_description, body.task_type)
    return QualityPredictionResponse(
        predicted_quality_score=found.score,
        confidence=found.confidence,
        similar_task_count=found.similar,
        pattern_count=found.patterns,
        recommendations=found.recommendations,
        risk_level=found.risk,
    )


async def trends(
    caller: Caller,
    phase_id: Phase | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 10,
    project_id: Id | None = None,
) -> QualityTrends | NoTrends:
    """Show the mean and the share that passed of the newest `limit` metrics by type, of a phase or of all."""
    found = get_trends(caller, known_phase(phase_id), limit, project_id)
    if not found.analyzed:
        return NoTrends(trend="no_data", metrics_analyzed=0)
    shown = {name: QualityTrend(**vars(one)) for name, one in found.by_type.items()}
    return QualityTrends(trends=shown, metrics_analyzed=found.analyzed, overall_pass_rate=found.pass_rate)


async def set_gate(gate_id: GateId, body: SetGateRequest, caller: Caller) -> QualityGate:
    """Define a quality gate of a project or of the default workspace, or change it. `default` is there already, and only warns."""
    requirements = [Requirement(one.metric, one.operator or operator_of(one.metric), one.threshold) for one in body.requirements]
    phases = [str(known_phase(one)) for one in body.phases]
    gate = Gate(
        gate_id,
        body.name or gate_id,
        body.gate_type,
        requirements,
        body.failure_action,
        phases,
        body.task_types,
        body.enabled,
    )
    stored = gating.define_gate(caller, gate, body.project_id).as_stored()
    return QualityGate(gate_id=stored.pop("id"), **stored)


async def evaluate_gate(
    gate_id: str,
    caller: Caller,
    body: EvaluateGateRequest | None = None,
    task_id: Annotated[Id | None, Query(description="As the original service takes it; else it is in the body")] = None,
) -> GateEvaluation:
    """Hold a task against a quality gate: each of its requirements with the newest value."""
    named = body.task_id if body else task_id
    if named is None:
        raise Invalid(FieldError("task_id", "Field required"))
    found = gating.evaluate_gate(caller, gate_id, named)
    outcomes = [_outcome(one) for one in found.outcomes]
    return GateEvaluation(
        gate_id=found.gate.id,
        task_id=found.task_id,
        gate_type=found.gate.gate_type,
        passed=found.passed,
        failure_action=found.gate.failure_action,
        applies=found.applies,
        blocked=found.blocked,
        requirements=outcomes,
        failures=[one for one in outcomes if not one.passed],
    )


def _outcome(one: Outcome) -> RequirementOutcome:
    return RequirementOutcome(
        **vars(one.requirement), value=one.value, passed=one.passed, message="" if one.passed else one.reason
    )


def publish(routes: Routes) -> None:
    """Declare the operations on quality."""
    reads, edits = Permission.CARD_READ, Permission.CARD_EDIT
    embedded = (Situation.PROVIDER_UNAVAILABLE,)
    routes.post(
        "/quality/metrics/record", "quality.record", status=201, permission=edits, errors=(*WRITTEN, Situation.LIMIT_REACHED)
    )(record)
    routes.get("/quality/metrics/{task_id}", "quality.get", permission=reads)(get)
    routes.post("/quality/predict", "quality.predict", permission=reads, errors=embedded)(predict_quality)
    routes.get("/quality/trends", "quality.trends", permission=reads)(trends)
    routes.put(
        "/quality/gates/{gate_id}",
        "quality.setGate",
        permission=Permission.PROJECT_WRITE,
        addition=True,
        errors=(Situation.PROJECT_ARCHIVED, Situation.LIMIT_REACHED),
    )(set_gate)
    routes.post("/quality/gates/{gate_id}/evaluate", "quality.evaluateGate", permission=edits, errors=(*WRITTEN, *embedded))(
        evaluate_gate
    )
