"""comments: comments, activities and attachments of a card."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("comments", agentworks="functions.comments.agentworks", omoios="functions.comments.omoios")
