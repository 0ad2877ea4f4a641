"""Convert a row's values to DynamoDB's form, with an encoder derived from each model's schema: the other side of `decoding`."""

from collections.abc import Callable
from functools import cache
from typing import Any

from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.exceptions import AttributeNullError

Encode = Callable[[dict[str, Any]], dict[str, dict[str, Any]]]


@cache
def encoder_for(model: Any) -> Encode:
    """Return a function from the content of a row to a raw row. It leaves out what is None, and what is no attribute."""
    attributes: dict[str, Attribute[Any]] = model.get_attributes()
    plan = {
        name: (one.attr_name, one.attr_type, None if type(one) is UnicodeAttribute else one.serialize)
        for name, one in attributes.items()
    }

    def encode(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
        stored: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            if value is not None and name in plan:
                key, kind, convert = plan[name]
                written = value if convert is None else convert(value)
                if written is not None:
                    stored[key] = {kind: written}
        return stored

    return encode


@cache
def _needed(model: Any) -> list[tuple[str, str]]:
    return [(name, one.attr_name) for name, one in model.get_attributes().items() if not one.null]


def require_all(model: Any, stored: dict[str, Any]) -> None:
    """Raise PynamoDB's AttributeNullError if the raw row lacks an attribute that may not be missing."""
    for name, key in _needed(model):
        if key not in stored:
            raise AttributeNullError(name)
