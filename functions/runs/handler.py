"""runs: agents at work on cards."""

from shared.edge.http.lambda_handler import door

handler = door("runs", agentworks="functions.runs.agentworks")
