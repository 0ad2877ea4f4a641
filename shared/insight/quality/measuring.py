"""Recording what was measured of a task."""

from dataclasses import dataclass
from typing import Any, Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.core.errors import LimitExceeded
from shared.core.ids import bare_id, new_id
from shared.core.situations import Situation
from shared.events import EventType, record
from shared.insight.quality.rows import QualityMetric, metrics_of_task
from shared.store import collection, count, create, fetch_all, load, read_ahead, retrying, write
from shared.work.quality_gates.holding import Standing, measure, read_standing
from shared.work.quality_gates.rules import METRIC_TYPES, THRESHOLDS, operator_of, passes
from shared.work.tasks.changing import refuse_archived, subject_of
from shared.work.tasks.creating import task_conditions
from shared.work.tasks.rows import TaskHead

MAX_METRICS: Final = 500
"""Metrics of a task. A race may add a few."""
_MAX_NAMES: Final = 50  # names of metrics whose newest value gates know, beside the types


@dataclass(frozen=True)
class NewMetric:
    """A measurement. Without a threshold it is that of the type (`quality_gates.rules`)."""

    metric_type: str
    name: str
    value: float
    threshold: float | None = None
    metadata: dict[str, Any] | None = None


def record_metric(actor: Actor, task_id: str, new: NewMetric) -> QualityMetric:
    """Record a metric of a task, and with it whether a quality gate holds the task now.

    Three round trips: the task; its gates and what was measured before; the transaction. Raises NotFound, Forbidden, LimitExceeded,
    Conflict (CARD_ARCHIVED, PROJECT_ARCHIVED).
    """
    metric_id = new_id()
    held = read_ahead(lambda: count(QualityMetric, metrics_of_task(bare_id(task_id)), index=1))

    def attempt(_: int) -> QualityMetric:
        task = load(TaskHead, task_id, actor, Permission.CARD_EDIT)
        refuse_archived(task)
        if held.result() >= MAX_METRICS:
            reason = f"A task takes at most {MAX_METRICS} quality metrics"
            raise LimitExceeded(Situation.LIMIT_REACHED, reason, {"limit": MAX_METRICS})
        metric = _metric(actor, task, metric_id, new)
        standing = read_standing(subject_of(task))
        written = measure(standing, _values(standing, metric))[1]
        write(create(metric), written, *task_conditions(task))
        return metric

    return retrying(attempt)


def _metric(actor: Actor, task: TaskHead, metric_id: str, new: NewMetric) -> QualityMetric:
    threshold = THRESHOLDS[new.metric_type] if new.threshold is None else new.threshold
    passed = passes(operator_of(new.metric_type), new.value, threshold)
    metric = QualityMetric.new(
        metric_id,
        org_id=task.org_id,
        ws_id=task.ws_id,
        proj_id=task.proj_id,
        task_id=task.id,
        item_id=task.item_id,
        phase_id=task.phase_id,
        metric_type=new.metric_type,
        name=new.name,
        value=new.value,
        threshold=threshold,
        passed=passed,
        metadata=new.metadata,
        measured_by=actor.summary,
    )
    values: dict[str, Any] = {"metric_type": new.metric_type, "name": new.name, "value": new.value, "passed": passed}
    record(metric, EventType.QUALITY_MEASURED, actor, card_id=task.item_id, task_id=task.id, **values)
    return metric


def _values(standing: Standing, metric: QualityMetric) -> dict[str, Any]:
    """Return the newest values of a task by types and names: of more than _MAX_NAMES names those that were measured last."""
    newest = {"value": metric.value, "passed": metric.passed, "at": clock.iso()}
    values = standing.values | {metric.metric_type: newest}
    if metric.name not in METRIC_TYPES:  # a name is no other type
        values[metric.name] = newest
    names = sorted((name for name in values if name not in METRIC_TYPES), key=lambda name: values[name]["at"])
    return {name: value for name, value in values.items() if name not in names[:-_MAX_NAMES]}


def list_metrics(actor: Actor, task_id: str) -> list[QualityMetric]:
    """Return the metrics of a task, oldest first. Two round trips. Raises NotFound, Forbidden."""
    rows = read_ahead(lambda: collection(1, metrics_of_task(bare_id(task_id))))
    load(TaskHead, task_id, actor, Permission.CARD_READ)
    return fetch_all(QualityMetric, [row.id for row in rows.result()], to_show=True)
