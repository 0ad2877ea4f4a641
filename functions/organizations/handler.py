"""organizations: the tenants."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("organizations", enterprise="functions.organizations.enterprise")
