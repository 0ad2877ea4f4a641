"""Every sentence that the embedded model writes, from the tables of the languages. Nothing is put into a sentence."""

from collections.abc import Iterable
from functools import cache
from typing import Final

from shared.agents.providers.embedded.tables import LANGUAGES, entry, keys

_WIDE: Final = ("zh", "ja")
_COLONS: Final = {"zh": "：", "ja": "：", "fr": " : "}


@cache
def lines() -> dict[str, dict[str, str]]:
    """Return every sentence by its name and language; what has one language only is the same in all."""
    return {key: {one: say(key, one) for one in LANGUAGES} for key in keys("lines")}


def say(key: str, language: str) -> str:
    """Return a line in a language; in English for other languages than the six."""
    return str(entry(language if language in LANGUAGES else "en", "lines", key))


def say_all(names: Iterable[str], language: str) -> str:
    """Return lines one after the other."""
    return ("" if language in _WIDE else " ").join(say(key, language) for key in names)


def titled(heading: str, title: str, language: str) -> str:
    """Return a heading, a colon as the language writes it, and a title."""
    return heading + _COLONS.get(language, ": ") + title if title else heading


@cache
def _signatures() -> frozenset[str]:
    return frozenset(say(key, language) for key in ("author", "free") for language in LANGUAGES)


def is_ours(text: str) -> bool:
    """Tell whether the embedded model wrote this text: its comments, cards and documents name their author, its summaries the price."""
    return any(line.strip(" _*") in _signatures() for line in text.splitlines())
