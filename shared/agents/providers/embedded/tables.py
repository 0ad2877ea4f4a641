"""The tables of the embedded model: its sentences and the words by which it files lines, a file for each language."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("en", "de", "es", "fr", "zh", "ja")
_EDGES: Final = re.compile(r"^(?=(?:\(\?:)*[a-z0-9à-ÿ])|(?<=(?<!\\)[a-z0-9à-ÿ])\??\)*$")  # of words


@cache
def table(name: str) -> dict[str, Any]:
    """Return a whole table: that of a language, `agents` or `traces`."""
    return tomllib.loads(_text(name))


@cache
def entry(language: str, section: str, key: str) -> Any:
    """Return one entry of a language's table, else of the English one. Only it is parsed: a whole language takes up to 20 ms."""
    place = (section, key)
    return tomllib.loads(_entries(language).get(place) or _entries("en")[place])[key]


@cache
def keys(section: str) -> tuple[str, ...]:
    """Return the keys of a section in order; they are the same in every language."""
    return tuple(key for place, key in _entries("en") if place == section)


@cache
def mark(language: str, name: str, section: str = "marks", *, strictly: bool = False) -> re.Pattern[str]:
    """Return the pattern of a kind of mark in a language and, unless `strictly`, in English, which people mix in."""
    known = language if language in LANGUAGES else "en"
    return _pattern(section, name, (known,) if strictly else tuple(dict.fromkeys((known, "en"))))


@cache
def everywhere(name: str) -> re.Pattern[str]:
    """Return the pattern of a kind of mark in all languages."""
    return _pattern("marks", name, LANGUAGES)


@dataclass(frozen=True)
class Beginnings:
    """How headings of a kind begin in all languages. What begins with another letter is not compiled: all of it takes 90 ms."""

    kind: str

    def match(self, heading: str) -> re.Match[str] | None:
        return _beginnings(self.kind, heading[:1]).match(heading)

    def fullmatch(self, heading: str, start: int = 0) -> re.Match[str] | None:
        return _beginnings(self.kind, heading[start : start + 1]).fullmatch(heading, start)


@cache
def headings() -> list[tuple[str, Beginnings]]:
    """Return the kinds of sections with the beginnings of their headings."""
    return [(kind, Beginnings(kind)) for kind in keys("headings")]


@cache
def _beginnings(kind: str, letter: str) -> re.Pattern[str]:
    items = [item for language in LANGUAGES for item in entry(language, "headings", kind)]
    fit = [one for one in items if one[0] == letter or not one[0].isalpha() or one[1:2] == "?"]
    return re.compile("|".join(fit) or "(?!)")


def _text(name: str) -> str:
    return (Path(__file__).parent / "tables" / f"{name}.toml").read_text(encoding="utf-8")


@cache
def _entries(language: str) -> dict[tuple[str, str], str]:
    """Return the text of each entry by its section and key; what goes on is indented, so both begin at the margin."""
    sections = [part.split("]\n", 1) for part in re.split(r"^\[(?=\w+\]$)", _text(language), flags=re.MULTILINE)[1:]]
    parts = [(name, part) for name, rest in sections for part in re.split(r"^(?=\w+ = )", rest, flags=re.MULTILINE)]
    return {(name, part.split(" = ", 1)[0]): part for name, part in parts if " = " in part}


def _pattern(section: str, name: str, languages: tuple[str, ...]) -> re.Pattern[str]:
    items = [item for language in languages for item in _whole_words(language, section, name)]
    return re.compile("|".join(items) or r"(?!)")


def _whole_words(language: str, section: str, name: str) -> list[str]:
    """Return the patterns of a list with the lists that they name put in."""
    words: list[str] = entry(language, section, name)
    filled = [
        re.sub(r"\{([a-z]\w+)\}", lambda found: f"(?:{'|'.join(_whole_words(language, section, found[1]))})", one)
        for one in words
    ]
    return [_EDGES.sub(lambda edge: edge[0] + r"\b", one) for one in filled]
