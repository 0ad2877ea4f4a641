"""usage: what was used, and what it cost."""

from shared.http.door import door

handler = door("usage", agentworks="functions.usage.agentworks")
