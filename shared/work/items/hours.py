"""Logging the hours that people worked on a card. The runs hold the time and the cost of agents."""

from typing import Final

from shared.core.actor import Actor, Permission
from shared.core.errors import FieldError, Invalid
from shared.events import EventType, record
from shared.store import Operation, load, update_with_retry
from shared.work.boards.counting import require_writable
from shared.work.items.rows import Item
from shared.work.items.rules import refuse_archived

MAX_HOURS: Final = 100_000  # of a card, all together


def log_hours(actor: Actor, item_id: str, hours: float, note: str | None = None) -> Item:
    """Add hours to a card; a negative number subtracts. The activity shows who logged how many hours, and the note.

    Raises NotFound, Forbidden, Invalid (the sum is below 0 or above MAX_HOURS), Conflict (archived). One read, one transaction.
    """

    def change(item: Item) -> list[Operation]:
        refuse_archived(item)
        before = item.logged_hours
        after = round(before + hours, 4)  # so that a hundred times 0.1 is exactly 10
        if not 0 <= after <= MAX_HOURS:
            raise Invalid(FieldError("hours", f"The card has {before:g} hours; they stay between 0 and {MAX_HOURS:,}", hours))
        item.logged_hours = int(after) if after == int(after) else after
        changes = {"logged_hours": [before, item.logged_hours]}
        record(item, EventType.ITEM_UPDATED, actor, changes=changes, board_id=item.board_id, hours=hours, note=note)
        return [require_writable(item.board_id)]

    return update_with_retry(lambda: load(Item, item_id, actor, Permission.CARD_EDIT), change)
