"""cards: cards, their dependencies, and tickets, which are the same."""

from shared.edge.http.lambda_handler import door

handler = door("cards", agentworks="functions.cards.agentworks", omoios="functions.cards.omoios")
