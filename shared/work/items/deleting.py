"""Deleting a card: the row stays, but no list shows it and its id is not found."""

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.events import EventType, record
from shared.store import Operation, load, update_with_retry
from shared.work.boards.counting import card_location, require_writable, update_counts
from shared.work.items.postings import change_postings, words_of
from shared.work.items.rows import Item


def delete_item(actor: Actor, item_id: str) -> Item:
    """Mark a card as deleted and count it out of its lane in one transaction. Raises NotFound, Forbidden, Conflict (archived)."""

    def change(item: Item) -> list[Operation]:
        words = words_of(item)
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
        if item.archived_at:
            return [require_writable(item.board_id)]
        return [update_counts(item.board_id, leaves=card_location(item)), *change_postings(item, words)]

    return update_with_retry(lambda: load(Item, item_id, actor, Permission.CARD_DELETE), change)
