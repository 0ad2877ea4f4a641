"""projects: what a workspace works on."""

from shared.edge.http.lambda_handler import door

handler = door("projects", agentworks="functions.projects.agentworks", omoios="functions.projects.omoios")
