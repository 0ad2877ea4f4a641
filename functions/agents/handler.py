"""agents: the catalogue of agents, their configuration in projects, and live agents."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("agents", agentworks="functions.agents.agentworks", omoios="functions.agents.omoios")
