"""workspaces: workspaces and who belongs to them."""

from shared.http.door import door

handler = door("workspaces", agentworks="functions.workspaces.agentworks")
