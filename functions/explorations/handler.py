"""explorations: from an idea to a project, and the specs in between."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("explorations", omoios="functions.explorations.omoios")
