"""Expressions that the local engine answers, without and with `local.patches.expressions`: `python -m tests.unit.engine_scenario` prints
both times what they answered and how many functions that took."""

import json
import sys
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb

from local.patches import expressions

ROWS = 200
CONDITIONS = [
    "PK = :p AND SK BETWEEN :a AND :b",
    "PK = :p AND begins_with(SK, :a)",
    "(PK = :p) AND #m.a > :n",
    "((PK = :p))",
    "PK = :p AND",
    "size(l) = :n OR NOT attribute_exists(m.a)",
    "name = :p",
    "PK ! :p",
    "SK BETWEEN :b AND :a",
]
PROJECTIONS = ["SK", "SK, #m", " PK , l", "#m.a, SK", "l[1]", "SK, SK", "#m, m", "name", "nothing", ""]
VALUES = {":p": {"S": "A"}, ":a": {"S": "010"}, ":b": {"S": "150"}, ":n": {"N": "2"}}
NAMES = {"#m": "m"}
UPDATE = "SET #m.a = :n, x = :p REMOVE l"


def row(number: int) -> dict[str, Any]:
    texts = {"L": [{"S": "x"}, {"S": "y"}]}
    return {"PK": {"S": "A"}, "SK": {"S": f"{number:03}"}, "m": {"M": {"a": {"N": str(number)}}}, "l": texts}


def answer(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except ValueError as error:
        return f"refused: {error}"


def play() -> tuple[list[Any], int]:
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    answers = []
    sys.setprofile(count)
    for item in map(row, range(ROWS)):
        answers.append([answer(dynamodb._evaluate_condition, one, item, VALUES, NAMES, "FilterExpression") for one in CONDITIONS])
        answers.append([answer(dynamodb._project_item, item, one, NAMES) for one in PROJECTIONS])
        answers.append(answer(dynamodb._apply_update_expression, item, UPDATE, VALUES, NAMES))
    sys.setprofile(None)
    return answers, calls


if __name__ == "__main__":
    plain = play()
    expressions.apply()
    print(json.dumps([plain, play()], default=sorted))
