"""boards: boards with their lanes and columns."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("boards", agentworks="functions.boards.agentworks", omoios="functions.boards.omoios")
