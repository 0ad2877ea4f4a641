"""agents: the catalogue, and how projects have its agents."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("agents", agentworks="functions.agents.agentworks")
