"""usage: what was used, and what it cost."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("usage", agentworks="functions.usage.agentworks")
