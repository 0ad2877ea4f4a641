"""tasks: tasks of tickets, their dependencies and graph, and discoveries."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("tasks", omoios="functions.tasks.omoios")
