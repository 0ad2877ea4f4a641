"""auth: login, registration, sessions, profile, API keys."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler(
    "auth",
    agentworks="functions.auth.agentworks",
    enterprise="functions.auth.enterprise",
    aintandem="functions.auth.aintandem",
    orchestrator="functions.auth.orchestrator",
    omoios="functions.auth.omoios",
)
