"""agents: the catalogue, and how projects have its agents."""

from shared.http.door import door

handler = door("agents", agentworks="functions.agents.agentworks")
