"""usage: what was used, and what it cost."""

from shared.edge.http.lambda_handler import door

handler = door("usage", agentworks="functions.usage.agentworks")
