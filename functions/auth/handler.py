"""auth: login, registration, sessions, profile."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler(
    "auth",
    agentworks="functions.auth.agentworks",
    aintandem="functions.auth.aintandem",
    orchestrator="functions.auth.orchestrator",
    omoios="functions.auth.omoios",
)
