"""Listing the activities of a card. The stream consumer writes them, so a new one appears a moment after its change."""

from shared.core.actor import Actor, Permission
from shared.core.ids import bare_id
from shared.store import Entity, count, fetch_indexed, load, query, read_ahead
from shared.work.activities.rows import Activity
from shared.work.items.rows import ItemHead


def list_card_activities(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Activity], int]:
    """Return a page of a card's activities, newest first, and their total number. Raises NotFound, Forbidden.

    Two round trips; one more (a count) if more activities follow the page, and one for each megabyte (about 2,500 activities) before it.
    """
    partition = f"ITEM#{bare_id(item_id)}"
    newest = read_ahead(lambda: query(Entity, partition, limit=offset + limit, index=1, prefix="ACT#", newest_first=True))
    load(ItemHead, item_id, actor, Permission.CARD_READ)
    first = newest.result()
    total = len(first.rows) if first.next_key is None else count(Entity, partition, index=1, prefix="ACT#")
    return fetch_indexed(Activity, first.rows[offset:], to_show=True), total
