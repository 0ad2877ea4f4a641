"""Tickets that were made a moment ago: a search may not find them yet, and never finds those of requests at the same moment.

A ticket that is made unless there is one like it notes its text for a minute, in its own transaction. Another one with the same text is
refused by that row. Texts that are only similar are compared by the search alone.
"""

from typing import Final

from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.ids import derived_id
from shared.core.texts import searchable
from shared.planning.duplicates.finding import EXCERPT, Candidate, DuplicateCheck
from shared.store import Ephemeral, NumberAttribute, Operation, UnicodeAttribute, get, put
from shared.work.items.finding import fetch_live
from shared.work.items.rows import Item

_SECONDS: Final = 60  # longer than a search may be behind


class JustMade(ConditionFailed):
    """A ticket with the same text was made a moment ago."""


class NewText(Ephemeral):
    """The text of a new ticket, at `BOARD#<id>#NEW, <id of the text>`."""

    item_id = UnicodeAttribute()
    until = NumberAttribute()

    @classmethod
    def key_of(cls, board_id: str, title: str, description: str | None) -> tuple[str, str]:
        text = [" ".join(searchable(one).split()) for one in (title, (description or "")[:EXCERPT])]
        return f"BOARD#{board_id}#NEW", derived_id("new-text", *text)


def note_text(item: Item) -> Operation:
    """Return the operation that notes the text of a new ticket. Refused with JustMade if another one has it."""
    pk, sk = NewText.key_of(item.board_id, item.title, item.description)
    now = clock.epoch()
    row = NewText(pk=pk, sk=sk, item_id=item.id, until=now + _SECONDS, ttl=now + _SECONDS)
    return put(row, NewText.pk.does_not_exist() | (NewText.until <= now), JustMade)


def find_just_made(board_id: str, title: str, description: str | None) -> DuplicateCheck | None:
    """Return the ticket that was made with this text a moment ago, as a search shows it; None if it is not open any more, or has another
    text by now. Two round trips."""
    key = NewText.key_of(board_id, title, description)
    row = get(NewText, *key)
    found = fetch_live([row.item_id]) if row is not None else []
    same = [
        Candidate(item, 1.0)
        for item in found
        if item.archived_at is None and NewText.key_of(item.board_id, item.title, item.description) == key
    ]
    check = DuplicateCheck(same, 1.0)
    return check if check.is_duplicate else None
