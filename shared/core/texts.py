"""Texts that people enter: how they are stored, how they are compared, and whether anybody can see them; and values as JSON texts."""

import json
import sys
import unicodedata
from typing import Final

MAX_ANSWER: Final = 6_291_556
"""Bytes of a function's answer, headers included: Lambda's limit."""
_ASCII: Final = sys.version_info < (3, 12)  # the older runtime of Lambda escapes all other characters in an answer

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})  # categories that draw nothing by themselves
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and a symbol that every font draws as nothing
_WHITE_SPACE: Final = frozenset("\t\n\v\f\r\x85")  # control characters that only separate words


write_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Write a value as JSON, as short as it can be. Made once: `json.dumps` makes an encoder for each text."""


def normal(text: str) -> str:
    """Return a text with composed characters: the same letters are the same text, whichever keyboard wrote them."""
    return unicodedata.normalize("NFC", text)


def searchable(text: str) -> str:
    """Return the form of a text in which searches and comparisons find it: without case, accents composed, widths alike."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def size_in_answer(text: str) -> int:
    """Return the bytes of a part of a function's answer: Lambda's runtime puts the whole text into JSON."""
    return len(json.dumps(text, ensure_ascii=_ASCII).encode()) - 2


def has_words(text: str, search: str | None) -> bool:
    """Tell whether every word of a search occurs in a text; an empty search finds everything."""
    found = searchable(text)
    return all(word in found for word in searchable(search or "").split())


def is_seen(text: str) -> bool:
    """Tell whether a text has a character that anybody can see."""
    return not all(one in _BLANK or unicodedata.category(one) in _UNSEEN for one in text)


def seen(text: str) -> str:
    """Return a text. Raises ValueError if it has characters, but none that anybody can see."""
    if text and not is_seen(text):
        raise ValueError("There is nothing to see in this text")
    return text


def one_line(text: str) -> str:
    """Return a name as it is stored: composed, white space and line breaks folded, because names stand in subjects of mails.

    Raises ValueError for other control characters, and for a text in which there is nothing to see.
    """
    if any(unicodedata.category(one) == "Cc" and one not in _WHITE_SPACE for one in text):
        raise ValueError("Control characters are not allowed")
    return " ".join(normal(seen(text)).split())


def replace_surrogates(text: str) -> str:
    """Join surrogate pairs that came in two chunks, and replace lone ones, which a model may write and no table holds."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
