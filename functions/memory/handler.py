"""memory: what was learned of tasks, and their quality."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("memory", omoios="functions.memory.omoios")
