"""Convert FastAPI's validation errors to ours: one FieldError each, with the document's name of the field."""

import re
from typing import Any

from fastapi.exceptions import RequestValidationError

from shared.core.errors import FieldError, Invalid, Malformed
from shared.core.situations import Situation

_UNREADABLE = {"json_invalid", "json_type", "bytes_invalid"}
_SECRET = ("password", "token", "secret", "api_key", "apikey")
_UNION_SUFFIX = re.compile(r"int|float|str|bool|constrained-\w+|\[key\]")
"""Suffixes that pydantic appends to the name of a field with several types; documents do not have them, and one error per field
is enough."""
_MESSAGES = {"missing": "This field is required", "extra_forbidden": "Unknown field"}


def to_invalid(error: RequestValidationError) -> Invalid:
    """Return the same error as a domain error. Values of secret fields and of whole objects are left out."""
    issues = error.errors()
    if any(issue["type"] in _UNREADABLE for issue in issues):
        return Malformed("The request body is not valid JSON")
    fields = {_name(issue["loc"]): FieldError(_name(issue["loc"]), _message(issue), _value(issue)) for issue in issues}
    only_email = len(issues) == 1 and issues[0]["type"] == "email_format"
    return Invalid(*fields.values(), situation=Situation.EMAIL_FORMAT if only_email else Situation.INVALID)


def _name(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location[1:]] if location and location[0] in {"body", "query", "path", "header"} else location
    while len(parts) > 1 and _UNION_SUFFIX.fullmatch(str(parts[-1])):
        parts = parts[:-1]
    return ".".join(map(str, parts)) or "body"


def _message(issue: dict[str, Any]) -> str:
    return _MESSAGES.get(issue["type"]) or str(issue["msg"]).removeprefix("Value error, ")


def _value(issue: dict[str, Any]) -> Any:
    if issue["type"] == "missing" or any(mark in _name(issue["loc"]).lower() for mark in _SECRET):
        return None
    value = issue.get("input")
    if isinstance(value, str):
        return value[:200]
    return value if isinstance(value, int | float | bool) and value == value else None  # noqa: PLR0124 - NaN is not JSON
