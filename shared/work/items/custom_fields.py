"""Custom fields: free where a board defines none, checked against its definitions where it does."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.core import clock
from shared.core.errors import FieldError, Invalid
from shared.work.boards.rows import Board


def merge(board: Board, held: Mapping[str, Any], given: Mapping[str, Any], *, complete: bool = False) -> dict[str, Any]:
    """`given` over `held`, key by key; None takes a key away. With `complete`, every required field must be there.

    Raises Invalid naming each field that the board does not define or whose value is of another type.
    """
    result = {key: value for key, value in {**held, **given}.items() if value is not None}
    defined = {one["key"]: one for one in board.settings.get("customFields") or []}
    if not defined:
        return result
    problems = [
        FieldError(f"custom_fields.{key}", problem)
        for key, value in given.items()
        if value is not None and (problem := _problem(defined.get(key), value))
    ]
    problems += [
        FieldError(f"custom_fields.{key}", "This field is required")
        for key, one in defined.items()
        if one.get("required") and key not in result and (complete or key in given)
    ]
    if problems:
        raise Invalid(*problems)
    return result


def _problem(definition: Mapping[str, Any] | None, value: Any) -> str | None:
    if definition is None:
        return "This board has no such custom field"
    kind, options = str(definition.get("type", "text")), definition.get("options")
    fits = _TYPE_CHECKS.get(kind)
    if fits is not None and not fits(value):
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


_TYPE_CHECKS: Mapping[str, Callable[[Any], bool]] = {  # other types are shown as they are
    "text": _is_text,
    "string": _is_text,
    "url": lambda value: _is_text(value) and value.startswith(("https://", "http://")),
    "select": _is_text,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "date": _is_date,
    "multi_select": lambda value: isinstance(value, list) and all(map(_is_text, value)),
}
