"""Deleting a card: the row stays, but no list shows it and its id is not found."""

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.events import EventType, record
from shared.store import Operation, load, update_with_retry
from shared.work.boards.counting import require_writable
from shared.work.items.filing import filing_of, reindex
from shared.work.items.rows import Item


def delete_item(actor: Actor, item_id: str) -> Item:
    """Mark a card as deleted and count it out of its lane in one transaction. Raises NotFound, Forbidden, Conflict (archived)."""

    def change(item: Item) -> list[Operation]:
        before = filing_of(item)
        item.deleted_at = clock.iso()
        record(
            item,
            EventType.ITEM_DELETED,
            actor,
            board_id=item.board_id,
            lane_id=item.lane_id,
            phase_id=item.phase_id,
            title=item.title,
        )
        return reindex(item, before) or [require_writable(item.board_id)]

    return update_with_retry(lambda: load(Item, item_id, actor, Permission.CARD_DELETE), change)
