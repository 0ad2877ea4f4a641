"""What a board knows of a card beside its rows: where it is counted, how long it was in the phase that it leaves, under which words it is
posted, in which text it is found, and whether a person must approve it.

Every write of a card that may change one of these takes the operations of `reindex` into its transaction:

    before = filing_of(item)
    item.status = "done"
    write(save(item), *reindex(item, before))
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.store import Operation
from shared.work.boards.counting import CardLocation, card_location, count_new, update_counts
from shared.work.items.pending import change_approval, place_of_approval
from shared.work.items.postings import change_postings, words_of
from shared.work.items.rows import Item
from shared.work.items.searching import change_words, text_of
from shared.work.items.stays import Stays, ended_stays


@dataclass(frozen=True)
class Filing:
    """Where a card is counted (None: nowhere), the words of its postings, and the text of its searches."""

    location: CardLocation | None
    words: frozenset[str]
    text: str
    approval: str = ""
    """Where it stands among the approvals that its workspace waits for; empty: nowhere."""
    stays: Stays = field(default_factory=dict)
    """The stays in phases that it has left."""


UNFILED: Final = Filing(None, frozenset(), "")
"""The filing of a card that is in no list: a new, an archived or a deleted one."""


def filing_of(item: Item) -> Filing:
    """Return how a card is to be filed as it is now."""
    if item.deleted_at or item.archived_at:
        return UNFILED
    return Filing(card_location(item), words_of(item), text_of(item), place_of_approval(item), ended_stays(item))


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
    found = [*change_postings(item, before.words), *change_words(item, before.text)]
    if after.approval != before.approval:
        found += change_approval(item, before.approval, after.approval)
    if after.location == before.location:
        return found
    counts = update_counts(
        item.board_id,
        leaves=before.location,
        enters=after.location,
        lane_limit=lane_limit,
        column_limit=column_limit,
        column_count=column_count,
        ended_stay=_ended_stay(before, after),
        also_closed=also_closed,
    )
    return [counts, *found]


def file_new(items: Sequence[Item]) -> list[Operation]:
    """Return the operations that file new cards of one board, whatever the limits of their lanes."""
    found = [count_new(items[0].board_id, [card_location(item) for item in items])]
    for item in items:
        found += [*change_postings(item), *change_words(item, ""), *change_approval(item, "", place_of_approval(item))]
    return found


def _ended_stay(before: Filing, after: Filing) -> tuple[str, int] | None:
    """Return the phase that the card leaves and the seconds of its stay; None if it leaves none, as a card that is only filed again."""
    if before.location is None:
        return None
    for phase, (seconds, number) in after.stays.items():
        earlier, known = before.stays.get(phase, (0, 0))
        if number > known:
            return phase, seconds - earlier
    return None
