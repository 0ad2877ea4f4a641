"""The index of words: a row for each word of each entry, and one that says which words an entry stands under.

SEARCH#<ws>#<kind>   <word>#<id>   an entry that has this word, with all its words
                     #<id>         the words under which the entry stands

A search asks for the rows whose words begin with what it looks for. It needs no row of the entries themselves, and an entry of 24 words
costs 25 writes once, where a search without an index would read every entry each time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared.core.texts import searchable
from shared.store import JSONAttribute, Row, UnicodeAttribute

KINDS: Final = ("ticket", "task", "commit", "agent")
MAX_WORDS: Final = 24
"""Words of an entry that can be found, those of its title first."""
MAX_WORD: Final = 40  # characters; what is longer is found by its beginning
_WORD: Final = re.compile(r"\w+")
# scripts that put no space between words: Thai and Lao, kana, Han
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def words_in(text: str) -> list[str]:
    """Return the words of a text in order, each once, as they are compared. Of a script without spaces each two characters that follow each
    other are a word."""
    found: dict[str, None] = {}
    for match in _WORD.finditer(searchable(text)):
        for word in _split(match[0]):
            found[word[:MAX_WORD]] = None
    return list(found)


def _split(word: str) -> Iterable[str]:
    end = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > end:
            yield word[end : run.start()]
        yield from (run[0][at : at + 2] for at in range(max(1, len(run[0]) - 1)))
        end = run.end()
    if end < len(word):
        yield word[end:]


@dataclass(frozen=True)
class Entry:
    """Something that can be found: by the words of its title and its body. `at` is when it was made."""

    kind: str
    id: str
    ws_id: str
    proj_id: str | None
    at: str
    title: str
    body: str = ""

    def words(self) -> tuple[list[str], list[str]]:
        """Return the words of the title and the further words of the body, MAX_WORDS together."""
        title = words_in(self.title)[:MAX_WORDS]
        return title, [word for word in words_in(self.body) if word not in title][: MAX_WORDS - len(title)]


def partition_of(ws_id: str, kind: str) -> str:
    return f"SEARCH#{ws_id}#{kind.upper()}"


class Found(Row):
    """That an entry has a word. `title` and `body` are its words, with spaces between them."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="FOUND")
    proj_id = UnicodeAttribute(null=True)
    at = UnicodeAttribute()
    title = UnicodeAttribute()
    body = UnicodeAttribute(null=True)

    @property
    def entry_id(self) -> str:
        return str(self.sk).partition("#")[2]

    def has(self, word: str) -> bool:
        """Tell whether a word of the entry begins like this."""
        return f" {word}" in f" {self.title} {self.body or ''}"


class FiledUnder(Row):
    """The words under which an entry stands."""

    TABLE = "core_table"

    kind = UnicodeAttribute(default="FOUND")
    words = JSONAttribute(default=list)

    @classmethod
    def of(cls, ws_id: str, kind: str, entry_id: str) -> "FiledUnder":
        return cls(pk=partition_of(ws_id, kind), sk=f"#{entry_id}")
