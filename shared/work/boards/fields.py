"""Validating a board's custom field definitions. `shared.work.items.custom_fields` checks the cards' values against them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.core.errors import FieldError, Invalid

TYPES: Final = ("text", "string", "url", "number", "boolean", "date", "select", "multi_select")
"""`string` means the same as `text`."""


def check_custom_fields(definitions: Sequence[Mapping[str, Any]]) -> None:
    """Raise Invalid for an unknown type, a select without options, or a duplicate key."""
    problems: list[FieldError] = []
    keys: set[str] = set()
    for index, definition in enumerate(definitions):
        path = f"settings.custom_fields.{index}"
        if definition["key"] in keys:
            problems.append(FieldError(f"{path}.key", "Another field has this key", definition["key"]))
        if definition["type"] not in TYPES:
            problems.append(FieldError(f"{path}.type", f"One of {', '.join(TYPES)}", definition["type"]))
        elif definition["type"] in ("select", "multi_select") and not definition.get("options"):
            problems.append(FieldError(f"{path}.options", "What there is to choose from", None))
        keys.add(definition["key"])
    if problems:
        raise Invalid(*problems)
