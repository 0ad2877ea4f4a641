"""What a board knows of a card beside its rows: where it is counted, and the words under which it is found.

Every write of a card that may change one of these takes the operations of `reindex` into its transaction:

    before = filing_of(item)
    item.status = "done"
    write(save(item), *reindex(item, before))
"""

from dataclasses import dataclass
from typing import Final

from shared.store import Operation
from shared.work.boards.counting import CardLocation, card_location, update_counts
from shared.work.items.postings import change_postings, words_of
from shared.work.items.rows import Item


@dataclass(frozen=True)
class Filing:
    """Where a card is counted (None: nowhere), and its words."""

    location: CardLocation | None
    words: frozenset[str]


UNFILED: Final = Filing(None, frozenset())
"""The filing of a card that is in no list: a new, an archived or a deleted one."""


def filing_of(item: Item) -> Filing:
    """Return how a card is to be filed as it is now."""
    return UNFILED if item.deleted_at or item.archived_at else Filing(card_location(item), words_of(item))


def reindex(
    item: Item,
    before: Filing,
    *,
    lane_limit: int | None = None,
    column_limit: int | None = None,
    column_count: int | None = None,
    also_closed: bool = False,
) -> list[Operation]:
    """Return the operations that file a card, which was filed as `before`, as it is now; none if nothing of it changed.

    The limits are those of `update_counts`. `also_closed`: also on the board of an archived project, where the work of agents ends.
    """
    after = filing_of(item)
    postings = change_postings(item, before.words)
    if after.location == before.location:
        return postings
    counts = update_counts(
        item.board_id,
        leaves=before.location,
        enters=after.location,
        lane_limit=lane_limit,
        column_limit=column_limit,
        column_count=column_count,
        also_closed=also_closed,
    )
    return [counts, *postings]
