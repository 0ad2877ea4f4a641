"""orchestrator: the OpenAPI document and its pages."""

from functions.system.docs import publish
from shared.contracts.orchestrator import ORCHESTRATOR
from shared.http.routing import Routes

routes = Routes(ORCHESTRATOR, "system")
publish(routes)
