"""webhooks: where an organization's events are sent to."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("webhooks", enterprise="functions.webhooks.enterprise")
