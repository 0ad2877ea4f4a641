"""Convert pydantic's validation errors to FieldErrors, for HTTP requests and socket messages alike."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared.core.errors import FieldError

_SECRETS = re.compile(r"password|secret|api_?key|token(?!s)")
"""Names of fields whose values are not repeated; `maxTokens` counts tokens and is none of them."""
_UNION_SUFFIX = re.compile(r"int|float|str|bool|constrained-\w+|\[key\]")
"""Suffixes that pydantic appends to the name of a field with several types; documents do not have them, and one error per field
is enough."""
_MESSAGES = {"missing": "This field is required", "extra_forbidden": "Unknown field", "union_tag_invalid": "Unknown type"}
_PLACES = {"body", "query", "path", "header"}


def to_field_errors(issues: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """Convert the issues of a ValidationError to one error per field. Values of secret fields and of whole objects are left out."""
    return list(
        {_name(issue["loc"]): FieldError(_name(issue["loc"]), _message(issue), _value(issue)) for issue in issues}.values()
    )


def _name(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location[1:]] if location and location[0] in _PLACES else location
    while len(parts) > 1 and _UNION_SUFFIX.fullmatch(str(parts[-1])):
        parts = parts[:-1]
    return ".".join(map(str, parts)) or "body"


def _message(issue: Mapping[str, Any]) -> str:
    return _MESSAGES.get(issue["type"]) or str(issue["msg"]).removeprefix("Value error, ")


def _value(issue: Mapping[str, Any]) -> Any:
    if issue["type"] == "missing" or _SECRETS.search(_name(issue["loc"]).lower()):
        return None
    value = issue.get("input")
    if isinstance(value, str):
        return value[:200]
    return value if isinstance(value, int | float | bool) and value == value else None  # noqa: PLR0124 - NaN is not JSON
