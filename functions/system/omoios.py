"""omoios: the OpenAPI document and its pages."""

from functions.system.docs import publish
from shared.contracts.omoios import OMOIOS
from shared.http.routing import Routes

routes = Routes(OMOIOS, "system")
publish(routes)
