"""comments: what is said about a card, and what happened to it."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("comments", agentworks="functions.comments.agentworks", omoios="functions.comments.omoios")
