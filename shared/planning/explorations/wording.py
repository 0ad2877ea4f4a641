"""The fixed sentences and the questions of the embedded author, in English and German; other languages get the English ones."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

CATEGORIES: Final = ("scope", "technical", "security & compliance", "UX", "business logic")
LANGUAGES: Final = ("en", "de")
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Template:
    """A question of the table. `said` finds in a text what answers it already; `item` makes a requirement of one entry of a list."""

    key: str
    category: str
    topic: str
    text: str
    said: re.Pattern[str] | None
    item: str | None
    when: str
    unless: str = ""
    """A topic of whose ideas it is not asked."""


@cache
def words(language: str) -> dict[str, Any]:
    """Return the fixed sentences of a language."""
    found: dict[str, Any] = _load("words")[language if language in LANGUAGES else "en"]
    return found


@cache
def templates(language: str) -> tuple[Template, ...]:
    """Return the questions in the order in which they are asked."""
    spoken = language if language in LANGUAGES else "en"
    return tuple(
        Template(
            one["key"],
            one["category"],
            one.get("topic", ""),
            one[spoken],
            _pattern(one["said"]) if "said" in one else None,
            one["item"][spoken] if "item" in one else None,
            one.get("when", ""),
            one.get("unless", ""),
        )
        for one in _load("questions")["question"]
    )


@cache
def template(key: str, language: str) -> Template | None:
    """Return a question by its key; None for one that is not of the table."""
    return next((one for one in templates(language) if one.key == key), None)


@cache
def topics() -> dict[str, re.Pattern[str]]:
    """Return what an idea can be about, each with the words that tell it."""
    return {name: _pattern(pattern) for name, pattern in _load("questions")["topics"].items()}


@cache
def conflicts() -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    """Return pairs of statements that cannot both hold."""
    return tuple((_pattern(one["one"]), _pattern(one["other"])) for one in _load("questions")["conflict"])


@cache
def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / f"{name}.toml").read_text(encoding="utf-8"))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
