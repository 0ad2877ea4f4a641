"""system: health, installation info, and API documentation."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler(
    "system",
    agentworks="functions.system.agentworks",
    enterprise="functions.system.enterprise",
    aintandem="functions.system.aintandem",
    orchestrator="functions.system.orchestrator",
    omoios="functions.system.omoios",
)
