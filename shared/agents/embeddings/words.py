"""Texts as words that can be compared: without case, accents, endings and words that say nothing; words of one meaning are one word."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from shared.core.texts import searchable

_WORD: Final = re.compile(r"[^\W_]+(?:[.][0-9]+)*")
_CJK: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
_ENDINGS: Final = (
    "izations",
    "ization",
    "ations",
    "ation",
    "ings",
    "ing",
    "ies",
    "ied",
    "ers",
    "ed",
    "es",
    "er",
    "en",
    "s",
    "e",
    "n",
)
_SHORTEST: Final = 4  # letters that an ending leaves
_LONG: Final = 8  # letters of a word in which one may be wrong, and of one that may be made of two
_LONGEST: Final = 40  # letters of a word that is looked at closely: trying each of its places costs the square of them
_HALF: Final = 4  # letters of each of two words that are written as one
_NO_FIELDS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Tables:
    ignored: frozenset[str]
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], tuple[str, ...]]]]
    """Phrases with what they mean, by their first word, longer ones first."""
    runs: Mapping[str, str]
    """The same of languages without spaces: what is replaced in a run of characters."""
    alike: Mapping[str, str]
    opposites: Mapping[str, frozenset[str]]
    shortened: Mapping[str, str]
    """Meanings by their long words without one letter: what a word with a typing error is looked for in."""
    fields: Mapping[str, frozenset[str]]
    """The fields of work that a word belongs to."""
    members: Mapping[str, frozenset[str]]
    """The words of each field."""


@cache
def tables() -> Tables:
    """Return the tables of words, read once in a process."""
    raw = _load("tables")
    folded = {fold(phrase): meaning for phrase, meaning in raw["phrases"].items()}
    runs = {phrase: f" {meaning.strip()} " for phrase, meaning in folded.items() if _CJK.match(phrase)}
    phrases: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for phrase, meaning in folded.items():
        if phrase not in runs:
            words = tuple(_WORD.findall(phrase))
            phrases.setdefault(words[0], []).append((words, tuple(meaning.split())))
    for found in phrases.values():
        found.sort(key=lambda one: -len(one[0]))
    alike: dict[str, str] = {}
    for meaning, texts in raw["alike"].items():
        for word in fold(texts).split():
            alike.setdefault(word, meaning)
            alike.setdefault(stem(word), meaning)
    opposites: dict[str, set[str]] = {}
    for one, other in raw["opposites"]["pairs"]:
        first, second = alike.get(stem(one), stem(one)), alike.get(stem(other), stem(other))
        opposites.setdefault(first, set()).add(second)
        opposites.setdefault(second, set()).add(first)
    ignored = frozenset(word for texts in raw["ignored"].values() for word in fold(texts).split())
    shortened = {left: meaning for word, meaning in alike.items() for left in _without_a_letter(word)}
    fields: dict[str, set[str]] = {}
    members: dict[str, frozenset[str]] = {}
    for field, texts in _load("related")["fields"].items():
        members[field] = frozenset(alike.get(word) or alike.get(stem(word)) or stem(word) for word in fold(texts).split())
        for word in members[field]:
            fields.setdefault(word, set()).add(field)
    return Tables(
        ignored,
        phrases,
        runs,
        alike,
        {name: frozenset(others) for name, others in opposites.items()},
        shortened,
        {word: frozenset(found) for word, found in fields.items()},
        members,
    )


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))


def _without_a_letter(word: str) -> list[str]:
    """Return a long word without each of its letters in turn; nothing of a short one, which a letter makes another word."""
    is_fit = _LONG <= len(word) <= _LONGEST and word.isascii()
    return [word[:at] + word[at + 1 :] for at in range(len(word))] if is_fit else []


def fold(text: str) -> str:
    """Return a text without case, widths and accents."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFD", searchable(text))
    kept = "".join(one for one in plain if not "\u0300" <= one <= "\u036f")
    return unicodedata.normalize("NFC", kept).replace("ß", "ss").replace("\u2019", "'")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return a word without its ending, as far as that leaves a word."""
    if not word.isalpha() or not word.isascii():
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            left = word[: -len(ending)]
            return left[:-1] if len(left) > _SHORTEST and left[-1] == left[-2] else left
    return word[:-1] if len(word) == _SHORTEST and word[-1] == "s" != word[-2] else word


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, as they are compared."""
    known, folded = tables(), fold(text)
    if not folded.isascii():
        for phrase, meaning in known.runs.items():
            folded = folded.replace(phrase, meaning)
    found, at = _WORD.findall(folded), 0
    words: list[str] = []
    while at < len(found):
        for parts, meanings in known.phrases.get(found[at], ()):
            if tuple(found[at : at + len(parts)]) == parts:
                words += [_meaning(one) for one in meanings]
                at += len(parts)
                break
        else:
            words += _parts(found[at], known)
            at += 1
    return words


def _parts(word: str, known: Tables) -> list[str]:
    if word.isascii() or not _CJK.search(word):
        return [] if word in known.ignored else list(_halves(word))
    parts: list[str] = []
    last = 0
    for run in _CJK.finditer(word):  # languages without spaces: a run of characters is read in pairs
        if run.start() > last:
            parts += _parts(word[last : run.start()], known)
        last = run.end()
        parts += _pairs(run[0], known)
    return parts + (_parts(word[last:], known) if last < len(word) else [])


@lru_cache(maxsize=20_000)
def _halves(word: str) -> tuple[str, ...]:
    """Return a word as it is compared; one that is not known and made of two that are ("Virenprüfung") as these two."""
    whole = _meaning(word)
    if not _LONG <= len(word) <= _LONGEST or not word.isalpha() or _is_known(whole):
        return (whole,)
    for at in range(len(word) - _HALF, _HALF - 1, -1):
        second = _meaning(word[at:])
        for first in (word[:at], word[: at - 1] if word[at - 1] == "s" else ""):
            if len(first) >= _HALF and _is_known(second) and _is_known(found := _meaning(first)):
                return found, second
    return (whole,)


def _is_known(word: str) -> bool:
    known = tables()
    return word in known.fields or word in known.alike


def related(word: str) -> frozenset[str]:
    """Return the words that share a field of work with a word, itself too; none for most words. All are as `words_of` returns them."""
    return _related(word) if word in tables().fields else _NO_FIELDS


@lru_cache(maxsize=2_000)
def _related(word: str) -> frozenset[str]:
    known = tables()
    return frozenset().union(*(known.members[field] for field in known.fields[word]))


@lru_cache(maxsize=20_000)
def _meaning(word: str) -> str:
    """Return the word that stands for all of this one's meaning, also for one with a wrong, a missing or an additional letter."""
    known, stemmed = tables(), stem(word)
    if found := known.alike.get(word) or known.alike.get(stemmed) or known.shortened.get(word):
        return found
    for left in _without_a_letter(word):
        if found := known.alike.get(left) or known.shortened.get(left):
            return found
    return stemmed


def _pairs(run: str, known: Tables) -> list[str]:
    found = known.alike.get(run)
    if found or len(run) == 1:
        return [found or run]
    pairs = (run[at : at + 2] for at in range(len(run) - 1))
    return [known.alike.get(pair, pair) for pair in pairs]


def are_opposite(one: str, other: str) -> bool:
    return other in tables().opposites.get(one, ())
