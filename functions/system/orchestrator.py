"""orchestrator: the OpenAPI document and its pages."""

from functions.system.docs import publish
from shared.edge.contracts.orchestrator import ORCHESTRATOR
from shared.edge.http.routing import Routes

routes = Routes(ORCHESTRATOR, "system")
publish(routes)
