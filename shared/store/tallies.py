"""Long lists, counted in blocks: a total is a sum, and a page at any depth is one query.

The entries of a list are cut into blocks of about BLOCK, numbered as they are begun. The row of a block, `<holder>, TALLY#<name>#<start>`,
counts its entries by label, and changes in the transaction that changes an entry:

    place = enter(comments, LastBlock(comments).result(), "root")
    comment.counted_in = place.start
    write(create(comment), *place.operations)            raises BlockMoved if another writer began a block meanwhile: do it again
    write(save(comment), *relabel(comments, comment.counted_in, "root", "removed"))

An entry keeps the start of its block (`CountedEntity`), and its sort key in index 1 begins with it: it stands where it is counted,
whatever the clock of its writer says. One whose sort key changes leaves its block and enters the last one.

A list that began before it was counted stays so, and is read through: counts of a part of it would be wrong for ever.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.core.errors import Conflict
from shared.core.situations import Situation
from shared.store.ahead import ReadFuture, read_ahead
from shared.store.attributes import UnicodeAttribute, amount
from shared.store.queries import IndexRow, first_index_rows, index_rows, query, raw_rows
from shared.store.rows import Entity, Row
from shared.store.writing import Operation, check, delete, update

BLOCK = 500  # entries: their index rows of about 250 bytes are 16 units, and 10,000 entries have 20 rows of counts
_HEAD = 200  # entries at the head of a list that are read in any case: a list of so many needs no counts
_SWEPT = 20  # rows of empty blocks that one write removes: one of them becomes empty for each that is begun
_COUNT = "n:"  # before the label, in the name of an attribute


class BlockMoved(Conflict):
    """Another writer has begun a block since the block was read: read again and write again (`is_stale`)."""

    def __init__(self) -> None:
        super().__init__(Situation.VERSION_CONFLICT, "Another write was faster; try again")


@dataclass(frozen=True)
class CountedList:
    """The rows of `partition` in index 1 whose sort keys begin with `prefix`; their counts are in the partition `holder` of the table.
    `label_of` tells by a row's filter fields what it is counted as."""

    holder: str
    name: str
    partition: str
    label_of: Callable[[dict[str, Any]], str]
    prefix: str = ""


class Tally(Row):
    """The counts of a block, attributes named by their labels; `following` is the start of the next block."""

    TABLE = "core_table"

    following = UnicodeAttribute(null=True)

    @classmethod
    def at(cls, counted: CountedList, start: str) -> "Tally":
        return cls(pk=counted.holder, sk=f"TALLY#{counted.name}#{start}")


@dataclass(frozen=True)
class Block:
    start: str = ""
    following: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    is_stored: bool = True
    """Whether it has its row: the first block of an empty list has none yet."""

    @property
    def size(self) -> int:
        return sum(self.counts.values())

    @property
    def next_start(self) -> str:
        """Return the start of the block behind this one. It sorts behind every time, with which the keys of the first block begin."""
        return f"~{int(self.start.strip('~/') or 0) + 1:06}/"

    def between(self, prefix: str = "") -> tuple[str, str]:
        """Return bounds of the block's keys, each behind `prefix`. A key is not empty, and above a space."""
        return prefix + (self.start or " "), prefix + (self.following or "~~")

    def number(self, wanted: Callable[[str], bool]) -> int:
        """Return how many entries have a wanted label."""
        return sum(count for label, count in self.counts.items() if wanted(label))


@dataclass(frozen=True)
class Place:
    """The block that an entry enters, and what counts it there; None in a list that is not counted."""

    start: str | None
    operations: list[Operation]


class LastBlock:
    """The last block of a list, which is being read: strongly consistent, ahead of the decision who may write."""

    def __init__(self, counted: CountedList) -> None:
        self._stored = read_ahead(partial(_stored_last_block, counted))
        self._any = read_ahead(lambda: query(Entity, counted.partition, index=1, prefix=counted.prefix, limit=1).rows)

    def result(self) -> Block | None:
        """Return the block; None if the list has entries and no counts."""
        stored = self._stored.result()
        return stored if stored is not None or self._any.result() else Block(is_stored=False)


def enter(counted: CountedList, last: Block | None, *labels: str) -> Place:
    """Count a new entry under its label, or several, in the last block, as it was read, or begin a new block if that one is full.

    The write raises BlockMoved if another block was begun meanwhile.
    """
    if last is None:
        return Place(None, [check(Tally.at(counted, ""), Tally.pk.does_not_exist(), BlockMoved)])
    if last.size < BLOCK:
        return Place(last.start, [_change(counted, last, Counter(labels))])
    start = last.next_start
    closing = _change(counted, last, {}, start)
    return Place(start, [closing, update(Tally.at(counted, start), _added(Counter(labels)))])


def reenter(counted: CountedList, start: str | None, before: str, last: Block | None, label: str) -> Place:
    """Count an entry, whose sort key has changed, as `enter` does, and no longer in its own block. None: it was never counted.

    Who begins a block removes the rows of those that all entries have left.
    """
    if start is None or last is None:
        return Place(None, [])
    if start == last.start:
        return Place(start, [_change(counted, last, _moved(before, label))])
    place = enter(counted, last, label)
    empty = [] if place.start == last.start else [one for one in _all_blocks(counted) if one.following and not one.size]
    swept = [delete(Tally.at(counted, one.start)) for one in empty[:_SWEPT]]  # nothing enters a block that is not the last
    return Place(place.start, [update(Tally.at(counted, start), _added({before: -1})), *place.operations, *swept])


