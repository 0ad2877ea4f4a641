"""comments: what is said about a card, and what happened to it."""

from shared.http.door import door

handler = door("comments", agentworks="functions.comments.agentworks", omoios="functions.comments.omoios")
