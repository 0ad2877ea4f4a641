"""sandboxes: sandboxes, their configuration, logs and metrics."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("sandboxes", aintandem="functions.sandboxes.aintandem")
