"""guardian: interventions in the work of agents, and the watchdog."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("guardian", omoios="functions.guardian.omoios")
