"""messaging: threads of agents, their messages, and handoffs of tasks; messages between sandboxes."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("messaging", omoios="functions.messaging.omoios", aintandem="functions.messaging.aintandem")
