"""Finding the cards of a board that match a filter, in their order, by what costs the fewest read units (docs/decisions/0042).

a small board      the first index rows are all of it
postings           few cards can match: their rows are read, and the page is chosen among them
a walk             the tallies say how many cards match and in which lanes: the index is read until the page is full
the whole index    what is left, above all a search on a large board: all lanes that can hold a match, at the same time
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final

from shared.store import IndexRow, ReadFuture, fetch_all, first_index_rows, get_many, index_row, index_rows, read_ahead
from shared.work.boards.counting import lane_tally, type_tally
from shared.work.boards.lanes import lane_key
from shared.work.boards.rows import STATUS_LETTERS, TYPE_LETTERS, Board, Counts
from shared.work.items.filtering import ItemFilter
from shared.work.items.postings import prefixes_for, read_postings
from shared.work.items.rows import Item, ItemHead

SMALL_BOARD: Final = 100
"""Cards of a board that is read whole, beside the board itself: 7 read units."""
_MAX_AHEAD: Final = 1_000  # index rows of a page without a filter that are read before the counts are there
_UNITS_OF_ROW, _UNITS_OF_INDEX_ROW = 0.5, 0.07  # eventually consistent; an index row has about 550 bytes
_BATCH: Final = 100
_MAX_PREFIX: Final = 100  # characters of what came from outside: a sort key has 1,024 bytes at most


@dataclass(frozen=True)
class Stretch:
    """The cards of a lane in the index, and how many of them match: exactly, or as expected."""

    prefix: str
    cards: int
    matching: float


class Finder:
    """Finds the cards with the ranks `first` to `last` - 1. It begins to read when it is made; ask it when the board is authorized."""

    def __init__(self, board_id: str, wanted: ItemFilter, first: int, last: int) -> None:
        self.board_id, self.wanted, self.first, self.last = board_id, wanted, first, last
        self.partition = f"BOARD#{board_id}#ITEM"
        self.is_plain = wanted.only_lane
        prefix = f"{lane_key(board_id, wanted.lane_id)[:_MAX_PREFIX]}#" if wanted.lane_id else ""
        ahead = last if self.is_plain and last <= _MAX_AHEAD else SMALL_BOARD
        self._start = read_ahead(lambda: first_index_rows(1, self.partition, ahead, prefix))
        prefixes = prefixes_for(wanted.type, wanted.assignee_id, wanted.status, wanted.tags)
        self._postings = [read_ahead(partial(read_postings, board_id, one)) for one in prefixes]
        self.whole: list[IndexRow] | None = None
        """All cards of the board, if these were read; known after `find`."""

    def find(self, board: Board, counts: Counts) -> tuple[list[Item], int]:
        """Return the page, and how many cards match."""
        rows, more = self._start.result()
        if not more:
            self.whole = None if self.wanted.lane_id else rows
            return self._page(sort_rows(board, filter(self._matches, rows)))
        known = counts.tallied if self.is_plain else counts.is_tallied
        if not known or counts.cards < len(rows):
            return self._page(sort_rows(board, self._read_whole("")))
        stretches, total = self._stretches(board, counts)
        if self.is_plain and self.last <= _MAX_AHEAD and total is not None and (self.wanted.lane_id or _in_order(board)):
            return fetch_live(row.id for row in rows[self.first : self.last]), total
        candidates = min((ids for one in self._postings if (ids := one.result()) is not None), key=len, default=None)
        if candidates is not None and len(candidates) * _UNITS_OF_ROW <= self._units(stretches, total):
            return self._of_candidates(board, candidates)
        if total is None:
            found = read_all([partial(self._read_whole, stretch.prefix) for stretch in stretches])
            return self._page(sort_rows(board, (row for part in found for row in part)))
        rows = walk(self.partition, stretches, self._matches, self.first, self.last, exact=not self.wanted.type)
        return fetch_live(row.id for row in rows), total

    def _matches(self, row: IndexRow) -> bool:
        return self.wanted.matches(row.f)

    def _page(self, rows: Sequence[IndexRow]) -> tuple[list[Item], int]:
        return fetch_live(row.id for row in rows[self.first : self.last]), len(rows)

    def _read_whole(self, prefix: str) -> list[IndexRow]:
        """Return the matching rows of a part of the index, with no more than sorting needs."""
        found = filter(self._matches, index_rows(1, self.partition, prefix))
        return [replace(row, f={"lane_id": row.f["lane_id"]}) for row in found]

    def _stretches(self, board: Board, counts: Counts) -> tuple[list[Stretch], int | None]:
        """Return the lanes that can hold a match, in order, and how many cards match; None if the tallies cannot tell."""
        wanted, tallies = self.wanted, counts.tallies
        of_status = sum(tallies.get(type_tally(wanted.status or "", one), 0) for one in TYPE_LETTERS)
        of_type = sum(tallies.get(type_tally(one, wanted.type or ""), 0) for one in STATUS_LETTERS)
        of_both = tallies.get(type_tally(wanted.status or "", wanted.type or ""), 0)
        share = 1.0
        if wanted.type:
            share = of_both / max(of_status, 1) if wanted.status else of_type / max(counts.cards, 1)
        stretches = []
        for lane_id in board.lane_ids:
            cards = int(counts.lanes.get(lane_id, 0))
            number = tallies.get(lane_tally(self.board_id, lane_id, wanted.status), 0) if wanted.status else cards
            if number > 0 and wanted.lane_id in (None, lane_id):
                stretches.append(Stretch(f"{lane_key(self.board_id, lane_id)}#", cards, number * share))
        if wanted.assignee_id or wanted.search or wanted.tags or (wanted.type and wanted.lane_id):
            return stretches, None
        if wanted.type:
            return stretches, of_both if wanted.status else of_type
        return stretches, sum(int(stretch.matching) for stretch in stretches)

    def _units(self, stretches: Sequence[Stretch], total: int | None) -> float:
        """Return what the page costs by the index, about."""
        cards = sum(stretch.cards for stretch in stretches)
        return _UNITS_OF_INDEX_ROW * (cards if total is None else min(cards, self.last * cards / max(total, 1)))

    def _of_candidates(self, board: Board, ids: set[str]) -> tuple[list[Item], int]:
        """Read the rows of all cards that can match, and choose among them. A row has what its card's index rows have."""
        for one in self._postings:
            ids = ids if (others := one.result()) is None else ids & others
        keys = [(ItemHead, *ItemHead.key(item_id)) for item_id in ids]
        parts = [partial(get_many, keys[start : start + _BATCH], consistent=False) for start in range(0, len(keys), _BATCH)]
        heads = [head for part in read_all(parts) for head in part if isinstance(head, ItemHead)]
        rows = (index_row(head) for head in heads if head.gsi1pk == self.partition)
        return self._page(sort_rows(board, filter(self._matches, rows)))


