"""Texts as words that can be compared: without case, accents, endings and words that say nothing; words of one meaning are one word."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

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
_LONG: Final = 8  # letters of a word in which one may be wrong


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


@cache
def tables() -> Tables:
    """Return the tables of words, read once in a process."""
    raw = tomllib.loads((Path(__file__).parent / "tables.toml").read_text(encoding="utf-8"))
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
    return Tables(
        ignored,
        phrases,
        runs,
        alike,
        {name: frozenset(others) for name, others in opposites.items()},
        shortened,
    )


def _without_a_letter(word: str) -> list[str]:
    """Return a long word without each of its letters in turn; nothing of a short one, which a letter makes another word."""
    return [word[:at] + word[at + 1 :] for at in range(len(word))] if len(word) >= _LONG and word.isascii() else []


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
    found, words, at = _WORD.findall(folded), [], 0
    while at < len(found):
        for phrase, meanings in known.phrases.get(found[at], ()):
            if tuple(found[at : at + len(phrase)]) == phrase:
                words += [_meaning(one) for one in meanings]
                at += len(phrase)
                break
        else:
            words += _parts(found[at], known)
            at += 1
    return words


def _parts(word: str, known: Tables) -> list[str]:
    if word.isascii() or not _CJK.search(word):
        return [] if word in known.ignored else [_meaning(word)]
    parts: list[str] = []
    last = 0
    for run in _CJK.finditer(word):  # languages without spaces: a run of characters is read in pairs
        if run.start() > last:
            parts += _parts(word[last : run.start()], known)
        last = run.end()
        parts += _pairs(run[0], known)
    return parts + (_parts(word[last:], known) if last < len(word) else [])


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
