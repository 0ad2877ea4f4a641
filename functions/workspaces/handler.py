"""workspaces: workspaces and who belongs to them."""

from shared.edge.http.lambda_handler import door

handler = door("workspaces", agentworks="functions.workspaces.agentworks")
