"""comments: what is said about a card, and what happened to it."""

from shared.edge.http.lambda_handler import door

handler = door("comments", agentworks="functions.comments.agentworks", omoios="functions.comments.omoios")
