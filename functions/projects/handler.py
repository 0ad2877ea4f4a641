"""projects: the projects of a workspace."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler(
    "projects",
    agentworks="functions.projects.agentworks",
    enterprise="functions.projects.enterprise",
    omoios="functions.projects.omoios",
)
