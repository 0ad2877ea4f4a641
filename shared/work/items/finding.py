"""Finding the cards of a board that match a filter, in their order, by what costs the fewest read units (docs/decisions/0042).

a small board      the first index rows are all of it
postings           few cards can match: their rows are read, and the page is chosen among them
words              a search reads the words of all cards (`searching`), which tell who matches it, as postings do
a walk             the tallies or the words say how many cards match: the beginning of the lanes that should hold the page is read
the whole index    what is left: all lanes that can hold a match, in parts

Whatever is read is read at the same time as all else of its kind: a page of a filter is three round trips (the board, what matches, the
page), or four if the matches do not lie where the counts let expect them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from shared.store import (
    IndexRow,
    ReadFuture,
    Row,
    RowKey,
    fetch_all,
    first_index_rows,
    get_all,
    index_row,
    index_rows,
    read_ahead,
)
from shared.work.boards.counting import lane_tally, type_tally
from shared.work.boards.lanes import lane_key
from shared.work.boards.rows import STATUS_LETTERS, TYPE_LETTERS, Board, Counts
from shared.work.items.filtering import ItemFilter
from shared.work.items.postings import prefixes_for, read_postings
from shared.work.items.rows import Item, ItemHead, place_of_position
from shared.work.items.searching import Search, Words, search_in

SMALL_BOARD: Final = 100
"""Cards of a board that is read whole, beside the board itself: 7 read units."""
_MAX_AHEAD: Final = 1_000  # index rows of a page without a filter that are read before the counts are there
_UNITS_OF_ROW, _UNITS_OF_INDEX_ROW = 0.5, 0.05  # eventually consistent; an index row has about 400 bytes
_PART: Final = 1_000
"""Positions of a part of a lane. New cards stand at whole numbers, one each, so it is a query of one megabyte even if its rows are long."""
T = TypeVar("T")
_MAX_PREFIX: Final = 100  # characters of what came from outside: a sort key has 1,024 bytes at most


@dataclass(frozen=True)
class Stretch:
    """The cards of a lane in the index, and how many of them match: exactly, or as expected."""

    prefix: str
    cards: int
    matching: float


class Finder:
    """Finds the cards with the ranks `first` to `last` - 1. It begins to read when it is made; ask it when the board is authorized."""

    def __init__(self, board_id: str, wanted: ItemFilter, first: int, last: int, *, with_fields: bool = False) -> None:
        """`with_fields`: the index rows of the page are shown, and not only their cards."""
        self.board_id, self.wanted, self.first, self.last = board_id, wanted, first, last
        self._with_fields = with_fields or bool(wanted.search)
        self.partition = f"BOARD#{board_id}#ITEM"
        self.is_plain = wanted.only_lane
        prefix = f"{lane_key(board_id, wanted.lane_id)[:_MAX_PREFIX]}#" if wanted.lane_id else ""
        ahead = last if self.is_plain and last <= _MAX_AHEAD else SMALL_BOARD
        fields = ("lane_id",) if self.is_plain and not with_fields else None  # what sorting needs
        self._start = read_ahead(lambda: first_index_rows(1, self.partition, ahead, prefix, attributes=fields))
        prefixes = prefixes_for(wanted.type, wanted.assignee_id, wanted.status, wanted.tags)
        self._postings = [[read_ahead(partial(read_postings, board_id, prefix)) for prefix in one] for one in prefixes]
        self._search = Search(board_id, wanted.search) if wanted.search and not prefixes and not prefix else None
        self._found: frozenset[str] | None = None
        self.whole: list[IndexRow] | None = None
        """All cards of the board, if these were read; known after `find`."""

    def find(self, board: Board, counts: Counts) -> tuple[list[IndexRow], int]:
        """Return the page as index rows, and how many cards match."""
        rows, more = self._start.result()
        if not more:
            self.whole = None if self.wanted.lane_id else rows
            if self.is_plain and (self.wanted.lane_id or _in_order(board)):
                return rows[self.first : self.last], len(rows)
            rows = [row for row in rows if self.wanted.matches(row.f)]
            self._search_in(get_all(self._word_keys(row.id for row in rows), consistent=False))
            return self._page(board, rows)
        if not (self.is_plain or counts.is_tallied) or counts.cards < len(rows):
            self._begin_search()
            return self._page(board, self._take(index_rows(1, self.partition)))
        searched = self._ids_by_words()
        stretches, total = self._stretches(board, counts, searched)
        if self.is_plain and self.last <= _MAX_AHEAD and total is not None and (self.wanted.lane_id or _in_order(board)):
            return rows[self.first : self.last], total
        sets = [ids for ids in (searched, *map(_united, self._postings)) if ids is not None]
        if sets and min(map(len, sets)) * _UNITS_OF_ROW <= self._units(stretches, total):
            return self._of_candidates(board, frozenset.intersection(*sets))
        if total is None:
            self._begin_search()
            found = read_whole(self.partition, stretches, self._take, counts)
            return self._page(board, (row for part in found for row in part))
        exact = not (self.wanted.type or self.wanted.search)
        return walk(self.partition, stretches, self._matches, self.first, self.last, counts, exact=exact), total

    def _begin_search(self) -> None:
        """Begin to read the words of all cards, if that has not begun yet."""
        if self.wanted.search and self._search is None:
            self._search = Search(self.board_id, self.wanted.search)

    def _word_keys(self, ids: Iterable[str]) -> list[RowKey]:
        """Return the keys of these cards' words, if a search does not read the words of all cards."""
        if not self.wanted.search or self._search is not None:
            return []
        return [(Words, *Words.key(self.board_id, item_id)) for item_id in ids]

    def _search_in(self, rows: Iterable[Row | None]) -> None:
        """Search in the words that were read by their keys."""
        if self._search is None:
            self._found = search_in((row for row in rows if isinstance(row, Words)), self.wanted.search or "")

    def _ids_by_words(self) -> frozenset[str] | None:
        """Return the cards that have the words of a search, if that reads the words of the whole board."""
        if self._search is not None and self._found is None:
            self._found = self._search.result()
        return self._found

    def _matches(self, row: IndexRow) -> bool:
        return self.wanted.matches(row.f) and self._is_found(row)

    def _is_found(self, row: IndexRow) -> bool:
        """Tell whether a card has the words of the search."""
        return not self.wanted.search or row.id in (self._ids_by_words() or ())

    def _page(self, board: Board, rows: Iterable[IndexRow]) -> tuple[list[IndexRow], int]:
        """Return the page of these rows, which match all but the search, and how many of them it finds."""
        found = sort_rows(board, filter(self._is_found, rows))
        return found[self.first : self.last], len(found)

    def _take(self, rows: Iterable[IndexRow]) -> list[IndexRow]:
        """Return the rows that match all but the search, with no more than sorting needs if nothing else is asked of them."""
        found = (row for row in rows if self.wanted.matches(row.f))
        return list(found) if self._with_fields else [row.with_only("lane_id") for row in found]

    def _stretches(self, board: Board, counts: Counts, searched: frozenset[str] | None) -> tuple[list[Stretch], int | None]:
        """Return the lanes that can hold a match, in order, and how many cards match; None if neither tallies nor words can tell."""
        wanted, tallies = self.wanted, counts.tallies
        of_status = sum(tallies.get(type_tally(wanted.status or "", one), 0) for one in TYPE_LETTERS)
        of_type = sum(tallies.get(type_tally(one, wanted.type or ""), 0) for one in STATUS_LETTERS)
        of_both = tallies.get(type_tally(wanted.status or "", wanted.type or ""), 0)
        share = 1.0
        if searched is not None:
            share = len(searched) / max(counts.cards, 1)
        if wanted.type:
            share = of_both / max(of_status, 1) if wanted.status else of_type / max(counts.cards, 1)
        stretches = []
        for lane_id in board.lane_ids:
            cards = counts.cards_in(lane_id)
            number = tallies.get(lane_tally(self.board_id, lane_id, wanted.status), 0) if wanted.status else cards
            if number > 0 and wanted.lane_id in (None, lane_id):
                stretches.append(Stretch(f"{lane_key(self.board_id, lane_id)}#", cards, number * share))
        if searched is not None and wanted.only_search and not wanted.lane_id:
            return stretches, len(searched)
        if wanted.assignee_id or wanted.search or wanted.tags or (wanted.type and wanted.lane_id):
            return stretches, None
        if wanted.type:
            return stretches, of_both if wanted.status else of_type
        return stretches, sum(int(stretch.matching) for stretch in stretches)

    def _units(self, stretches: Sequence[Stretch], total: int | None) -> float:
        """Return what the page costs by the index, about."""
        cards = sum(stretch.cards for stretch in stretches)
        return _UNITS_OF_INDEX_ROW * (cards if total is None else min(cards, self.last * cards / max(total, 1)))

    def _of_candidates(self, board: Board, ids: Iterable[str]) -> tuple[list[IndexRow], int]:
        """Read the rows of all cards that can match, and choose among them. A row has what its card's index rows have."""
        keys: list[RowKey] = [*((ItemHead, *ItemHead.key(item_id)) for item_id in ids), *self._word_keys(ids)]
        read = get_all(keys, consistent=False)  # as an index is
        self._search_in(read)
        heads = [row for row in read if isinstance(row, ItemHead)]
        rows = (index_row(head) for head in heads if head.gsi1pk == self.partition)
        return self._page(board, (row for row in rows if self.wanted.matches(row.f)))


