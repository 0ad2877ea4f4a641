"""What searches look at: the words of each card of a board, in rows of their own, which a move does not write.

They stand at `BOARD#<id>#WORDS, <card>` and are written in the transaction of the card, if its words change. The card's id is written
backwards: an id begins with its time and ends with chance, so that the rows can be read in equal parts, side by side.

A card of before has no such row: it is searched in the fields of its index row, which still has its texts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.core.texts import searchable
from shared.store import Operation, ReadFuture, Row, UnicodeAttribute, delete, pages, put, read_ahead
from shared.work.items.rows import Item

_EXCERPT: Final = 200  # characters of a description
_PARTS: Final = (("0", "3~"), ("4", "7~"), ("8", "b~"), ("c", "f~"))
"""Bounds of the parts that are read side by side: of 10,000 cards each is below the megabyte that one query reads."""


class Words(Row):
    TABLE = "core_table"

    kind = UnicodeAttribute(default="WORDS")
    text = UnicodeAttribute()

    @classmethod
    def key(cls, board_id: str, item_id: str) -> tuple[str, str]:
        return words_partition(board_id), item_id[::-1]

    @property
    def item_id(self) -> str:
        return str(self.sk)[::-1]


def words_partition(board_id: str) -> str:
    return f"BOARD#{board_id}#WORDS"


def text_of(item: Item) -> str:
    """Return what a search looks at; nothing of a card that is in no list."""
    if item.deleted_at or item.archived_at:
        return ""
    tags = [f"{tag['key']}:{tag['value']}" for tag in item.tags]
    return searchable("\n".join([item.title, (item.description or "")[:_EXCERPT], *item.labels, *tags]))


def change_words(item: Item, before: str) -> list[Operation]:
    """Return the operation that writes the words of a card, which were `before`, in the transaction that writes the card."""
    pk, sk = Words.key(item.board_id, item.id)
    if (text := text_of(item)) == before:
        return []
    return [put(Words(pk=pk, sk=sk, text=text)) if text else delete(Words(pk=pk, sk=sk))]


@dataclass(frozen=True)
class Found:
    """The ids of the cards whose words were looked at, and of those that have what was looked for."""

    known: frozenset[str]
    matching: frozenset[str]


class Search:
    """A search in the words of a whole board. It begins when it is made."""

    def __init__(self, board_id: str, search: str) -> None:
        self._parts: list[ReadFuture[Found]] = [read_ahead(partial(_read, board_id, search, bounds)) for bounds in _PARTS]

    def result(self) -> Found:
        parts = [part.result() for part in self._parts]
        return Found(frozenset().union(*(part.known for part in parts)), frozenset().union(*(part.matching for part in parts)))


def _read(board_id: str, search: str, bounds: tuple[str, str]) -> Found:
    return search_in((row for page in pages(Words, words_partition(board_id), between=bounds) for row in page.rows), search)


def search_in(rows: Iterable[Words], search: str) -> Found:
    """Search in rows that were read."""
    wanted, known, matching = searchable(search).split(), set(), set()
    for row in rows:
        known.add(row.item_id)
        if all(word in row.text for word in wanted):
            matching.add(row.item_id)
    return Found(frozenset(known), frozenset(matching))
