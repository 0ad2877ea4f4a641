"""What the gateway itself answers, in each contract's own error format: throttling, bodies it refuses, functions that fail.

A gateway response is a text in which only `$context` variables are filled in, and its time is that of the access log
(`21/Nov/2026:09:30:00 +0000`): ISO 8601 cannot be had there. Unknown paths and methods are therefore answered by functions
(`infra.rest_api`); the rows for them below are for what the gateway refuses before it looks for one.
"""

import json
from typing import NamedTuple


class GatewayError(NamedTuple):
    kind: str  # the row of `shared.edge.contracts.problems` that has the contract's status and code
    words: str


# Response type of API Gateway -> what a client is told. No method of ours uses IAM or a gateway authorizer, so every complaint
# about signatures means that no route matched (a path that does not exist, called with an Authorization header).
_UNKNOWN = GatewayError("missing", "No such path")
_FORBIDDEN = GatewayError("forbidden", "The caller may not do this")
_UNREADABLE = GatewayError("malformed", "The request could not be read")
_TOO_MANY = GatewayError("rate", "Too many requests")
_OURS = GatewayError("internal", "Something went wrong on our side")
RESPONSES = {
    "MISSING_AUTHENTICATION_TOKEN": _UNKNOWN,
    "RESOURCE_NOT_FOUND": _UNKNOWN,
    "INVALID_SIGNATURE": _UNKNOWN,
    "EXPIRED_TOKEN": _UNKNOWN,
    "DEFAULT_4XX": _UNKNOWN,  # what is left is an incomplete signature: the same case
    "UNAUTHORIZED": GatewayError("token", "No valid proof of who calls"),
    "INVALID_API_KEY": _FORBIDDEN,
    "ACCESS_DENIED": _FORBIDDEN,
    "WAF_FILTERED": _FORBIDDEN,
    "BAD_REQUEST_BODY": _UNREADABLE,
    "BAD_REQUEST_PARAMETERS": _UNREADABLE,
    "REQUEST_TOO_LARGE": GatewayError("large", "The body is too large"),
    "UNSUPPORTED_MEDIA_TYPE": GatewayError("media", "This media type is not understood"),
    "THROTTLED": _TOO_MANY,
    "QUOTA_EXCEEDED": _TOO_MANY,
    "API_CONFIGURATION_ERROR": _OURS,
    "INTEGRATION_FAILURE": GatewayError("unavailable", "The service is not available"),
    "INTEGRATION_TIMEOUT": GatewayError("timeout", "The answer took too long"),
    "DEFAULT_5XX": _OURS,
}


def gateway_error(contract_name: str, response_type: str) -> tuple[int, str]:
    """Status and body template of one gateway response; API Gateway fills in the request's id and time."""
    from shared.edge.contracts import contract
    from shared.edge.contracts.problems import plain

    kind, words = RESPONSES[response_type]
    problem = plain(contract_name, kind, words)
    body = contract(contract_name).error_body(problem, "$context.requestId", "$context.requestTime")
    return problem.status, json.dumps(body)