def walk(
    partition: str,
    stretches: Sequence[Stretch],
    matches: Callable[[IndexRow], bool],
    first: int,
    last: int,
    counts: Counts,
    *,
    exact: bool,
) -> list[IndexRow]:
    """Return the matching index rows with the ranks `first` to `last` - 1. `exact`: the stretches say exactly how many match, so those
    before the page are not read.

    The beginning of the stretches that should hold the page is read first; if it does not, all stretches that may are read whole.
    """
    waiting = list(stretches)
    while exact and waiting and waiting[0].matching <= first:
        passed = int(waiting.pop(0).matching)
        first, last = first - passed, last - passed
    likely: list[tuple[Stretch, int]] = []
    expected = 0.0
    for stretch in waiting:
        if expected < last:
            likely.append((stretch, math.ceil(last - expected) if exact else last))
            expected += stretch.matching
    found: list[IndexRow] = []
    starts = read_starts(partition, likely, matches, counts)
    for start in starts:
        found += start.rows
        if len(found) >= last or not start.is_whole:  # what is left of this one comes before the next
            break
    if len(found) < last and not (starts and all(start.is_whole for start in starts) and (exact or len(likely) == len(waiting))):
        whole = read_whole(partition, [one for one, _ in likely] if exact else waiting, partial(filter, matches), counts)
        found = [row for part in whole for row in part]
    return found[first:last]


