"""collaborations: tasks that several sandboxes do together."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("collaborations", aintandem="functions.collaborations.aintandem")
