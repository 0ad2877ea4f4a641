"""Convert raw rows to Python values, with a decoder derived from each model's schema."""

from collections.abc import Callable
from functools import cache
from typing import Any

from pynamodb.attributes import Attribute, BooleanAttribute, UnicodeAttribute

Decode = Callable[[dict[str, Any]], dict[str, Any]]
_STORED_AS_THEY_ARE = (UnicodeAttribute, BooleanAttribute)


@cache
def decoder_for(model: Any) -> Decode:
    """Return a function from a raw row to the content of a row. A missing attribute gets the model's default."""
    attributes: dict[str, Attribute[Any]] = model.get_attributes()
    plan = {
        one.attr_name: (name, one.attr_type, None if type(one) in _STORED_AS_THEY_ARE else one.deserialize)
        for name, one in attributes.items()
    }
    defaults = defaults_of(model)
    fixed = {name: default for name, default in defaults.items() if not callable(default)}
    made = [(name, default) for name, default in defaults.items() if callable(default)]

    def decode(raw: dict[str, Any]) -> dict[str, Any]:
        values = fixed.copy()
        for stored, boxed in raw.items():
            try:
                name, kind, convert = plan[stored]
                value = boxed[kind]
            except KeyError:  # not of this model, or null
                continue
            values[name] = value if convert is None else convert(value)
        for name, default in made:
            if name not in values:
                values[name] = default()
        return values

    return decode


@cache
def defaults_of(model: Any) -> dict[str, Any]:
    """Return the defaults of a model: values, and functions that make one for each row."""
    return {name: one.default for name, one in model.get_attributes().items() if one.default is not None}
