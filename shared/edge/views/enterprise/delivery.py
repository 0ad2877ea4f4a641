"""enterprise: builds, vulnerabilities and operations, and their events under the document's names."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field

from shared.delivery.builds.rows import SEVERITIES
from shared.delivery.builds.rows import Build as BuildRow
from shared.delivery.builds.rows import Vulnerability as VulnerabilityRow
from shared.delivery.operations.progress import Where
from shared.delivery.operations.rows import OperationRow
from shared.edge.contracts.base import Shape
from shared.edge.views.enterprise.planning import Named
from shared.events import EventType
from shared.events.change import Change

T = TypeVar("T")


def _is_unknown(value: Any) -> bool:
    return value is None


Measured = Annotated[T | None, Field(default=None, exclude_if=_is_unknown)]
"""A value that is absent if it was neither told nor measured."""
POLL_SECONDS: Final = 5
"""The document's."""
BuildStatus = Literal["pending", "building", "success", "failed", "cancelled"]
ScanStatus = Literal["passed", "failed", "warnings"]
Severity = Literal["critical", "high", "medium", "low"]


class Build(Shape):
    id: str
    feature_id: str
    project_id: str
    build_number: int
    version_tag: Measured[str]
    git_commit_hash: Measured[str]
    git_branch: Measured[str]
    status: BuildStatus
    failure_reason: Measured[str]
    docker_image_url: Measured[str]
    docker_image_size_bytes: Measured[int]
    artifact_size_bytes: Measured[int]
    tests_run: Measured[int]
    tests_passed: Measured[int]
    tests_failed: Measured[int]
    code_coverage_percent: Measured[float]
    security_scan_status: Measured[ScanStatus]
    vulnerabilities_critical: Measured[int]
    vulnerabilities_high: Measured[int]
    vulnerabilities_medium: Measured[int]
    vulnerabilities_low: Measured[int]
    operation_id: Measured[str]
    started_at: Measured[str]
    completed_at: Measured[str]
    duration_seconds: Measured[int]
    created_at: str


class Vulnerability(Shape):
    id: str
    build_id: str
    feature_id: str
    project_id: str
    severity: Severity
    title: str
    rule: Measured[str]
    package: Measured[str]
    location: Measured[str]
    status: str
    detected_at: str


def build(row: BuildRow) -> Build:
    same = ("version_tag", "git_commit_hash", "git_branch", "docker_image_url", "docker_image_size_bytes", "artifact_size_bytes")
    more = ("tests_run", "tests_passed", "tests_failed", "security_scan_status", "operation_id", "duration_seconds")
    times = ("started_at", "completed_at", "created_at")
    found = row.vulnerabilities or {}
    return Build(
        id=row.id,
        feature_id=row.item_id,
        project_id=str(row.proj_id),
        build_number=row.number,
        status=row.status,
        failure_reason=row.reason,
        code_coverage_percent=row.coverage,
        **{f"vulnerabilities_{severity}": found.get(severity) for severity in SEVERITIES},
        **{name: getattr(row, name) for name in (*same, *more, *times)},
    )


def vulnerability(row: VulnerabilityRow) -> Vulnerability:
    same = ("id", "build_id", "severity", "title", "rule", "package", "location", "status", "detected_at")
    return Vulnerability(feature_id=row.item_id, project_id=str(row.proj_id), **{name: getattr(row, name) for name in same})


def build_completed(change: Change) -> Named | None:
    return "build.completed", lambda: {"build": build(change.after(BuildRow)).model_dump()}


def vulnerability_detected(change: Change) -> Named | None:
    return "vulnerability.detected", lambda: {"vulnerability": vulnerability(change.after(VulnerabilityRow)).model_dump()}


DELIVERY_EVENTS: Final[dict[EventType, Callable[[Change], Named | None]]] = {
    EventType.BUILD_FINISHED: build_completed,
    EventType.VULNERABILITY_FOUND: vulnerability_detected,
}
"""What the document calls the events of builds, with its payloads."""


OperationStatus = Literal["pending", "in_progress", "completed", "failed", "cancelled"]


class AcceptedOperation(Shape):
    """What is answered at once. `resource_type` and `resource_id` name what is being made."""

    operation_id: str
    status: OperationStatus
    resource_type: Literal["deployment", "build"]
    resource_id: str
    build_id: str
    progress_url: str
    poll_interval_seconds: int


class Operation(Shape):
    operation_id: str
    status: OperationStatus
    progress_percent: int
    eta_seconds: Measured[int]
    current_step: Measured[str]
    failure_reason: Measured[str]
    build_url: str
    resource_url: Measured[str]
    completed_at: Measured[str]
    result_url: Measured[str]


def accepted(row: OperationRow) -> AcceptedOperation:
    return AcceptedOperation(
        operation_id=row.id,
        status=row.status,
        resource_type="deployment" if row.deployment_id else "build",
        resource_id=row.deployment_id or row.build_id,
        build_id=row.build_id,
        progress_url=f"/operations/{row.id}",
        poll_interval_seconds=POLL_SECONDS,
    )


def operation(row: OperationRow, where: Where) -> Operation:
    url = f"/deployments/{row.deployment_id}" if row.deployment_id else f"/builds/{row.build_id}"
    completed = row.status == "completed"
    return Operation(
        operation_id=row.id,
        status=row.status,
        progress_percent=where.percent,
        eta_seconds=where.seconds_left,
        current_step=where.step,
        failure_reason=row.reason,
        build_url=f"/builds/{row.build_id}",
        resource_url=None if completed else url,
        completed_at=row.completed_at,
        result_url=url if completed else None,
    )
