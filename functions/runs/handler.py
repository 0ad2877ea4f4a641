"""runs: agents at work on cards."""

from shared.http.door import door

handler = door("runs", agentworks="functions.runs.agentworks")
