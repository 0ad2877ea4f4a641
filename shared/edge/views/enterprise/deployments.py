"""enterprise: deployments, and their events under the document's names."""

from collections.abc import Callable
from typing import Final, Literal

from shared.core import clock
from shared.delivery.deployments.rows import Deployment as DeploymentRow
from shared.edge.contracts.base import Shape
from shared.edge.views.enterprise.planning import Named
from shared.events import EventType
from shared.events.change import Change

EnvironmentName = Literal["dev", "staging", "production"]
Strategy = Literal["blue_green", "canary", "rolling", "ramp"]
Status = Literal["pending", "in_progress", "success", "failed", "rolled_back"]
STATUSES: Final[dict[str, Status]] = {
    "pending": "pending",
    "in_progress": "in_progress",
    "rolling_back": "in_progress",
    "success": "success",
    "failed": "failed",
    "rolled_back": "rolled_back",
}


class PerformanceMetrics(Shape):
    """What the target measured of the new version at the last step; null: it had no request."""

    p95_response_time_ms: int | None
    throughput_rps: float | None
    error_rate_percent: float | None


class Deployment(Shape):
    id: str
    build_id: str
    feature_id: str
    project_id: str
    environment: EnvironmentName
    status: Status
    deployment_strategy: Strategy
    canary_percentage: int | None
    approval_notes: str | None
    traffic_percentage: int
    """The share of the new version now, in percent."""
    health_check_status: Literal["healthy", "unhealthy"] | None
    error_rate_percent: float | None
    performance_metrics: PerformanceMetrics | None
    analysis: str | None
    """Why the last step was taken as it was, if there is anything to say."""
    failure_reason: str | None
    rollback_reason: str | None
    rolled_back_at: str | None
    started_at: str | None
    completed_at: str | None
    duration_seconds: int | None
    created_by: str
    created_at: str
    updated_at: str


def deployment(row: DeploymentRow) -> Deployment:
    measured = row.measured
    over = row.status in ("failed", "rolled_back")
    return Deployment(
        id=row.id,
        build_id=row.build_id,
        feature_id=row.item_id,
        project_id=str(row.proj_id),
        environment=row.environment,
        status=STATUSES[row.status],
        deployment_strategy=row.strategy,
        canary_percentage=row.canary_percentage,
        approval_notes=row.approval_notes,
        traffic_percentage=0 if over else row.share,
        health_check_status=row.health,
        error_rate_percent=measured.error_rate if measured else None,
        performance_metrics=PerformanceMetrics(
            p95_response_time_ms=None if measured.p95_ms is None else round(measured.p95_ms),
            throughput_rps=measured.throughput,
            error_rate_percent=measured.error_rate,
        )
        if measured
        else None,
        analysis=row.note,
        failure_reason=row.failure,
        rollback_reason=row.rollback_reason,
        rolled_back_at=row.rolled_back_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        duration_seconds=clock.seconds_between(row.started_at, row.completed_at) if row.started_at and row.completed_at else None,
        created_by=row.created_by["id"],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _told(change: Change) -> Named:
    return change.event.type.value, lambda: {"deployment": deployment(change.after(DeploymentRow)).model_dump()}


DEPLOYMENT_EVENTS: Final[dict[EventType, Callable[[Change], Named | None]]] = {
    EventType.DEPLOYMENT_STARTED: _told,
    EventType.DEPLOYMENT_COMPLETED: _told,
}
"""What the document calls the events of deployments, with its payloads."""
