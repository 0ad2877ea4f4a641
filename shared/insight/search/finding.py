"""Looking for words: a query for each word, side by side; the rarest word decides, and what it finds is compared with all others."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.core.errors import FieldError, Invalid
from shared.insight.search.rows import Found, partition_of, words_in
from shared.store import Slice, query, read_ahead

MAX_ROWS: Final = 1_000
"""Rows that are read of a word: about 300 KB. If each word of a search has more, only the entries among these are found."""
MAX_QUERY_WORDS: Final = 8


@dataclass(frozen=True)
class Hit:
    """An entry that has all words, and how many of them its title has."""

    id: str
    proj_id: str | None
    at: str
    in_title: int


@dataclass(frozen=True)
class Hits:
    """What was found, best first. `complete` is False if every word is so common that there may be more."""

    hits: list[Hit]
    complete: bool = True


def query_words(text: str) -> list[str]:
    """Return the words that a search looks for. Raises Invalid if it has none, or too many."""
    words = words_in(text)
    if not words:
        raise Invalid(FieldError("q", "Needs a word to look for", text))
    if len(words) > MAX_QUERY_WORDS:
        raise Invalid(FieldError("q", f"At most {MAX_QUERY_WORDS} words", text))
    return words


def begin_search(ws_id: str, kind: str, words: Sequence[str]) -> Callable[[], Hits]:
    """Begin to search the entries of a kind in which each of these words begins some word; call the result to wait for them."""
    reads = [read_ahead(partial(query, Found, partition_of(ws_id, kind), prefix=word, limit=MAX_ROWS)) for word in words]
    return lambda: _intersect([read.result() for read in reads], words)


def _intersect(found: Sequence[Slice[Found]], words: Sequence[str]) -> Hits:
    complete = [page.rows for page in found if page.next_key is None]
    candidates = min(complete, key=len) if complete else [row for page in found for row in page.rows]
    rows = {row.entry_id: row for row in candidates if all(map(row.has, words))}
    hits = [Hit(row.entry_id, row.proj_id, row.at, sum(f" {word}" in f" {row.title}" for word in words)) for row in rows.values()]
    return Hits(ranked(hits), bool(complete))


def ranked(hits: Iterable[Hit]) -> list[Hit]:
    """Return hits in order: those with more words in the title first, then the newest."""
    return sorted(sorted(hits, key=lambda hit: (hit.at, hit.id), reverse=True), key=lambda hit: -hit.in_title)
