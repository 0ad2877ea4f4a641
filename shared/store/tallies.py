"""Long lists, counted in blocks: a total is a sum, and a page at any depth is one query.

The entries of a list are cut by their sort keys in index 1 into blocks of about BLOCK. The row of a block, `<holder>, TALLY#<name>#<key>`,
counts its entries by label, and changes in the transaction that changes an entry:

    place = enter(comments, last_block(comments), key, "root")
    write(create(comment), *place.operations)            raises BlockMoved if another writer began a block meanwhile: do it again
    write(save(comment), *relabel(comments, comment.counted_in, "root", "removed"))

An entry keeps the start of its block (`Entity.counted_in`). One whose sort key changes leaves its block and enters the last one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pynamodb.expressions.operand import Path

from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.store.ahead import Ahead, read_ahead
from shared.store.reading import IndexRow, index_row, index_rows, query, raw_rows
from shared.store.rows import Entity, NumberAttribute, Row, UnicodeAttribute
from shared.store.writing import Operation, update

BLOCK = 500  # entries: their index rows of about 250 bytes are 16 units, and 10,000 entries have 20 rows of counts
_HEAD = 200  # entries at the head of a list that are read in any case: a list of so many needs no counts
_COUNT = "n:"  # before the label, in the name of an attribute


class BlockMoved(Conflict):
    """Another writer has begun a block since the block was read: read again and write again (`is_stale`)."""

    def __init__(self) -> None:
        super().__init__(Situation.VERSION_CONFLICT, "Another write was faster; try again")


@dataclass(frozen=True)
class CountedList:
    """The rows of `partition` in index 1 whose sort keys begin with `prefix`; their counts are in the partition `holder` of the table."""

    holder: str
    name: str
    partition: str
    prefix: str = ""


class Tally(Row):
    """The counts of a block, attributes named by their labels; `following` is the start of the next block, `writes` counts the changes."""

    TABLE = "core_table"

    following = UnicodeAttribute(null=True)
    writes = NumberAttribute(default=0)

    @classmethod
    def at(cls, counted: CountedList, start: str) -> "Tally":
        return cls(pk=counted.holder, sk=f"TALLY#{counted.name}#{start}")


@dataclass(frozen=True)
class Block:
    start: str = ""
    following: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    writes: int = 0

    @property
    def size(self) -> int:
        return sum(self.counts.values())

    def between(self, prefix: str = "") -> tuple[str, str]:
        """Return the first key of the block and that of the next one, each behind `prefix`. A key is not empty, and above a space."""
        return prefix + (self.start or " "), prefix + (self.following or "~")

    def number(self, wanted: Callable[[str], bool]) -> int:
        """Return how many entries have a wanted label."""
        return sum(count for label, count in self.counts.items() if wanted(label))


@dataclass(frozen=True)
class Place:
    """The block that an entry enters, and what counts it there."""

    start: str
    operations: list[Operation]


def last_block(counted: CountedList) -> Block:
    """Return the last block of a list; an empty one for a list without counts. One read, strongly consistent."""
    rows = raw_rows(Tally, counted.holder, prefix=f"TALLY#{counted.name}#", newest_first=True, limit=1, consistent=True)
    return next((_block(counted, raw) for raw in rows), Block())


def enter(counted: CountedList, last: Block, key: str, label: str) -> Place:
    """Count a new entry in the last block, as it was read, or begin a new block with it if that one is full.

    `key` is the entry's sort key without the list's prefix, made after the block was read. The write raises BlockMoved if another block
    was begun meanwhile.
    """
    return _enter(counted, last, key, label, None)


def reenter(counted: CountedList, start: str | None, before: str, last: Block, key: str, label: str) -> Place:
    """Count an entry, whose sort key has changed, as `enter` does, and no longer in its own block."""
    if start == last.start:
        return _enter(counted, last, key, label, before)
    place = _enter(counted, last, key, label, None)
    leaves = [] if start is None else [update(Tally.at(counted, start), _added({before: -1}))]
    return Place(place.start, [*leaves, *place.operations])


def relabel(counted: CountedList, start: str | None, before: str, after: str) -> list[Operation]:
    """Count an entry under another label. None: the entry was never counted."""
    if start is None or before == after:
        return []
    return [update(Tally.at(counted, start), _added({before: -1, after: 1}))]


def _enter(counted: CountedList, last: Block, key: str, label: str, leaving: str | None) -> Place:
    row, is_last = Tally.at(counted, last.start), Tally.following.does_not_exist()
    change = {leaving: -1} if leaving else {}
    if last.size < BLOCK:
        change[label] = change.get(label, 0) + 1
        return Place(last.start, [update(row, _added(change), is_last, BlockMoved)])
    # nothing was counted there since it was read, so nothing in it stands behind the new block's start
    unchanged = is_last & (Tally.writes == last.writes)
    closing = update(row, [Tally.following.set(key), *_added(change)], unchanged, BlockMoved)
    return Place(key, [closing, update(Tally.at(counted, key), _added({label: 1}))])


@dataclass(frozen=True)
class Located:
    """Where a page is: its `rows`, or the `blocks` that hold it, behind the first `skip` matching rows; and how many rows match in all."""

    total: int
    rows: list[IndexRow] | None
    blocks: Sequence[Block] = ()
    skip: int = 0


class CountedRows:
    """The index rows of a list that is being read. Its head and its counts are read ahead, before it is decided who may see them."""

    def __init__(self, counted: CountedList, rows: int, *, newest_first: bool = False) -> None:
        """`rows` of the head are read at least."""
        self._list, self._newest_first = counted, newest_first
        number = min(max(rows, _HEAD), BLOCK)
        self._head = read_ahead(
            lambda: query(Entity, counted.partition, index=1, prefix=counted.prefix, newest_first=newest_first, limit=number)
        )
        self._blocks = read_ahead(lambda: _all_blocks(counted))

    def whole(self) -> list[IndexRow] | None:
        """Return all rows of a list that is no longer than its head, or has no counts; None of any other."""
        head = self._head.result()
        if head.next_key is None:
            return list(map(index_row, head.rows))
        return None if self.blocks() else list(self._read_through())

    def blocks(self) -> list[Block]:
        """Return all blocks in the order of the list; none of a list that began before it was counted, as far as its head shows."""
        blocks = self._blocks.result()
        if sum(block.size for block in blocks) <= len(self._head.result().rows):  # there are more rows than these
            return []
        return blocks[::-1] if self._newest_first else blocks

    def locate(self, offset: int, limit: int, matches: Callable[[IndexRow], bool], wanted: Callable[[str], bool]) -> "Located":
        """Tell where a page of the rows that match is. `wanted` tells the labels of the rows that match."""
        whole = self.whole()
        head = whole if whole is not None else map(index_row, self._head.result().rows)
        found = [row for row in head if matches(row)]
        if whole is not None:
            return Located(len(found), found[offset : offset + limit])
        blocks = self.blocks()
        total = sum(block.number(wanted) for block in blocks)
        if len(found) >= min(offset + limit, total):
            return Located(total, found[offset : offset + limit])
        touched, before = _touched(blocks, offset, limit, wanted)
        return Located(total, None, touched, offset - before)

    def page(
        self,
        offset: int,
        limit: int,
        matches: Callable[[IndexRow], bool] = lambda _: True,
        wanted: Callable[[str], bool] = lambda _: True,
    ) -> tuple[list[IndexRow], int]:
        """Return a page of the rows that match, and how many they are; arguments as of `locate`.

        At most one round trip beside those that began ahead, for the blocks that the page touches.
        """
        place = self.locate(offset, limit, matches, wanted)
        if place.rows is not None:
            return place.rows, place.total
        rows = [row for row in self.rows_of(place.blocks) if matches(row)]
        return rows[place.skip : place.skip + limit], place.total

    def all(self, wanted: Callable[[str], bool] = lambda _: True) -> Iterable[IndexRow]:
        """Return the rows of all blocks that have a wanted label, in the order of the list."""
        whole = self.whole()
        return whole if whole is not None else self.rows_of([block for block in self.blocks() if block.number(wanted)])

    def rows_of(self, blocks: Iterable[Block]) -> Iterator[IndexRow]:
        """Yield the rows of these blocks. They are read side by side."""
        reads: list[Ahead[list[IndexRow]]] = [read_ahead(partial(self._read_block, block)) for block in blocks]
        for read in reads:
            yield from read.result()

    def _read_block(self, block: Block) -> list[IndexRow]:
        between = block.between(self._list.prefix)
        rows = index_rows(1, self._list.partition, between=between, newest_first=self._newest_first)
        return [row for row in rows if row.sort < between[1]]  # the next block begins with its start

    def _read_through(self) -> Iterator[IndexRow]:
        return index_rows(1, self._list.partition, self._list.prefix, newest_first=self._newest_first)


def _touched(blocks: list[Block], offset: int, limit: int, wanted: Callable[[str], bool]) -> tuple[list[Block], int]:
    """Return the blocks that hold a page, and how many wanted entries stand before them."""
    touched: list[Block] = []
    seen = before = 0
    for block in blocks:
        number = block.number(wanted)
        if number and seen < offset + limit and seen + number > offset:
            before = before if touched else seen
            touched.append(block)
        seen += number
    return touched, before


def _all_blocks(counted: CountedList) -> list[Block]:
    return [_block(counted, raw) for raw in raw_rows(Tally, counted.holder, prefix=f"TALLY#{counted.name}#")]


def _block(counted: CountedList, raw: dict[str, Any]) -> Block:
    counts = {name.removeprefix(_COUNT): int(value["N"]) for name, value in raw.items() if name.startswith(_COUNT)}
    start = raw["SK"]["S"].removeprefix(f"TALLY#{counted.name}#")
    following = raw["following"]["S"] if "following" in raw else None
    return Block(start, following, counts, int(raw["writes"]["N"]) if "writes" in raw else 0)


def _added(numbers: Mapping[str, int]) -> list[Any]:
    """Return the actions that count so many more entries under these labels."""
    return [Tally.writes.add(1), *(Path([_COUNT + label]).add(number) for label, number in numbers.items())]
