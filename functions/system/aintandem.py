"""aintandem, section 8: health, and the features of this installation."""

from starlette.responses import Response

from functions.system.docs import publish
from functions.system.probes import Health
from functions.system.probes import health as check_health
from shared.core import clock
from shared.core.errors import CadreError
from shared.core.plans import FREE, PLANS
from shared.core.settings import settings
from shared.core.situations import Situation
from shared.edge.contracts.aintandem import AINTANDEM
from shared.edge.contracts.base import Shape
from shared.edge.http.call import current
from shared.edge.http.pipeline import failure
from shared.edge.http.routing import Routes

routes = Routes(AINTANDEM, "system")
publish(routes)

PROVIDERS = ("qwen", "glm", "claude", "openai")  # in the document's words and order; we take its names for all of them
MCP_SERVERS = ("filesystem", "web-search", "github")


class Services(Shape):
    api: str
    collaboration_bus: str
    database: str
    redis: str


class HealthData(Shape):
    status: str
    version: str
    services: Services
    timestamp: str


class Features(Shape):
    max_workspaces: int | None
    max_sandboxes_per_workspace: int | None
    cross_machine_deployment: bool


class Info(Shape):
    version: str
    edition: str
    features: Features
    supported_llm_providers: list[str]
    supported_mcp_servers: list[str]


def _services(result: Health) -> Services:
    """Map our services to the document's names: the bus is the queues, redis is the store of sessions and limits."""
    statuses = result.services
    return Services(
        api="healthy", collaboration_bus=statuses["message_queue"], database=statuses["database"], redis=statuses["cache"]
    )


@routes.get("/system/health", "system.health", public=True, limited=False, model=HealthData)
async def health() -> HealthData | Response:
    """Whether everything that the platform depends on responds; 503 with the same names if not."""
    result = check_health()
    services = _services(result)
    if not result.healthy:
        details = {"status": result.status, "services": services.model_dump(), "errors": result.errors}
        problem = AINTANDEM.problem(CadreError(Situation.UNAVAILABLE, "Not healthy", details))
        return failure(AINTANDEM, problem, current().request_id)
    return HealthData(status=result.status, version=settings().version, services=services, timestamp=clock.iso())


@routes.get("/system/info", "system.info", public=True, limited=False)
async def info() -> Info:
    """Version, edition, limits and supported providers."""
    own = settings().default_provider  # of the local stack: what was found on the laptop
    return Info(
        version=settings().version,
        edition="community",
        features=Features(
            max_workspaces=PLANS[FREE].max_workspaces,
            max_sandboxes_per_workspace=PLANS[FREE].max_sandboxes,
            cross_machine_deployment=False,
        ),
        supported_llm_providers=[*([own] if own and own not in PROVIDERS else []), *PROVIDERS],
        supported_mcp_servers=list(MCP_SERVERS),
    )