class Start(NamedTuple):
    """The first matching rows of a stretch, and whether it has no others."""

    rows: list[IndexRow]
    is_whole: bool


def read_starts(
    partition: str, wanted: Sequence[tuple[Stretch, int]], matches: Callable[[IndexRow], bool], counts: Counts
) -> list[Start]:
    """Read the beginnings of stretches, so long that the wanted number should match: a query each, or some of its parts."""
    reads = [_start(partition, stretch, matches, most, int(counts.next)) for stretch, most in wanted]
    done = iter(read_all(read for of_stretch in reads for read in of_stretch))
    starts = []
    for (_, most), of_stretch in zip(wanted, reads, strict=True):
        parts = [next(done) for _ in of_stretch]
        rows = [row for part in parts for row in part.rows]
        starts.append(Start(rows[:most], parts[-1].is_whole and len(rows) <= most))
    return starts


def _start(
    partition: str, stretch: Stretch, matches: Callable[[IndexRow], bool], most: int, last_position: int
) -> list[Callable[[], Start]]:
    """Return what reads the beginning of a stretch."""
    wanted = min(most, math.ceil(stretch.matching)) or 1
    limit = math.ceil(wanted * stretch.cards / max(stretch.matching, 1) * 1.25) if stretch.matching < stretch.cards else wanted
    if limit <= _PART:
        number = min(limit, stretch.cards) + 1
        return [lambda: _matching(*first_index_rows(1, partition, number, stretch.prefix), matches)]
    parts = _parts(stretch, last_position)
    some = parts[: math.ceil(len(parts) * limit / stretch.cards) + 1]
    return [
        partial(lambda one: _matching(index_rows(1, partition, between=one), one is not parts[-1], matches), part)
        for part in some
    ]


def _matching(rows: Iterable[IndexRow], more: bool, matches: Callable[[IndexRow], bool]) -> Start:
    return Start(list(filter(matches, rows)), not more)


def read_whole(
    partition: str, stretches: Sequence[Stretch], take: Callable[[Iterable[IndexRow]], Iterable[IndexRow]], counts: Counts
) -> list[list[IndexRow]]:
    """Read stretches to their ends, in parts. Return of each what `take` leaves of its rows."""
    bounds = [_parts(stretch, int(counts.next)) for stretch in stretches]
    read = iter(read_all(partial(_read_part, partition, take, one) for parts in bounds for one in parts))
    return [[row for _ in parts for row in next(read)] for parts in bounds]


def _parts(stretch: Stretch, last_position: int) -> list[tuple[str, str]]:
    """Return the bounds of the parts in which a stretch is read: one, if it is short."""
    cuts = range(_PART, last_position, _PART) if stretch.cards > _PART else ()
    return list(pairwise([stretch.prefix, *(stretch.prefix + place_of_position(cut) for cut in cuts), f"{stretch.prefix}~"]))


def _read_part(
    partition: str, take: Callable[[Iterable[IndexRow]], Iterable[IndexRow]], between: tuple[str, str]
) -> list[IndexRow]:
    return list(take(index_rows(1, partition, between=between)))


def read_all(reads: Iterable[Callable[[], T]]) -> list[T]:
    """Carry out reads at the same time and return their results in order."""
    ahead: list[ReadFuture[T]] = [read_ahead(read) for read in reads]
    return [one.result() for one in ahead]


def _united(postings: Iterable[ReadFuture[frozenset[str] | None]]) -> frozenset[str] | None:
    """Return the ids of the cards that have one of these postings; None if there are too many."""
    sets = [one.result() for one in postings]
    return frozenset().union(*(ids for ids in sets if ids is not None)) if None not in sets else None


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
