"""enterprise, section 8: health and metrics; and the documentation tools: OpenAPI, Swagger UI, ReDoc, a Postman collection."""

from typing import Literal

from starlette.responses import Response

from functions.system.docs import document, document_missing, publish
from functions.system.figures import Figures, read_figures
from functions.system.probes import health as check_health
from functions.system.retired import find_retired
from shared.core import clock
from shared.core.actor import Permission
from shared.core.settings import settings
from shared.edge.contracts.base import Shape
from shared.edge.contracts.enterprise import ENTERPRISE
from shared.edge.http.call import Caller
from shared.edge.http.routing import Routes
from shared.store import authorize_own_organization

routes = Routes(ENTERPRISE, "system", retired=find_retired)
publish(routes)


class HealthServices(Shape):
    database: str
    cache: str
    message_queue: str
    storage: str


class HealthReport(Shape):
    status: str
    timestamp: str
    services: HealthServices
    version: str | None = None
    errors: list[str] | None = None


@routes.get("/health", "health.get", public=True, limited=False, raw=True, model=HealthReport, also=(503,))
async def health() -> Response:
    """Whether everything that the platform depends on responds. The body has no envelope."""
    result = check_health()
    report = HealthReport(
        status=result.status,
        timestamp=clock.iso(),
        services=HealthServices(**result.services),
        version=settings().version if result.healthy else None,
        errors=None if result.healthy else result.errors,
    )
    body = report.model_dump_json(exclude_none=True)
    status = 200 if result.healthy else 503
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


TimeRange = Literal["1h", "6h", "24h", "7d", "30d"]
Aggregation = Literal["1m", "5m", "1h"]


class SystemFigures(Shape):
    """Null: not measured. `error_rate_percent` counts answers of 5xx; `database_slow_queries` calls of more than 100 ms; `cache_hit_rate`
    looks for what a process keeps (leases of rate limits, plans of organizations) that needed no table."""

    api_requests_total: int | None
    api_latency_p50_ms: int | None
    api_latency_p95_ms: int | None
    api_latency_p99_ms: int | None
    error_rate_percent: float | None
    database_query_count: int | None
    database_slow_queries: int | None
    cache_hit_rate: float | None
    cpu_percent: float | None = None
    memory_percent: float | None = None


class MetricPoint(SystemFigures):
    timestamp: str


class Metrics(Shape):
    """`metrics` is about the whole `time_range`. `points` (an addition) has the same for each `aggregation` in which something was asked;
    it is null if there would be more than 2,016."""

    timestamp: str
    time_range: TimeRange
    aggregation: Aggregation
    metrics: SystemFigures
    points: list[MetricPoint] | None


def _shown(figures: Figures) -> dict[str, float | None]:
    """Functions have no processor and no memory that AWS measures by itself."""
    return {
        "api_requests_total": figures.requests,
        "api_latency_p50_ms": figures.p50,
        "api_latency_p95_ms": figures.p95,
        "api_latency_p99_ms": figures.p99,
        "error_rate_percent": figures.error_rate,
        "database_query_count": figures.table_calls,
        "database_slow_queries": figures.slow_table_calls,
        "cache_hit_rate": figures.cache_hit_rate,
    }


@routes.get("/metrics", "metrics.get", permission=Permission.METRICS_READ)
async def metrics(caller: Caller, time_range: TimeRange = "1h", aggregation: Aggregation = "1m") -> Metrics:
    """Show how the platform does: requests, their latency and errors, calls of tables, hits of caches. They are a minute old, or some."""
    authorize_own_organization(caller, Permission.METRICS_READ)
    report = read_figures(time_range, aggregation)
    points = report.points
    return Metrics(
        timestamp=clock.iso(report.at),
        time_range=time_range,
        aggregation=aggregation,
        metrics=SystemFigures.model_validate(_shown(report.whole)),
        points=points and [MetricPoint.model_validate(_shown(one) | {"timestamp": clock.iso(at)}) for at, one in points],
    )


@routes.get("/postman-collection.json", "docs.postman", public=True, limited=False, addition=True, media="application/json")
async def postman() -> Response:
    """This API as a Postman collection, whose requests work in their order."""
    from functions.system.postman import collection  # its steps are nothing for any other request

    described = document(ENTERPRISE.name)
    if described is None:
        return document_missing(ENTERPRISE)
    base, sign_up = settings().base_of(ENTERPRISE.name, ENTERPRISE.base), f"{settings().agentworks_base}/auth/register"
    return Response(
        collection(described, base, sign_up), headers={"Cache-Control": "public, max-age=300"}, media_type="application/json"
    )
