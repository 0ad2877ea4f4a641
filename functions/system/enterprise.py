"""enterprise, section 8: health; and the documentation tools: OpenAPI, Swagger UI, ReDoc, a Postman collection."""

from starlette.responses import Response

from functions.system.docs import document, document_missing, publish
from functions.system.postman import collection
from functions.system.probes import health as check_health
from shared.core import clock
from shared.core.settings import settings
from shared.edge.contracts.base import Shape
from shared.edge.contracts.enterprise import ENTERPRISE
from shared.edge.http.routing import Routes

routes = Routes(ENTERPRISE, "system")
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


@routes.get("/postman-collection.json", "docs.postman", public=True, limited=False, addition=True, media="application/json")
async def postman() -> Response:
    """This API as a Postman collection."""
    described = document(ENTERPRISE.name)
    if described is None:
        return document_missing(ENTERPRISE)
    return Response(collection(described), headers={"Cache-Control": "public, max-age=300"}, media_type="application/json")
