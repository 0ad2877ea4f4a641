"""Listing the activities of a card. The stream consumer writes them, so a new one appears a moment after its change."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.store import Entity, count, decode_cursor, encode_cursor, get_all, load, query, read_ahead
from shared.work.activities.rows import Activity
from shared.work.items.rows import ItemHead


@dataclass(frozen=True)
class ActivityPage:
    """A page of activities, newest first, and their total number; `next_cursor` continues it (None: it was the last page)."""

    activities: list[Activity]
    total: int
    next_cursor: str | None


def list_card_activities(actor: Actor, item_id: str, *, limit: int, offset: int = 0, cursor: str | None = None) -> ActivityPage:
    """Return a page of a card's activities: from the cursor of another page, or behind the first `offset` ones.

    Two round trips; beside them one query for each megabyte (about 2,500 activities) before the page, and where more than one page follows
    one that counts them all. Raises NotFound, Forbidden, Invalid for a cursor that is not this caller's of this card.
    """
    bare = bare_id(item_id)
    partition, start = f"ITEM#{bare}", decode_cursor(cursor, "activities", actor.id, bare)
    skip = 0 if start else offset
    newest = read_ahead(
        lambda: query(Entity, partition, limit=skip + limit, index=1, prefix="ACT#", newest_first=True, start=start)
    )
    load(ItemHead, item_id, actor, Permission.CARD_READ)
    page = newest.result()
    is_whole = page.next_key is None and start is None
    total = None if is_whole else read_ahead(lambda: count(Entity, partition, index=1, prefix="ACT#"))
    return ActivityPage(
        read_activities([(row.pk, row.sk) for row in page.rows[skip:]]),
        len(page.rows) if total is None else total.result(),
        encode_cursor(page.next_key, "activities", actor.id, bare),
    )


def read_activities(keys: Iterable[tuple[str, str]]) -> list[Activity]:
    """Return the rows with these keys, in that order, without missing ones."""
    rows = get_all([(Activity, pk, sk) for pk, sk in keys], to_show=True)
    return [row for row in rows if isinstance(row, Activity)]
