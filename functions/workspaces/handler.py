"""workspaces: workspaces and who belongs to them."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("workspaces", agentworks="functions.workspaces.agentworks")
