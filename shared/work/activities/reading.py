"""Listing the activities of a card. The stream consumer writes them, so a new one appears a moment after its change."""

from shared.core.actor import Actor, Permission
from shared.store import Entity, count, fetch_indexed, load, query
from shared.work.activities.rows import Activity
from shared.work.items.rows import Item


def list_card_activities(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Activity], int]:
    """Return a page of a card's activities, newest first, and their total number. Raises NotFound, Forbidden.

    Three reads; one more (a count) if more activities follow the page, and one for each megabyte (about 2,500 activities) before it.
    """
    item = load(Item, item_id, actor, Permission.CARD_READ)
    partition = f"ITEM#{item.id}"
    first = query(Entity, partition, limit=offset + limit, index=1, prefix="ACT#", newest_first=True)
    total = len(first.rows) if first.next_key is None else count(Entity, partition, index=1, prefix="ACT#")
    return fetch_indexed(Activity, first.rows[offset:]), total
