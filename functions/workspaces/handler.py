"""workspaces: workspaces and their members."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler(
    "workspaces",
    agentworks="functions.workspaces.agentworks",
    aintandem="functions.workspaces.aintandem",
)
