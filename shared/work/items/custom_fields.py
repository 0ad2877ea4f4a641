"""Custom fields of a card: checked against the board's definitions; a board without definitions allows any."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.core import clock, web_addresses
from shared.core.errors import FieldError, Invalid
from shared.core.wording import Wording
from shared.work.boards.rows import Board


def merge(board: Board, current: Mapping[str, Any], changes: Mapping[str, Any], *, complete: bool = False) -> dict[str, Any]:
    """Merge `changes` into `current` key by key; None removes a key. With `complete`, every required field must be present.

    Raises Invalid, naming each field that is missing, that the board does not define, or whose value has the wrong type.
    """
    result = {key: value for key, value in {**current, **changes}.items() if value is not None}
    definitions = {definition["key"]: definition for definition in board.settings.get("customFields") or []}
    if not definitions:
        return result
    problems = [
        FieldError(f"custom_fields.{key}", problem)
        for key, value in changes.items()
        if value is not None and (problem := _problem(definitions.get(key), value))
    ]
    problems += [
        FieldError(f"custom_fields.{key}", Wording("{This_field} is required", key=key))
        for key, definition in definitions.items()
        if definition.get("required") and key not in result and (complete or key in changes)
    ]
    if problems:
        raise Invalid(*problems)
    return result


def _problem(definition: Mapping[str, Any] | None, value: Any) -> str | None:
    if definition is None:
        return "This board has no such custom field"
    kind, options = str(definition.get("type", "text")), definition.get("options")
    is_of_type = _TYPE_CHECKS.get(kind)
    if is_of_type is not None and not is_of_type(value):
        return f"The value must be of type {kind}"
    chosen = value if isinstance(value, list) else [value]
    if options and any(one not in options for one in chosen):
        return f"The value must be one of {', '.join(map(str, options))}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    try:
        clock.parse(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_TYPE_CHECKS: Mapping[str, Callable[[Any], bool]] = {  # values of other types are not checked
    "text": _is_text,
    "string": _is_text,
    "url": lambda value: _is_text(value) and web_addresses.parse_host(value) is not None,
    "select": _is_text,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "date": _is_date,
    "multi_select": lambda value: isinstance(value, list) and all(map(_is_text, value)),
}