def walk(
    partition: str, stretches: Sequence[Stretch], matches: Callable[[IndexRow], bool], first: int, last: int, *, exact: bool
) -> list[IndexRow]:
    """Return the matching index rows with the ranks `first` to `last` - 1. `exact`: the stretches say exactly how many match, so those
    before the page are not read. Stretches that should hold the page are read at the same time."""
    waiting = list(stretches)
    while exact and waiting and waiting[0].matching <= first:
        passed = int(waiting.pop(0).matching)
        first, last = first - passed, last - passed
    found: list[IndexRow] = []
    while waiting and len(found) < last:
        need, expected, reads = last - len(found), 0.0, []
        while waiting and expected < need:
            stretch = waiting.pop(0)
            reads.append(partial(read_stretch, partition, stretch, matches, math.ceil(need - expected) if exact else need))
            expected += stretch.matching
        for part in read_all(reads):
            found += part
    return found[first:last]


def read_stretch(partition: str, stretch: Stretch, matches: Callable[[IndexRow], bool], most: int) -> list[IndexRow]:
    """Return the first matching rows of a stretch. One query, if the matches lie as close as expected."""
    wanted = min(most, math.ceil(stretch.matching)) or 1
    limit = math.ceil(wanted * stretch.cards / max(stretch.matching, 1) * 1.25) if stretch.matching < stretch.cards else wanted
    return list(islice(filter(matches, index_rows(1, partition, stretch.prefix, limit=min(limit, stretch.cards) + 1)), most))


def read_all(reads: Iterable[Callable[[], list[Any]]]) -> list[list[Any]]:
    """Carry out reads at the same time and return their results in order."""
    ahead: list[ReadFuture[list[Any]]] = [read_ahead(read) for read in reads]
    return [one.result() for one in ahead]


def fetch_live(ids: Iterable[str]) -> list[Item]:
    """Return the cards with these ids as lists show them, in that order, without deleted ones."""
    return [item for item in fetch_all(Item, ids, to_show=True) if not item.deleted_at]


def sort_rows(board: Board, rows: Iterable[IndexRow]) -> list[IndexRow]:
    """Sort cards by lane, then as the index sorts them within a lane."""
    number = {lane_id: index for index, lane_id in enumerate(board.lane_ids)}
    return sorted(rows, key=lambda row: (number.get(row.f["lane_id"], len(number)), place_of(row)))


def place_of(row: IndexRow) -> str:
    """Return `Item.place` of a row of the board's index, whose sort key is the lane and the place."""
    return row.sort.partition("#")[2]


def _in_order(board: Board) -> bool:
    """Tell whether the board's lanes stand in the order of the index."""
    keys = [lane_key(board.id, lane_id) for lane_id in board.lane_ids]
    return keys == sorted(keys)
