"""What the gateway itself answers, in each contract's own error format: throttling, bodies it refuses, functions that fail.

A gateway response is a text in which only `$context` variables are filled in, and its time is that of the access log
(`21/Nov/2026:09:30:00 +0000`): ISO 8601 cannot be had there. Unknown paths and methods are therefore answered by functions
(`infra.rest_api`); the entries for them below are for what the gateway refuses before it looks for one.
"""

import json

from shared.core.errors import CadreError
from shared.core.situations import Situation

# Response type of API Gateway -> what a client is told. No method of ours uses IAM or a gateway authorizer, so every complaint
# about signatures means that no route matched (a path that does not exist, called with an Authorization header).
RESPONSES = {
    "MISSING_AUTHENTICATION_TOKEN": Situation.NOT_FOUND,
    "RESOURCE_NOT_FOUND": Situation.NOT_FOUND,
    "INVALID_SIGNATURE": Situation.NOT_FOUND,
    "EXPIRED_TOKEN": Situation.NOT_FOUND,
    "DEFAULT_4XX": Situation.NOT_FOUND,  # what is left is an incomplete signature: the same case
    "UNAUTHORIZED": Situation.TOKEN_INVALID,
    "INVALID_API_KEY": Situation.FORBIDDEN,
    "ACCESS_DENIED": Situation.FORBIDDEN,
    "WAF_FILTERED": Situation.FORBIDDEN,
    "BAD_REQUEST_BODY": Situation.MALFORMED,
    "BAD_REQUEST_PARAMETERS": Situation.MALFORMED,
    "REQUEST_TOO_LARGE": Situation.TOO_LARGE,
    "UNSUPPORTED_MEDIA_TYPE": Situation.UNSUPPORTED_MEDIA,
    "THROTTLED": Situation.RATE_LIMITED,
    "QUOTA_EXCEEDED": Situation.RATE_LIMITED,
    "API_CONFIGURATION_ERROR": Situation.INTERNAL,
    "INTEGRATION_FAILURE": Situation.UNAVAILABLE,
    "INTEGRATION_TIMEOUT": Situation.TIMEOUT,
    "DEFAULT_5XX": Situation.INTERNAL,
}


def gateway_error(contract_name: str, response_type: str) -> tuple[int, str]:
    """Status and body template of one gateway response; API Gateway fills in the request's id and time."""
    from shared.edge.contracts import contract

    known = contract(contract_name)
    problem = known.problem(CadreError(RESPONSES[response_type]))
    return problem.status, json.dumps(known.error_body(problem, "$context.requestId", "$context.requestTime"))
