"""What searches look at: the words of each card of a board, in rows of their own, which a move does not write.

They stand at `BOARD#<id>#WORDS, <card>` and are written in the transaction of the card, if its words change. The card's id is written
backwards: an id begins with its time and ends with chance, so that the rows can be read in equal parts, side by side.
"""

from collections.abc import Callable, Iterable
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


class Search:
    """A search in the words of a whole board. It begins when it is made."""

    def __init__(self, board_id: str, search: str) -> None:
        self._parts: list[ReadFuture[frozenset[str]]] = [
            read_ahead(partial(_read, board_id, search, bounds)) for bounds in _PARTS
        ]

    def result(self) -> frozenset[str]:
        """Return the ids of the cards that have all words of the search."""
        return frozenset().union(*(part.result() for part in self._parts))


def begin_words(board_id: str) -> Callable[[], list[tuple[str, str]]]:
    """Begin to read the words of a whole board; return what waits for them: the id and the text of each card."""
    parts: list[ReadFuture[list[tuple[str, str]]]] = [read_ahead(partial(_read_texts, board_id, bounds)) for bounds in _PARTS]
    return lambda: [one for part in parts for one in part.result()]


def _read_texts(board_id: str, bounds: tuple[str, str]) -> list[tuple[str, str]]:
    found = pages(Words, words_partition(board_id), between=bounds)
    return [(row.item_id, row.text) for page in found for row in page.rows]


def _read(board_id: str, search: str, bounds: tuple[str, str]) -> frozenset[str]:
    return search_in((row for page in pages(Words, words_partition(board_id), between=bounds) for row in page.rows), search)


def search_in(rows: Iterable[Words], search: str) -> frozenset[str]:
    """Search in rows that were read. Return the ids of their cards that have all words."""
    wanted = searchable(search).split()
    return frozenset(row.item_id for row in rows if all(word in row.text for word in wanted))
