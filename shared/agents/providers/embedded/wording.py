"""How the embedded model writes: the fixed sentences of the tables, with nothing put into them, quotations and titles."""

import textwrap
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.tables import LANGUAGES, entry
from shared.core.texts import is_seen

_WIDE: Final = ("zh", "ja")
_COLONS: Final = {"zh": "：", "ja": "：", "fr": " : "}
_TITLE: Final = 200  # characters, as the tools take them


def say(key: str, language: str) -> str:
    """Return a line in a language; in English for other languages than the six."""
    return str(entry(language if language in LANGUAGES else "en", "lines", key))


def say_all(names: Iterable[str], language: str) -> str:
    """Return lines one after the other."""
    return ("" if language in _WIDE else " ").join(say(key, language) for key in names)


def quoted(pieces: Iterable[Piece]) -> str:
    """Return statements as one block quote, a paragraph for each; what introduces them stands before them, once."""
    paragraphs: list[str] = []
    lead, in_table = "", False
    for piece in pieces:
        if piece.lead not in ("", lead):
            paragraphs.append(f"> {piece.lead}")
        is_row = piece.text.startswith("|")
        indent = "    " if is_row or piece.kind == "code" else ""  # a block of code in Markdown
        text = "\n".join(f"> {indent}{line}".rstrip() for line in piece.text.splitlines())
        if is_row and in_table:
            paragraphs[-1] += f"\n{text}"
        else:
            paragraphs.append(text)
        lead, in_table = piece.lead, is_row
    return "\n>\n".join(paragraphs)


def signed(text: str, language: str, key: str = "author") -> str:
    return f"{text.rstrip()}\n\n---\n_{say(key, language)}_\n"


def titled(key: str, title: str, language: str) -> str:
    """Return a fixed word, a colon as the language writes it, and a title."""
    return plain_title(say(key, language) + _COLONS.get(language, ": ") + title, language)


def plain_title(text: str, language: str) -> str:
    """Return a title that the tools take: one line that can be seen, without control characters, cut at the end of a word."""
    plain = " ".join("".join(" " if unicodedata.category(one) in ("Cc", "Cs") else one for one in text).split())
    return (textwrap.shorten(plain, _TITLE, placeholder="") or plain[:_TITLE]) if is_seen(plain) else say("untitled", language)


@cache
def _signatures() -> frozenset[str]:
    return frozenset(say(key, language) for key in ("author", "quoter", "free") for language in LANGUAGES)


def is_ours(text: str) -> bool:
    """Tell whether the embedded model wrote this text: its comments, cards and documents name their author, its summaries the price."""
    return any(line.strip(" _*") in _signatures() for line in text.splitlines())
