"""delivery: builds and operations."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("delivery", enterprise="functions.delivery.enterprise")
