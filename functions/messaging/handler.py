"""messaging: threads of agents, their messages, and handoffs of tasks."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("messaging", omoios="functions.messaging.omoios")
