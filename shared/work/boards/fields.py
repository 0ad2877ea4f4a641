"""What a board's custom fields may be. `shared.work.items.custom_fields` holds the cards' values against them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.core.errors import FieldError, Invalid

TYPES: Final = ("text", "string", "url", "number", "boolean", "date", "select", "multi_select")
"""`string` is another word for `text`."""


def check_custom_fields(definitions: Sequence[Mapping[str, Any]]) -> None:
    """Raises Invalid for a type that nobody knows, a choice of nothing, and a key that is there twice."""
    problems: list[FieldError] = []
    seen: set[str] = set()
    for index, one in enumerate(definitions):
        at = f"settings.custom_fields.{index}"
        if one["key"] in seen:
            problems.append(FieldError(f"{at}.key", "Another field has this key", one["key"]))
        if one["type"] not in TYPES:
            problems.append(FieldError(f"{at}.type", f"One of {', '.join(TYPES)}", one["type"]))
        elif one["type"] in ("select", "multi_select") and not one.get("options"):
            problems.append(FieldError(f"{at}.options", "What there is to choose from", None))
        seen.add(one["key"])
    if problems:
        raise Invalid(*problems)
