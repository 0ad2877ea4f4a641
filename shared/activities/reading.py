"""The activities of a card, newest first. The stream consumer writes them: one may take a moment to appear."""

from shared.activities.rows import Activity
from shared.core.actor import Actor, Permission
from shared.items.rows import Item
from shared.store import Entity, count, fetch_all, load, query


def activities_of(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Activity], int]:
    """A page of them and how many there are. Raises NotFound, Forbidden.

    Three reads; one more (a count) where there are more than the page shows.
    """
    item = load(Item, item_id, actor, Permission.CARD_READ)
    partition = f"ITEM#{item.id}"
    found = query(Entity, partition, index=1, prefix="ACT#", newest_first=True, limit=offset + limit)
    ids = [row.pk.partition("#")[2] for row in found.rows]
    total = len(ids) if found.next_key is None else count(Entity, partition, index=1, prefix="ACT#")
    return fetch_all(Activity, ids[offset:]), total
