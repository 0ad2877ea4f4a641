"""Convert FastAPI's validation errors to ours."""

from fastapi.exceptions import RequestValidationError

from shared.core.errors import Invalid, Malformed
from shared.core.situations import Situation
from shared.edge.contracts.field_errors import to_field_errors

_UNREADABLE = {"json_invalid", "json_type", "bytes_invalid"}


def to_invalid(error: RequestValidationError) -> Invalid:
    """Return the same error as a domain error, with the document's names of the fields."""
    issues = error.errors()
    if any(issue["type"] in _UNREADABLE for issue in issues):
        return Malformed("The request body is not valid JSON")
    only_email = len(issues) == 1 and issues[0]["type"] == "email_format"
    return Invalid(*to_field_errors(issues, error.body), situation=Situation.EMAIL_FORMAT if only_email else Situation.INVALID)
