"""cards: cards (the tickets of omoios) and their dependencies."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("cards", agentworks="functions.cards.agentworks", omoios="functions.cards.omoios")
