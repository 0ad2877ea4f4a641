"""github: repositories at GitHub, their webhook, commits and issues."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("github", omoios="functions.github.omoios")
