"""The row of a metric. Index 1 lists those of a task, index 2 those of a workspace, index 3 those of a phase in it."""

from typing import Any

from shared.store import BooleanAttribute, Entity, JSONAttribute, NumberAttribute, UnicodeAttribute


class QualityMetric(Entity):
    KIND = "QMETRIC"
    NAME = "quality metric"

    task_id = UnicodeAttribute()
    item_id = UnicodeAttribute()
    phase_id = UnicodeAttribute()
    metric_type = UnicodeAttribute()  # rules.METRIC_TYPES
    name = UnicodeAttribute()
    value = NumberAttribute()
    threshold = NumberAttribute()
    passed = BooleanAttribute()
    metadata = JSONAttribute(null=True)
    measured_by = JSONAttribute()

    def indexes(self) -> dict[int, tuple[str, str]]:
        place = f"{self.created_at}#{self.id}"
        return {
            1: (metrics_of_task(self.task_id), place),
            2: (metrics_of(str(self.ws_id)), place),
            3: (metrics_of(str(self.ws_id), self.phase_id), place),
        }

    def filters(self) -> dict[str, Any]:
        return {"of": self.metric_type, "value": self.value, "passed": self.passed, "project": self.proj_id}


def metrics_of_task(task_id: str) -> str:
    """Return the partition of index 1 that holds the metrics of a task, oldest first."""
    return f"TASK#{task_id}#QMETRIC"


def metrics_of(ws_id: str, phase_id: str | None = None) -> str:
    """Return the partition of index 2 that holds the metrics of a workspace, or of index 3 for those of a phase, oldest first."""
    return f"WS#{ws_id}#QMETRIC" + (f"#{phase_id}" if phase_id else "")
