"""agents: the catalogue, and how projects have its agents."""

from shared.edge.http.lambda_handler import door

handler = door("agents", agentworks="functions.agents.agentworks")
