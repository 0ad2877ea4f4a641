"""Convert pydantic's validation errors to FieldErrors, for HTTP requests and socket messages alike."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.core.errors import FieldError

_SECRETS = re.compile(r"password|secret|api_?key|token(?!s)")
"""Names of fields whose values are not repeated; `maxTokens` counts tokens and is none of them."""
_UNION_SUFFIX = re.compile(r"int|float|str|bool|constrained-\w+|\[key\]")
"""Suffixes that pydantic appends to the name of a field with several types; documents do not have them, and one error per field
is enough."""
_MESSAGES = {"missing": "This field is required", "extra_forbidden": "Unknown field", "union_tag_invalid": "Unknown type"}
_PLACES = {"body", "query", "path", "header"}
_MOST = 50  # fields named in one response: a body of a megabyte may have 100,000 faults, and Lambda answers with 6 MB at most
_LONGEST = 200  # characters of a field's name or value that are repeated


def to_field_errors(issues: Sequence[Mapping[str, Any]], body: Any = None) -> list[FieldError]:
    """Convert the issues of a ValidationError to one error per field, at most 50. `body` is what was validated.

    Values of secret fields and of whole objects are left out.
    """
    errors = {}
    for issue in issues[:_MOST]:
        name = _name(issue, body)
        errors[name] = FieldError(name, _message(issue), _value(issue, name))
    return list(errors.values())


def _name(issue: Mapping[str, Any], body: Any) -> str:
    location = list(issue["loc"])
    parts = _path(location[1:] if location and location[0] in _PLACES else location, body)
    if issue["type"] not in _MESSAGES:  # the name of a field that is unknown or missing has no suffix
        while len(parts) > 1 and _UNION_SUFFIX.fullmatch(parts[-1]):
            parts = parts[:-1]
    return ".".join(parts)[:_LONGEST] or "body"


def _path(location: Sequence[str | int], body: Any) -> list[str]:
    """Return the names on the way to a field.

    pydantic also names which model of a union it took (`target.hook.url`): what leads on, and is no key of the object that was sent.
    """
    path, value = [], body
    for place, part in enumerate(location, 1):
        if isinstance(value, dict) and part not in value and place < len(location):
            continue
        path.append(str(part))
        value = value[part] if _holds(value, part) else None
    return path


def _holds(value: Any, part: str | int) -> bool:
    return part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))


def _message(issue: Mapping[str, Any]) -> str:
    return _MESSAGES.get(issue["type"]) or str(issue["msg"]).removeprefix("Value error, ")


def _value(issue: Mapping[str, Any], name: str) -> Any:
    if issue["type"] == "missing" or _SECRETS.search(name.lower()):
        return None
    value = issue.get("input")
    if isinstance(value, str):
        return value[:_LONGEST]
    return value if isinstance(value, int | float | bool) and value == value else None  # noqa: PLR0124 - NaN is not JSON
