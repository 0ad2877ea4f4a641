"""aintandem's logs and metrics of sandboxes: their fields in answers."""

from typing import Final, Literal

from shared.core import clock
from shared.edge.contracts.aintandem import public_id
from shared.edge.contracts.base import Shape
from shared.edge.views.aintandem.lines import log_line
from shared.sandboxes.lifecycle.reading import Heard
from shared.sandboxes.logs.reading import LogPage
from shared.sandboxes.metrics.reading import Aggregate, Sums, beginning

Level = Literal["debug", "info", "warn", "error"]
Granularity = Literal["minute", "hour", "day"]
Health = Literal["healthy", "unhealthy", "unknown"]


class LogLine(Shape):
    """`sequence` is an addition: the number of the line, with which a socket goes on behind it."""

    timestamp: str
    level: Level
    message: str
    sequence: int


class LogMeta(Shape):
    total: int
    since: str | None


class SandboxLogs(Shape):
    sandbox_id: str
    logs: list[LogLine]
    meta: LogMeta


class ResourceMetrics(Shape):
    """Null is what cannot be measured here, or of a sandbox that does not run."""

    cpu_usage_percent: float | None
    memory_usage_mb: int | None
    memory_usage_percent: float | None
    disk_usage_mb: int | None
    network_in_bytes: int | None
    network_out_bytes: int | None


class MessagingMetrics(Shape):
    """`avg_response_time_ms` is null until a message was answered."""

    messages_sent: int
    messages_received: int
    messages_failed: int
    avg_response_time_ms: int | None


class HealthMetrics(Shape):
    status: Health
    uptime_seconds: int
    restart_count: int


class SandboxMetrics(Shape):
    sandbox_id: str
    timestamp: str
    resources: ResourceMetrics
    messaging: MessagingMetrics
    health: HealthMetrics


class Period(Shape):
    start: str
    end: str
    granularity: Granularity


class Summary(Shape):
    """`avg_cpu_usage` is percent of one core, `avg_memory_usage` percent of the memory that a sandbox may use; null: not measured."""

    total_sandboxes: int
    active_sandboxes: int
    total_messages: int
    avg_cpu_usage: float | None
    avg_memory_usage: float | None


class SandboxSums(Shape):
    sandbox_id: str
    name: str
    status: str
    messages_sent: int
    messages_received: int
    messages_failed: int
    avg_response_time_ms: int | None
    avg_cpu_usage: float | None
    avg_memory_usage: float | None
    network_in_bytes: int
    network_out_bytes: int


class IntervalSums(Shape):
    start: str
    messages: int
    avg_cpu_usage: float | None
    avg_memory_usage: float | None


class AggregateMetrics(Shape):
    """`intervals` is an addition: the same figures for each interval in which something was measured."""

    workspace_id: str
    period: Period
    summary: Summary
    by_sandbox: list[SandboxSums]
    intervals: list[IntervalSums]


SHOWN_STATUS: Final = {"asleep": "stopped"}


def sandbox_logs(page: LogPage, since: str | None) -> SandboxLogs:
    return SandboxLogs.model_validate(
        {
            "sandbox_id": public_id("sandbox", page.sandbox.id),
            "logs": [log_line(one) for one in page.lines],
            "meta": {"total": page.total, "since": since},
        }
    )


def sandbox_metrics(heard: Heard, sums: Sums) -> SandboxMetrics:
    """Return the last measurements of a sandbox, and the counts of its messages."""
    usage, limit = heard.usage, heard.sandbox.resources["memory_mb"]
    used = usage.get("memory_mb")
    return SandboxMetrics.model_validate(
        {
            "sandbox_id": public_id("sandbox", heard.sandbox.id),
            "timestamp": (heard.last_heartbeat if usage else None) or clock.iso(),
            "resources": {
                "cpu_usage_percent": usage.get("cpu_percent"),
                "memory_usage_mb": _whole(used),
                "memory_usage_percent": None if used is None else round(100 * used / limit, 1),
                "disk_usage_mb": _whole(usage.get("disk_mb")),
                "network_in_bytes": usage.get("network_in_bytes"),
                "network_out_bytes": usage.get("network_out_bytes"),
            },
            "messaging": {
                "messages_sent": sums.sent,
                "messages_received": sums.received,
                "messages_failed": sums.failed,
                "avg_response_time_ms": sums.response_ms,
            },
            "health": {
                "status": heard.health,
                "uptime_seconds": heard.uptime_seconds,
                "restart_count": heard.sandbox.restart_count,
            },
        }
    )


def _whole(megabytes: float | None) -> int | None:
    return None if megabytes is None else round(megabytes)


def aggregate_metrics(ws_id: str, found: Aggregate, granularity: Granularity) -> AggregateMetrics:
    return AggregateMetrics.model_validate(
        {
            "workspace_id": public_id("workspace", ws_id),
            "period": {"start": found.start, "end": found.end, "granularity": granularity},
            "summary": {
                "total_sandboxes": len(found.sandboxes),
                "active_sandboxes": found.active,
                "total_messages": found.total.sent,
                "avg_cpu_usage": found.total.cpu_percent,
                "avg_memory_usage": found.total.memory_percent,
            },
            "by_sandbox": [
                {
                    "sandbox_id": public_id("sandbox", one.id),
                    "name": one.name,
                    "status": SHOWN_STATUS.get(one.status, one.status),
                    "messages_sent": one.sums.sent,
                    "messages_received": one.sums.received,
                    "messages_failed": one.sums.failed,
                    "avg_response_time_ms": one.sums.response_ms,
                    "avg_cpu_usage": one.sums.cpu_percent,
                    "avg_memory_usage": one.sums.memory_percent,
                    "network_in_bytes": one.sums.network_in,
                    "network_out_bytes": one.sums.network_out,
                }
                for one in found.sandboxes
            ],
            "intervals": [
                {
                    "start": beginning(granularity, start),
                    "messages": sums.sent,
                    "avg_cpu_usage": sums.cpu_percent,
                    "avg_memory_usage": sums.memory_percent,
                }
                for start, sums in found.intervals.items()
            ],
        }
    )
