"""validation: reviews of tasks by validators."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("validation", omoios="functions.validation.omoios")
