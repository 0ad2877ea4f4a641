"""The beginning of work on a card: one that is open is in progress as soon as somebody works on it."""

from shared.core.actor import Actor
from shared.events import EventType, record
from shared.store import Operation, fetch, update_with_retry
from shared.work.items.filing import filing_of, reindex
from shared.work.items.rows import Item

OPEN = ("draft", "ready")
"""The statuses of a card on which nobody has worked yet."""


def set_in_progress(card: Item, actor: Actor) -> str | None:
    """Set an open card, which is about to be written, in progress, with its event. Return its status before; None: it was not open."""
    before = card.status
    if before not in OPEN:
        return None
    record(card, EventType.ITEM_UPDATED, actor, changes={"status": [before, "in_progress"]}, board_id=card.board_id)
    card.status = "in_progress"
    return before


def begin_card(card: Item, actor: Actor) -> None:
    """Set a card in progress if it is open. One write, and none for any other card."""

    def change(current: Item) -> list[Operation]:
        filing = filing_of(current)
        return reindex(current, filing) if set_in_progress(current, actor) else []

    update_with_retry(lambda: fetch(Item, card.id) or card, change, first=card)
