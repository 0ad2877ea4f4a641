"""Sentences of a text, and what can be told of one by itself: by the marks of the card's language and of English."""

import re

from shared.agents.providers.embedded.blocks import LONGEST
from shared.agents.providers.embedded.tables import ANY, WIDE, keys, mark, pattern


def sentences(text: str, language: str = "en") -> list[str]:
    """Split a paragraph into its sentences; abbreviations, initials, dates and what is in brackets do not end one."""
    found, start = [], 0
    for end in pattern("end").finditer(text):
        piece, rest = text[start : end.end()].strip(), text[end.end() :].strip()
        is_open = piece.count("(") > piece.count(")") and ")" in rest
        is_within = is_open or (end[0][-1] in ")\"'" and rest[:1].islower()) or rest[:1] in ("»", "”")
        if piece and not is_within and not pattern("no_end", language).search(piece):
            found.append(piece)
            start = end.end()
    return [part for one in [*found, text[start:].strip()] if one for part in _spoken(one, language)]


def _spoken(text: str, language: str) -> list[str]:
    """Split what was said without a stop: where a new clause begins, in Chinese and Japanese where a space is."""
    if weight(text) < (12 if language in WIDE else 40):  # words that nobody writes without a full stop
        return [text]
    starts = [one.start() for one in mark(language, "clause").finditer(text.lower())]
    return [part for begin, end in zip([0, *starts], [*starts, None], strict=True) if (part := text[begin:end].strip())]


def weight(text: str) -> float:
    """Return the words of a text; of Chinese and Japanese a third of the signs."""
    return len(text.split()) + sum(one >= "\u3040" for one in text) / 3


def lowered(text: str) -> str:
    return text[:LONGEST].lower().replace("’", "'").replace("\n", " ")


def has(low: str, name: str, language: str) -> bool:
    """Tell whether a text has a mark of the language or of English."""
    return bool(mark(language, name).search(low))


def heading_kind(text: str, language: str = ANY, *, whole: bool = False) -> str | None:
    """Return the kind that a heading announces, by its beginning, by its last words (`Known risks`), or as a `whole`."""
    plain = re.sub(r"^[^\w]+|^(?:[^\W\d]+ )?\d+[.):]+\s+|[^\w]+$", "", text.strip().lower().replace("’", "'")).strip()
    if not plain or len(plain.split()) > 8:
        return None
    kinds = [(kind, mark(language, kind, "headings")) for kind in keys("headings")]
    kind = next((kind for kind, found in kinds if (found.fullmatch(plain) if whole else found.match(plain))), None)
    if kind is None and not whole and len(plain.split()) < 5:
        ends = [start.start() for start in pattern("word").finditer(plain)][1:]
        kind = next((kind for end in ends for kind, found in kinds if found.fullmatch(plain, end)), None)
    return "exclusion" if kind == "ask" and has(plain, "negation", language) else kind  # `What we do not need`


def said(low: str, language: str) -> str:
    """Return a sentence without what stands around it: signs, a time, a greeting, who says it."""
    begin = pattern("signs_before").match(low)
    low = pattern("greeted", language).sub("", pattern("signs_after").sub("", low[begin.end() if begin else 0 :]))
    name = pattern("speaker").match(low)
    return low[name.end() :] if name and heading_kind(name[0], language) is None else low


def is_only(low: str, name: str, language: str) -> bool:
    """Tell whether a line is nothing but such words, and names."""
    return bool(pattern(f"only_{name}", language).fullmatch(low))


def is_ask(text: str, language: str) -> bool:
    """Tell whether a line by itself, like a title, asks for something definite."""
    low = text.lower()
    asks = any(has(low, name, language) for name in ("strict", "modal", "start"))
    return asks and weight(text) >= 2 and not is_vague(low, language) and not has(low, "problem", language)


def is_question(text: str) -> bool:
    return bool(pattern("question").search(text.strip()))


def is_vague(low: str, language: str) -> bool:
    """Tell whether a wish says only that something should be better, without a number, a quotation or a name."""
    return has(low, "vague", language) and not pattern("concrete").search(low)
