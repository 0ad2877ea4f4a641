"""Update expressions and conditions of moto's DynamoDB, read once for each text.

Only what is plain is here: attributes of the row itself and members of its maps, values of the right kind. For everything else `changes`
has no answer, and moto does it (`tests/moto_speed.py`).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing import ast_nodes as ast
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

Attributes = dict[str, DynamoType]
Values = dict[str, dict[str, Any]]
Operand = Callable[[Attributes, dict[str, str], Values], DynamoType]
Path = tuple[str, ...]
"""An attribute of the row, or a map and one of its members: names, or placeholders of names."""
Action = Callable[[Attributes, dict[str, str], Values], tuple[Path, DynamoType | None]]
SETS = {"SS", "NS", "BS"}
_NAMES = (ast.ExpressionAttribute, ast.ExpressionAttributeName)

parse_update = cache(UpdateExpressionParser.make)
_parse_condition = ConditionExpressionParser.parse


class NotPlain(Exception):
    """moto has to do it."""


def changes(text: str, attributes: Attributes, names: dict[str, str], values: Values) -> dict[str, DynamoType | None] | None:
    """The new values of a row's attributes, None for one that goes away. None where moto has to do it."""
    new: dict[str, DynamoType | None] = {}
    try:
        for action in _actions(text):
            path, value = action(attributes, names, values)
            root, *members = (names.get(word, word) for word in path)
            new[root] = _with_member(new.get(root) or attributes[root], members[0], value) if members else value
    except (NotPlain, KeyError):  # an attribute that is not there
        return None
    return new


def _with_member(old: DynamoType, member: str, value: DynamoType | None) -> DynamoType:
    """A map of its own, with another value of a member."""
    if old.type != "M" or value is None:
        raise NotPlain
    changed = DynamoType({"M": {}})
    changed.value = old.value | {member: value}
    return changed


def _actions(text: str) -> tuple[Action, ...]:
    found = _plain_actions(text)
    if found is None:
        raise NotPlain
    return found


@cache
def _plain_actions(text: str) -> tuple[Action, ...] | None:
    try:
        return tuple(_KINDS[type(node)](*node.children) for node in parse_update(text).find_clauses(list(_KINDS)))
    except NotPlain:
        return None


def _set(path: Any, value: Any) -> Action:
    words, value_of = _words(path), _value(value)
    return lambda row, names, values: (words, value_of(row, names, values))


def _remove(path: Any) -> Action:
    words = _words(path)
    return lambda _row, _names, _values: (words, None)


def _add(path: Any, value: Any) -> Action:
    words, added_of = _words(path), _operand(value)

    def add(row: Attributes, names: dict[str, str], values: Values) -> tuple[Path, DynamoType]:
        old, added = _there(row, words, names), added_of(row, names, values)
        if added.type == "N":
            return words, _number(old or DynamoType({"N": "0"})) + added
        before = _set_of(added, old)
        return words, DynamoType({added.type: before + [one for one in added.value if one not in before]})

    return add


def _delete(path: Any, value: Any) -> Action:
    words, gone_of = _words(path), _operand(value)

    def delete(row: Attributes, names: dict[str, str], values: Values) -> tuple[Path, DynamoType | None]:
        gone = gone_of(row, names, values)
        left = [one for one in _set_of(gone, _there(row, words, names)) if one not in gone.value]
        return words, DynamoType({gone.type: left}) if left else None

    return delete


_KINDS: dict[type, Callable[..., Action]] = {
    ast.UpdateExpressionSetAction: _set,
    ast.UpdateExpressionRemoveAction: _remove,
    ast.UpdateExpressionAddAction: _add,
    ast.UpdateExpressionDeleteAction: _delete,
}


def _words(path: Any) -> Path:
    """The names on a path, or their placeholders."""
    if type(path) is not ast.UpdateExpressionPath:
        raise NotPlain
    words = [part for part in path.children if type(part) is not ast.ExpressionPathDescender]
    if len(words) > 2 or any(type(part) not in _NAMES for part in words):
        raise NotPlain
    return tuple(str(part.children[0]) for part in words)


