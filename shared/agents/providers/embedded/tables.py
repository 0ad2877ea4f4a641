"""The tables of the embedded model: its sentences and the words by which it files lines, a file for each language. Read once."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("en", "de", "es", "fr", "zh", "ja")
_EDGES: Final = re.compile(r"^(?=(?:\(\?:)*[a-z0-9à-ÿ])|(?<=(?<!\\)[a-z0-9à-ÿ])\??\)*$")  # of words


@cache
def table(name: str) -> dict[str, Any]:
    """Return a table: that of a language, `agents` or `traces`."""
    return tomllib.loads((Path(__file__).parent / "tables" / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def mark(language: str, name: str) -> re.Pattern[str]:
    """Return the pattern of a kind of mark in a language and in English, which people mix in."""
    return _pattern(name, tuple(dict.fromkeys(one for one in (language, "en") if one in LANGUAGES)))


@cache
def everywhere(name: str) -> re.Pattern[str]:
    """Return the pattern of a kind of mark in all languages."""
    return _pattern(name, LANGUAGES)


@cache
def headings() -> list[tuple[str, re.Pattern[str]]]:
    """Return the kinds of sections with the beginnings of their headings, in all languages."""
    tables = [table(language)["headings"] for language in LANGUAGES]
    return [(kind, re.compile("|".join(item for one in tables for item in one[kind]))) for kind in tables[0]]


def _pattern(name: str, languages: tuple[str, ...]) -> re.Pattern[str]:
    items = [item for language in languages for item in _whole_words(table(language)["marks"], name)]
    return re.compile("|".join(items) or r"(?!)")


def _whole_words(marks: dict[str, list[str]], name: str) -> list[str]:
    """Return the patterns of a list with the lists that they name put in."""
    filled = [
        re.sub(r"\{([a-z]\w+)\}", lambda found: f"(?:{'|'.join(_whole_words(marks, found[1]))})", one) for one in marks[name]
    ]
    return [_EDGES.sub(lambda edge: edge[0] + r"\b", one) for one in filled]
