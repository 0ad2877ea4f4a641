"""The activities of a card, newest first. The stream consumer writes them: one may take a moment to appear."""

from typing import Any

from shared.core.actor import Actor, Permission
from shared.store import Entity, count, fetch_all, load, query
from shared.work.activities.rows import Activity
from shared.work.items.rows import Item


def activities_of(actor: Actor, item_id: str, *, limit: int, offset: int = 0) -> tuple[list[Activity], int]:
    """A page of them and how many there are. Raises NotFound, Forbidden.

    Three reads; one more (a count) where there are more than the page shows, and one for each megabyte (about 2,500) before it.
    """
    item = load(Item, item_id, actor, Permission.CARD_READ)
    partition = f"ITEM#{item.id}"
    ids: list[str] = []
    start: dict[str, Any] | None = None
    while len(ids) < offset + limit:
        left = offset + limit - len(ids)
        found = query(Entity, partition, index=1, prefix="ACT#", newest_first=True, limit=left, start=start)
        ids += [row.pk.partition("#")[2] for row in found.rows]
        start = found.next_key
        if start is None:
            break
    total = len(ids) if start is None else count(Entity, partition, index=1, prefix="ACT#")
    return fetch_all(Activity, ids[offset:]), total
