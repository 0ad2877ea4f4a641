"""agents: the catalogue of agents, and their configuration in projects."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("agents", agentworks="functions.agents.agentworks")
