"""How the embedded model writes: in the card's language, the fixed sentences of the tables, quotations and titles."""

import textwrap
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from shared.agents.providers.embedded.reading import Piece
from shared.agents.providers.embedded.tables import LANGUAGES, entry, pattern
from shared.core.texts import is_seen

OTHER: Final = "other"  # a language that is none of the six
_LEAST: Final = 0.45  # measured on the marked cards: below it stand bare names and languages that papagan does not know
_COLONS: Final = {"zh": "：", "ja": "：", "fr": " : "}
_TITLE: Final = 200  # characters, as the tools take them
PROSE: Final = 9_500  # characters of a comment or a description, as the tools take them; they are signed


@lru_cache(maxsize=64)
def recognize(text: str) -> str:
    """Return one of LANGUAGES, or OTHER, by its script or by `papagan`; a text that says nothing about its language is English."""
    letters = sum(one.isalpha() for one in text)
    kana, han, other = (len(pattern(name).findall(text)) for name in ("kana", "han", "other_scripts"))
    if (kana + han) * 4 > letters:  # Latin names of products stand between the signs
        return "ja" if kana * 12 > han else "zh"
    if other * 2 > letters:
        return OTHER
    from papagan import Detector  # 25 ms

    found, certainty = Detector().detect(text).top()
    if certainty < _LEAST or found == "?":
        return "en"
    return found if found in LANGUAGES else OTHER


def say(key: str, language: str) -> str:
    """Return a line in a language; in English for other languages than the six."""
    return str(entry(language if language in LANGUAGES else "en", "lines", key))


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


def is_ours(text: str) -> bool:
    """Tell whether the embedded model wrote this text: its comments, cards and documents name their author, its summaries the price."""
    return any(say(key, language) in text for key in ("author", "quoter", "free") for language in LANGUAGES)
