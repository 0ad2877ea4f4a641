"""The tables of the embedded model: its sentences and the words by which it files lines, a file for each language."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("en", "de", "es", "fr", "zh", "ja")
ANY: Final = "*"  # of a text whose language is not known yet
_BEGIN: Final = re.compile(r"(?:\(\?:)*[a-z0-9à-ÿ]")  # of a word
_END: Final = re.compile(r"(?<=(?<!\\)[a-z0-9à-ÿ])\??\)*$")


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
def phrase(language: str, template: str) -> re.Pattern[str]:
    """Compile a pattern in which `<name>` stands for the marks of that name in a language and in English, which people mix in."""
    return re.compile(re.sub(r"<(\w+)>", lambda found: f"(?:{_words('marks', found[1], _read_as(language))})", template))


@cache
def mark(language: str, name: str, section: str = "marks", *, strictly: bool = False) -> re.Pattern[str]:
    """Return the pattern of a kind of mark in a language and, unless `strictly`, in English."""
    languages = _read_as(language)
    return re.compile(_words(section, name, languages[:1] if strictly else languages))


def heading_starts(language: str, letter: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the kinds of sections with the beginnings of their headings. What begins with another letter is not compiled."""
    return ((kind, _starts(kind, letter, _read_as(language))) for kind in keys("headings"))


@cache
def _starts(kind: str, letter: str, languages: tuple[str, ...]) -> re.Pattern[str]:
    items = [item for language in languages for item in entry(language, "headings", kind)]
    fit = [one for one in items if one[0] == letter or not one[0].isalpha() or one[1:2] == "?"]
    return re.compile("|".join(fit) or "(?!)")


def _read_as(language: str) -> tuple[str, ...]:
    """Return the languages whose words count on a card: its own before English, or all."""
    if language == ANY:
        return LANGUAGES
    return (language, "en") if language in LANGUAGES[1:] else ("en",)


def _text(name: str) -> str:
    return (Path(__file__).parent / "tables" / f"{name}.toml").read_text(encoding="utf-8")


@cache
def _entries(language: str) -> dict[tuple[str, str], str]:
    """Return the text of each entry by its section and key; what goes on is indented, so both begin at the margin."""
    sections = [part.split("]\n", 1) for part in re.split(r"^\[(?=\w+\]$)", _text(language), flags=re.MULTILINE)[1:]]
    parts = [(name, part) for name, rest in sections for part in re.split(r"^(?=\w+ = )", rest, flags=re.MULTILINE)]
    return {(name, part.split(" = ", 1)[0]): part for name, part in parts if " = " in part}


def _words(section: str, name: str, languages: tuple[str, ...]) -> str:
    return _one_of(item for language in languages for item in _whole_words(language, section, name))


def _whole_words(language: str, section: str, name: str) -> list[str]:
    """Return the patterns of a list with the lists that they name put in."""
    words: list[str] = entry(language, section, name)
    inner = re.compile(r"\{([a-z]\w+)\}")
    filled = [inner.sub(lambda found: f"(?:{_one_of(_whole_words(language, section, found[1]))})", one) for one in words]
    return [_END.sub(lambda end: end[0] + r"\b", one) for one in filled]


def _one_of(patterns: Iterable[str]) -> str:
    """Return the pattern of any of these. What begins with a letter is tried only at the beginning of a word: in a third of the time."""
    found = list(patterns)
    words = [one for one in found if _BEGIN.match(one)]
    others = [one for one in found if not _BEGIN.match(one)]
    return "|".join([*([rf"\b(?:{'|'.join(words)})"] if words else []), *others]) or "(?!)"
