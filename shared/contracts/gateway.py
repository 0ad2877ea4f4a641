"""Errors that API Gateway answers itself (no such path, throttled, too large), in each contract's own format.

A gateway response is a text in which only `$context` variables are filled in; it runs no template language. The time it offers
is that of the access log (`21/Nov/2026:09:30:00 +0000`): ISO 8601 cannot be had there.
"""

import json

from shared.contracts import contract as contract_named
from shared.contracts.problems import plain

REQUEST_ID, TIME = "$context.requestId", "$context.requestTime"
SITUATIONS = {  # status -> the row of the one table, and what a caller is told
    400: ("malformed", "The request could not be read"),
    401: ("token", "No valid proof of who calls"),
    403: ("forbidden", "The caller may not do this"),
    404: ("missing", "No such path"),
    405: ("method", "This path has no such method"),
    413: ("large", "The request body is too large"),
    415: ("media", "This media type is not understood"),
    429: ("rate", "Rate limit exceeded"),
    500: ("internal", "Something went wrong on our side"),
    502: ("internal", "Something went wrong on our side"),
    503: ("unavailable", "The service is not available"),
    504: ("timeout", "The answer took too long"),
}


def gateway_error(contract: str, status: int) -> str:
    """The body template of the gateway's own answer with this status."""
    kind, words = SITUATIONS[status]
    found = contract_named(contract)
    return json.dumps(found.error_body(plain(contract, kind, words), REQUEST_ID, TIME))
