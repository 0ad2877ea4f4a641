"""The tables of the embedded model: the words by which it files lines and the sentences that it writes, a file for each language."""

import re
import textwrap
import tomllib
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from shared.core.texts import is_seen

TABLES: Final = Path(__file__).parent / "tables"
LANGUAGES: Final = ("en", "de", "es", "fr", "zh", "ja")
WIDE: Final = ("zh", "ja")  # written without spaces
ANY: Final = "*"  # of a text whose language is not known yet
OTHER: Final = "other"  # a language that is none of the six
_LEAST: Final = 0.45  # measured on the marked cards: below it stand bare names and languages that papagan does not know
_TITLE: Final = 200  # characters, as the tools take them
_BEGIN: Final = re.compile(r"(?:\(\?:)*[a-z0-9à-ÿ]")  # of a word
_END: Final = re.compile(r"(?<=(?<!\\)[a-z0-9à-ÿ])\??\)*$")


@cache
def table(name: str) -> dict[str, Any]:
    """Return a whole table: that of a language, `agents` or `reader`."""
    return tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))


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
def pattern(name: str, language: str = ANY) -> re.Pattern[str]:
    """Return a pattern of `reader`, in which `<name>` stands for another one or for the marks of a language and of English."""
    forms = table("reader")["patterns"]

    def filled(found: re.Match[str]) -> str:
        inner = pattern(found[1], language) if found[1] in forms else mark(language, found[1])
        return f"(?:{inner.pattern})"

    return re.compile(re.sub(r"(?<!\?P)<(\w+)>", filled, forms[name] if isinstance(forms[name], str) else "|".join(forms[name])))


@cache
def mark(language: str, name: str, section: str = "marks") -> re.Pattern[str]:
    """Return the pattern of a kind of mark in a language and in English, which people mix in; of any language in all."""
    own = LANGUAGES if language == ANY else (language,) if language in LANGUAGES else ()
    return re.compile(_one_of([word for one in dict.fromkeys((*own, "en")) for word in _words(one, section, name)]))


@cache
def _entries(language: str) -> dict[tuple[str, str], str]:
    """Return the text of each entry by its section and key; what goes on is indented, so both begin at the margin."""
    text = (TABLES / f"{language}.toml").read_text(encoding="utf-8")
    sections = [part.split("]\n", 1) for part in re.split(r"^\[(?=\w+\]$)", text, flags=re.MULTILINE)[1:]]
    parts = [(name, part) for name, rest in sections for part in re.split(r"^(?=\w+ = )", rest, flags=re.MULTILINE)]
    return {(name, part.split(" = ", 1)[0]): part for name, part in parts if " = " in part}


def _words(language: str, section: str, name: str) -> list[str]:
    """Return the patterns of a list, with the lists that they name put in, as whole words; a heading may go on."""
    inner = re.compile(r"\{([a-z]\w+)\}")
    found = entry(language, section, name)
    filled = [inner.sub(lambda named: f"(?:{_one_of(_words(language, section, named[1]))})", one) for one in found]
    return filled if section == "headings" else [_END.sub(lambda end: end[0] + r"\b", one) for one in filled]


def _one_of(patterns: list[str]) -> str:
    """Return the pattern of any of these. What begins with a letter is tried only at the beginning of a word: in a third of the time."""
    words = [one for one in patterns if _BEGIN.match(one)]
    others = [one for one in patterns if not _BEGIN.match(one)]
    return "|".join([*([rf"\b(?:{'|'.join(words)})"] if words else []), *others]) or "(?!)"


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


def signed(text: str, language: str, key: str = "author") -> str:
    return f"{text.rstrip()}\n\n---\n_{say(key, language)}_\n"


def plain_title(text: str, language: str) -> str:
    """Return a title that the tools take: one line that can be seen, without control characters, cut at the end of a word."""
    plain = " ".join("".join(" " if unicodedata.category(one) in ("Cc", "Cs") else one for one in text).split())
    return (textwrap.shorten(plain, _TITLE, placeholder="") or plain[:_TITLE]) if is_seen(plain) else say("untitled", language)


def is_ours(text: str) -> bool:
    """Tell whether the embedded model wrote this text: its comments, cards and documents name their author, its summaries the price."""
    return any(say(key, language) in text for key in ("author", "quoter", "free") for language in LANGUAGES)
