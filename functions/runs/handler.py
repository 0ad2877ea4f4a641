"""runs: agent runs on cards."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("runs", agentworks="functions.runs.agentworks")
