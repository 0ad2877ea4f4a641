"""omoios: the OpenAPI document and its pages."""

from functions.system.docs import publish
from shared.edge.contracts.omoios import OMOIOS
from shared.edge.http.routing import Routes

routes = Routes(OMOIOS, "system")
publish(routes)