def relabel(counted: CountedList, start: str | None, before: str, after: str) -> list[Operation]:
    """Count an entry under another label. None: it was never counted."""
    return [] if start is None or before == after else [update(Tally.at(counted, start), _added(_moved(before, after)))]


def _moved(before: str, after: str) -> Mapping[str, int]:
    return {before: -1, after: 1} if before != after else {}


def _change(counted: CountedList, last: Block, change: Mapping[str, int], following: str | None = None) -> Operation:
    """Return the operation that changes the counts of the last block, as long as it is the last one, and makes its row if it has none."""
    is_last = Tally.pk.exists() & Tally.following.does_not_exist() if last.is_stored else Tally.pk.does_not_exist()
    actions = [*([Tally.following.set(following)] if following else []), *_added(change)]
    row = Tally.at(counted, last.start)
    return update(row, actions, is_last, BlockMoved) if actions else check(row, is_last, BlockMoved)


@dataclass(frozen=True)
class CountedPage:
    """A page of a list: how many rows match in all, and what returns those of the page. `blocks` are being read for it; none if its rows
    are there."""

    total: int
    rows: Callable[[], list[IndexRow]]
    blocks: Sequence[Block] = ()


def count_entries(counted: CountedList, wanted: Callable[[str], bool]) -> int:
    """Return how many entries of a list are counted under a wanted label: none of a list that is not counted."""
    return sum(block.number(wanted) for block in _all_blocks(counted))


class CountedRows:
    """The index rows of a list that is being read. Its head and its counts are read ahead, before it is decided who may see them."""

    def __init__(self, counted: CountedList, rows: int, *, newest_first: bool = False) -> None:
        """`rows` of the head are read at least."""
        self._list, self._newest_first = counted, newest_first
        number = min(max(rows, _HEAD), BLOCK)
        self._head = read_ahead(lambda: first_index_rows(1, counted.partition, number, counted.prefix, newest_first=newest_first))
        self._blocks = read_ahead(lambda: _all_blocks(counted))

    def whole(self) -> list[IndexRow] | None:
        """Return all rows of a list that is no longer than its head, or has no counts; None of any other."""
        rows, more = self._head.result()
        if not more:
            return rows
        return None if self.blocks() else list(self._read_through())

    def blocks(self) -> list[Block]:
        """Return all blocks in the order of the list; none of a list that is not counted yet, as far as its head shows."""
        blocks = self._blocks.result()
        if sum(block.size for block in blocks) <= len(self._head.result()[0]):  # there are more rows than these
            return []
        return blocks[::-1] if self._newest_first else blocks

    def page(self, offset: int, limit: int, wanted: Callable[[str], bool]) -> CountedPage:
        """Return a page of the rows with a wanted label.

        At most one round trip beside those that began ahead, for the blocks that the page touches.
        """
        whole = self.whole()
        found = self._with_label(self._head.result()[0] if whole is None else whole, wanted)
        blocks = self.blocks() if whole is None else []
        total = len(found) if whole is not None else sum(block.number(wanted) for block in blocks)
        if len(found) >= min(offset + limit, total):
            return CountedPage(total, lambda: found[offset : offset + limit])
        touched, before = _touched(blocks, offset, limit, wanted)
        rows = self._begin_blocks(touched)
        return CountedPage(total, lambda: self._with_label(rows(), wanted)[offset - before :][:limit], touched)

    def all(self, wanted: Callable[[str], bool]) -> list[IndexRow]:
        """Return all rows with a wanted label, in the order of the list."""
        whole = self.whole()
        if whole is None:
            whole = self._begin_blocks([block for block in self.blocks() if block.number(wanted)])()
        return self._with_label(whole, wanted)

    def _with_label(self, rows: Iterable[IndexRow], wanted: Callable[[str], bool]) -> list[IndexRow]:
        return [row for row in rows if wanted(self._list.label_of(row.f))]

    def _begin_blocks(self, blocks: Sequence[Block]) -> Callable[[], list[IndexRow]]:
        """Begin to read these blocks, side by side; return what waits for their rows."""
        reads: list[ReadFuture[list[IndexRow]]] = [read_ahead(partial(self._read_block, block)) for block in blocks]
        return lambda: [row for read in reads for row in read.result()]

    def _read_block(self, block: Block) -> list[IndexRow]:
        between = block.between(self._list.prefix)
        return list(index_rows(1, self._list.partition, between=between, newest_first=self._newest_first))

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


def _stored_last_block(counted: CountedList) -> Block | None:
    rows = raw_rows(Tally, counted.holder, prefix=f"TALLY#{counted.name}#", newest_first=True, limit=1, consistent=True)
    return next((_block(counted, raw) for raw in rows), None)


def _all_blocks(counted: CountedList) -> list[Block]:
    return [_block(counted, raw) for raw in raw_rows(Tally, counted.holder, prefix=f"TALLY#{counted.name}#")]


def _block(counted: CountedList, raw: dict[str, Any]) -> Block:
    counts = {name.removeprefix(_COUNT): int(value["N"]) for name, value in raw.items() if name.startswith(_COUNT)}
    start = raw["SK"]["S"].removeprefix(f"TALLY#{counted.name}#")
    return Block(start, raw["following"]["S"] if "following" in raw else None, counts)


def _added(numbers: Mapping[str, int]) -> list[Any]:
    """Return the actions that count so many more entries under these labels."""
    return [amount(_COUNT + label).add(number) for label, number in numbers.items()]
