"""Postings: the ids of the cards that have what a filter asks for, so that a filter reads these cards and no others.

A posting stands at `BOARD#<id>#POSTINGS, <word>#<card>` and is written in the transaction of its card. Words are what a card keeps when it
moves: its type, assignee and tags, and that it is blocked. Lanes and the other statuses have tallies (`Counts`), so that a move writes no
posting.
"""

from collections.abc import Iterable
from typing import Final

from shared.core.texts import searchable
from shared.store import Operation, Row, UnicodeAttribute, delete, put, query
from shared.work.items.rows import Item

MAX_POSTINGS: Final = 1_000
"""Cards that a list reads by postings at most: 13 read units."""
_MAX_TAGS: Final = 20  # tags of a card with postings: all old and new ones must fit into a transaction of a hundred rows
_BLOCKED, _MANY_TAGS = "blocked", "tags"
_MAX_WORD: Final = 100  # characters: a sort key has 1,024 bytes at most


class Posting(Row):
    TABLE = "core_table"

    kind = UnicodeAttribute(default="POSTING")

    @classmethod
    def of(cls, board_id: str, word: str, item_id: str) -> "Posting":
        return cls(pk=partition_of(board_id), sk=f"{word}#{item_id}")


def partition_of(board_id: str) -> str:
    return f"BOARD#{board_id}#POSTINGS"


def words_of(item: Item) -> frozenset[str]:
    """Return the words under which a card can be found now; none of a card that is in no list."""
    if item.deleted_at or item.archived_at:
        return frozenset()
    words = {_type(item.type)}
    if item.assignee:
        words.add(_assignee(item.assignee["id"]))
    if item.is_blocked:
        words.add(_BLOCKED)
    if len(item.tags) <= _MAX_TAGS:
        words |= {_tag(f"{tag['key']}:{tag['value']}") for tag in item.tags}
    else:
        words.add(_MANY_TAGS)
    return frozenset(words)


def change_postings(item: Item, before: Iterable[str] = ()) -> list[Operation]:
    """Return the operations that write the postings of a card, which had these words before, in the transaction that writes the card."""
    old, new = frozenset(before), words_of(item)
    return [
        *(delete(Posting.of(item.board_id, word, item.id)) for word in sorted(old - new)),
        *(put(Posting.of(item.board_id, word, item.id)) for word in sorted(new - old)),
    ]


def prefixes_for(type_: str | None, assignee_id: str | None, status: str | None, tags: Iterable[str]) -> list[list[str]]:
    """Return what the postings of matching cards begin with: a list for each condition that has postings, of which any one will do.

    A posting is a candidate: a card that has it may still not match.
    """
    found = []
    if type_:
        found.append([_type(type_) + "#"])
    if assignee_id:
        found.append([_assignee(assignee_id) + "#"])
    if status == "blocked":
        found.append([_BLOCKED + "#"])
    for tag in tags:
        parts = [part for part in searchable(tag).strip().split(",") if part.strip()]
        if parts and searchable(tag).strip().startswith(parts[0]):  # the whole text may be a name, or its first part is one
            found.append([_tag(parts[0].rstrip()), _MANY_TAGS + "#"])
    return found


def read_postings(board_id: str, prefix: str) -> frozenset[str] | None:
    """Return the ids of the cards with a posting that begins so; None if there are more than MAX_POSTINGS. One query."""
    rows = query(Posting, partition_of(board_id), prefix=prefix, limit=MAX_POSTINGS + 1).rows
    return frozenset(str(row.sk).rpartition("#")[2] for row in rows) if len(rows) <= MAX_POSTINGS else None


def _type(value: str) -> str:
    return f"type#{value}"[:_MAX_WORD]


def _assignee(value: str) -> str:
    return f"assignee#{value}"[:_MAX_WORD]


def _tag(name: str) -> str:
    return f"tag#{searchable(name)}"[:_MAX_WORD]
