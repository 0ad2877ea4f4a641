"""Convert raw rows to Python values, with a decoder derived from each model's schema."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from pynamodb.attributes import (
    Attribute,
    BooleanAttribute,
    JSONAttribute,
    MapAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeSetAttribute,
)

_read_json = json.JSONDecoder().raw_decode  # our texts have no space around them: a third of the time of `json.loads`
Decode = Callable[[dict[str, Any]], dict[str, Any]]


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def from_json(text: str) -> Any:
    """Return the value of a JSON text that we wrote. Of the ten of a card six are empty."""
    if text == "[]":
        return []
    return {} if text == "{}" else _read_json(text)[0]


def plain(boxed: dict[str, Any]) -> Any:
    """Return the value of a text or a number."""
    return _number(boxed["N"]) if "N" in boxed else boxed["S"]


def _flat_map(boxed: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Decode a map of texts and numbers, the only maps that we store (so that conditions can name their keys)."""
    return {key: plain(value) for key, value in boxed.items()}


def _value_decoder(attribute: Attribute[Any]) -> tuple[str, Callable[[Any], Any] | None]:
    """Return the DynamoDB type of an attribute, and the function that converts its value (None: no conversion)."""
    if isinstance(attribute, NumberAttribute):
        return "N", _number
    if isinstance(attribute, BooleanAttribute):
        return "BOOL", None
    if isinstance(attribute, JSONAttribute):
        return "S", from_json
    if isinstance(attribute, MapAttribute):
        return "M", _flat_map
    if isinstance(attribute, UnicodeSetAttribute):
        return "SS", set
    if isinstance(attribute, NumberSetAttribute):
        return "NS", lambda values: {_number(value) for value in values}
    return "S", None


@cache
def decoder_for(model: Any) -> Decode:
    """Return a function from a raw row to PynamoDB's `attribute_values`. A missing attribute gets the model's default."""
    plan = {attribute.attr_name: (name, *_value_decoder(attribute)) for name, attribute in model.get_attributes().items()}
    defaults = {name: attribute.default for name, attribute in model.get_attributes().items() if attribute.default is not None}

    def decode(raw: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for stored, boxed in raw.items():
            if stored in plan:
                name, kind, convert = plan[stored]
                if kind in boxed:
                    value = boxed[kind]
                    values[name] = value if convert is None else convert(value)
        for name, default in defaults.items():
            if name not in values:
                values[name] = default() if callable(default) else default
        return values

    return decode
