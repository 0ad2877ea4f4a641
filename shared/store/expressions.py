"""PynamoDB's conditions and changes as the fields of a request.

PynamoDB has a serializer of its own; this is the same text in one walk, with a third of the calls (decision 46).
"""

from collections.abc import Sequence
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path, Value
from pynamodb.expressions.update import Action, AddAction, DeleteAction, RemoveAction, SetAction

__all__ = ["Action", "Condition", "request_fields"]

_CLAUSES = {"SET": SetAction, "REMOVE": RemoveAction, "ADD": AddAction, "DELETE": DeleteAction}


def request_fields(condition: Condition | None, actions: Sequence[Action] = ()) -> dict[str, Any]:
    """Return the fields of a request that hold its condition and its changes. A failed condition shows the row as it is."""
    names: dict[str, str] = {}  # any name may be one of DynamoDB's own words, so each gets a mark
    values: dict[str, Any] = {}

    def text(one: Any) -> str:
        if isinstance(one, Path):
            return ".".join([names.get(part) or names.setdefault(part, f"#{len(names)}") for part in one.values[0]])
        if isinstance(one, Value):
            mark = f":{len(values)}"
            values[mark] = one.values[0]
            return mark
        operator = one.operator if isinstance(one, Condition) else None
        form: str = one.format_string
        return form.format(*map(text, one.values), operator=operator)

    fields: dict[str, Any] = {}
    if condition is not None:
        fields["ConditionExpression"] = text(condition)
        fields["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if actions:
        clauses = {verb: [text(one) for one in actions if type(one) is kind] for verb, kind in _CLAUSES.items()}
        fields["UpdateExpression"] = " ".join(f"{verb} {', '.join(texts)}" for verb, texts in clauses.items() if texts)
    if names:
        fields["ExpressionAttributeNames"] = {mark: name for name, mark in names.items()}
    if values:
        fields["ExpressionAttributeValues"] = values
    return fields
