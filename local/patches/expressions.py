"""DynamoDB: an expression's text is read once, not once for each item."""

from functools import lru_cache
from typing import Any

from ministack.services import dynamodb

_TEXTS = 4096  # different expressions that are remembered; ours are some hundred
Names = tuple[tuple[str, str], ...]


def apply() -> None:
    """Apply this module's patches."""
    read_conditions_once()
    project_plain_names()


def read_conditions_once() -> None:
    """Fault: a condition is cut into words and checked again for each item that it is asked of.

    Symptom: a third of the engine's time goes into the pages of lists. All of these functions depend on the text alone.
    """
    tokenize = dynamodb._tokenize
    dynamodb._tokenize = lru_cache(_TEXTS)(lambda expression: tuple(tokenize(expression)))
    dynamodb._condition_syntax_error = lru_cache(_TEXTS)(dynamodb._condition_syntax_error)
    dynamodb._check_redundant_parens = _once_for_words(dynamodb._check_redundant_parens)
    dynamodb._check_reserved_keyword_usage = _once_for_words(dynamodb._check_reserved_keyword_usage)


def _once_for_words(check: Any) -> Any:
    once = lru_cache(_TEXTS)(check)
    return lambda words, *more: once(tuple(words), *more)


def project_plain_names() -> None:
    """Fault: each item's projection is read again, and each name compared with each other one.

    Symptom: a read with the names of sixty attributes takes a millisecond for each item. Paths into attributes stay with the engine.
    """
    project = dynamodb._project_item

    @lru_cache(_TEXTS)
    def attributes(expression: str, names: Names) -> tuple[str, ...]:
        project({}, expression, dict(names))  # refuses what is wrong with it
        return tuple(dict(names).get(word, word) for word in map(str.strip, expression.split(",")) if word)

    def project_item(item: dict[str, Any], expression: str | None, names: dict[str, str] | None) -> Any:
        if not expression or "." in expression or "[" in expression:
            return project(item, expression, names)
        wanted = attributes(expression, tuple((names or {}).items()))
        return {name: item[name] for name in wanted if name in item}

    dynamodb._project_item = project_item
