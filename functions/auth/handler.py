"""auth: login, registration, sessions, profile."""

from shared.edge.http.lambda_handler import door

handler = door(
    "auth",
    agentworks="functions.auth.agentworks",
    aintandem="functions.auth.aintandem",
    orchestrator="functions.auth.orchestrator",
    omoios="functions.auth.omoios",
)