def _there(row: Attributes, words: Path, names: dict[str, str]) -> DynamoType | None:
    """What stands at a path."""
    root, *members = (names.get(word, word) for word in words)
    value = row.get(root)
    if not members:
        return value
    if value is None or value.type != "M":
        raise NotPlain
    return value.value.get(members[0])


def _value(node: Any) -> Operand:
    if len(node.children) == 1:
        return _operand(node.children[0])
    left, operator, right = node.children
    first, second, adds = _operand(left), _operand(right), operator.get_operator() == "+"

    def compute(row: Attributes, names: dict[str, str], values: Values) -> DynamoType:
        one, other = _number(first(row, names, values)), _number(second(row, names, values))
        return one + other if adds else one - other

    return compute


def _operand(node: Any) -> Operand:
    if type(node) is ast.ExpressionAttributeValue:
        value = node.get_value_name()
        return lambda _row, _names, values: DynamoType(values[value])
    if type(node) is ast.UpdateExpressionPath:
        words = _words(node)
        return lambda row, names, _values: _required(_there(row, words, names))
    if type(node) is ast.UpdateExpressionFunction and node.get_function_name() == "if_not_exists":
        words, otherwise = _words(node.get_nth_argument(1)), _operand(node.get_nth_argument(2))
        return lambda row, names, values: _there(row, words, names) or otherwise(row, names, values)
    raise NotPlain


def _required(value: DynamoType | None) -> DynamoType:
    if value is None:
        raise NotPlain
    return value


def _number(value: DynamoType) -> DynamoType:
    if value.type != "N":
        raise NotPlain
    return value


def _set_of(value: DynamoType, old: DynamoType | None) -> list[Any]:
    """The members of a set that another one of its kind is added to or taken from."""
    if value.type not in SETS or not value.value or (old and old.type != value.type):
        raise NotPlain
    return list(old.value) if old else []


class Condition:
    """A condition with the values of one request."""

    def __init__(self, reader: "_Reader", values: Values) -> None:
        self.reader, self.values = reader, values

    def expr(self, item: Item | None) -> Any:
        self.reader.given = self.values
        return self.reader.condition.expr(item)


class _Given(AttributeValue):
    """A value that stands beside the condition."""

    def __init__(self, reader: "_Reader", name: str) -> None:
        self.reader, self.name = reader, name

    def expr(self, item: Item | None) -> Any:
        value = self.reader.given[self.name]
        return value["S"] if "S" in value else AttributeValue(value).expr(item)

    def get_type(self, item: Item | None) -> str:
        return next(iter(self.reader.given[self.name]))


class _Reader(ConditionExpressionParser):
    """moto's own, that takes the values when the condition is asked."""

    def __init__(self, text: str, names: dict[str, str] | None, values: Values | None) -> None:
        super().__init__(text, names, values)
        self.given = values or {}
        self.condition = _parse_condition(self)

    def _make_operand(self, node: Any) -> Any:
        given = node.kind == self.Kind.EXPRESSION_ATTRIBUTE_VALUE
        return _Given(self, node.text) if given else super()._make_operand(node)


_readers: dict[Any, _Reader] = {}


def parse_condition(self: ConditionExpressionParser) -> Any:
    """moto's own, once for the same text with the same names: ours are few."""
    text, names, values = self.condition_expression, self.expression_attribute_names, self.expression_attribute_values
    if not text or "BETWEEN" in text:  # which moto refuses by the kinds of its values
        return _parse_condition(self)
    key = text, tuple((names or {}).items()), tuple(values or ())
    if key not in _readers:
        _readers[key] = _Reader(text, names, values)
    reader = _readers[key]
    self.expr_attr_names_found, self.expr_attr_values_found = [*reader.expr_attr_names_found], [*reader.expr_attr_values_found]
    return Condition(reader, values or {})
