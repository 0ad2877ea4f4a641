"""usage: usage of models and its cost."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("usage", agentworks="functions.usage.agentworks", omoios="functions.usage.omoios")
