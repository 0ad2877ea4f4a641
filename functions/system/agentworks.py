"""agentworks: the OpenAPI document that section 1 promises, and its pages."""

from functions.system.docs import publish
from shared.edge.contracts.agentworks import AGENTWORKS
from shared.edge.http.routing import Routes

routes = Routes(AGENTWORKS, "system")
publish(routes, "system.openapi")
