"""PynamoDB's attributes as our rows have them, and what names a place in a row beside them."""

import json
from typing import Any

from pynamodb import attributes
from pynamodb.attributes import BooleanAttribute, MapAttribute, NumberSetAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.expressions.condition import size as _size
from pynamodb.expressions.operand import Path, Value

from shared.core.texts import write_json

__all__ = [
    "BooleanAttribute",
    "FlatMapAttribute",
    "JSONAttribute",
    "NumberAttribute",
    "NumberSetAttribute",
    "UnicodeAttribute",
    "UnicodeSetAttribute",
    "amount",
    "flat_map",
    "from_json",
    "plain",
    "size",
]

_read_json = json.JSONDecoder().raw_decode  # our texts have no space around them: a third of the time of `json.loads`
_EMPTY: dict[type, str] = {list: "[]", dict: "{}"}  # of the ten JSON texts of a card six are empty


def from_json(text: str) -> Any:
    """Return the value of a JSON text that we wrote."""
    if text == "[]":
        return []
    return {} if text == "{}" else _read_json(text)[0]


def _from_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _to_number(value: float) -> str:
    return str(value) if type(value) is int else json.dumps(value)


def _boxed(value: str | float) -> dict[str, str]:
    return {"S": value} if isinstance(value, str) else {"N": _to_number(value)}


def plain(boxed: dict[str, Any]) -> Any:
    """Return the value of a text or a number in DynamoDB's form."""
    return _from_number(boxed["N"]) if "N" in boxed else boxed["S"]


class NumberAttribute(attributes.NumberAttribute):
    """A number; whole ones without a look at JSON."""

    serialize = staticmethod(_to_number)
    deserialize = staticmethod(_from_number)


class JSONAttribute(attributes.JSONAttribute):
    """Any JSON, as UTF-8 without spaces: escapes would turn three bytes into six, and each kilobyte of a row is paid at each write."""

    def serialize(self, value: Any) -> str | None:
        if value is None:
            return None
        return (None if value else _EMPTY.get(type(value))) or write_json(value)

    deserialize = staticmethod(from_json)


class NamedPath(Path):
    """A place in a row that no attribute describes, by its names: a value's own type says how it is stored there."""

    attribute: Any = None

    def __init__(self, *names: str) -> None:
        self.values = (list(names),)

    def _to_value(self, value: Any) -> Value:
        return Value(_boxed(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else value)


class FlatMapAttribute(MapAttribute[str, Any]):
    """A map of texts and numbers, whose keys conditions and changes can name. On a row it is an ordinary dictionary."""

    def __getitem__(self, key: str) -> NamedPath:  # type: ignore[override]  # a list of PynamoDB's is named by numbers, a map is not
        return NamedPath(*self.attr_path, key)

    def serialize(self, values: dict[str, Any], *, null_check: bool = True) -> dict[str, Any]:
        return {key: _boxed(one) for key, one in values.items()}

    def deserialize(self, values: dict[str, Any]) -> dict[str, Any]:
        return {key: plain(boxed) for key, boxed in values.items()}


def flat_map() -> Any:
    """Return an attribute for a map of texts and numbers."""
    return FlatMapAttribute(default=dict)  # type: ignore[no-untyped-call]  # PynamoDB leaves this constructor untyped


def size(attribute: str) -> Any:
    """Return the size of an attribute for a condition: the elements of a set, the characters of a text."""
    return _size(attribute)  # type: ignore[no-untyped-call]  # PynamoDB leaves this function untyped


def amount(name: str) -> Any:
    """Return a number of a row that has no attribute in its model, so that an update can add to it; it begins at 0."""
    return NamedPath(name)
