"""projects: what a workspace works on."""

from shared.http.door import door

handler = door("projects", agentworks="functions.projects.agentworks", omoios="functions.projects.omoios")
