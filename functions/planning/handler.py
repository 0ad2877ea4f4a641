"""planning: requirements, features and their test cases."""

from shared.edge.http.lambda_handler import lambda_handler

handler = lambda_handler("planning", enterprise="functions.planning.enterprise")
