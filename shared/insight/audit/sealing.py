"""Seal the entries of the logs into the blocks of each tenant's chain, in the order of their events.

Each entry is in exactly one block. A block is written together with the head of the chain, under the condition that the head is the one
from which it was made: two sealers cannot make two chains. An entry that came late is in a later block than its neighbours.
"""

import contextlib
import heapq
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.insight.audit.marking import HORIZON, INTERVAL
from shared.insight.audit.proof import block_body, digest
from shared.insight.audit.rows import DUE, Block, Count, Due, Head, Late, canonical_entry
from shared.store import Operation, create, delete, get, get_many, iterate, iterate_shards, process_all, update, write
from shared.work.activities.rows import Activity

ENTRIES = 200  # of a block: about 22 KB
_TOUCHED = 98  # rows that a transaction changes beside the block and the head: counts, and what is noted of late entries
_SKEW = 30  # seconds by which a clock that gives the time of an event may be ahead
_REMOVABLE = HORIZON + INTERVAL + _SKEW


class _HeadMoved(ConditionFailed):
    """Another sealer was faster."""


class _MarkedAgain(ConditionFailed):
    """Something has happened in the log since."""


def seal_due(until: float) -> int:
    """Seal what is due in all tenants until `until` (`time.monotonic`); return how many entries. A tenant in which nothing happens has
    no row here and costs nothing."""
    seen: set[str] = set()

    def tenants() -> Iterator[str]:
        for row in iterate_shards(Due, DUE, until):
            if row.tenant not in seen:
                seen.add(row.tenant)
                yield row.tenant

    return process_all("audit", tenants(), lambda tenant: seal(tenant, until), str)


def seal(tenant: str, until: float = float("inf")) -> int:
    """Seal what is old enough in a tenant's logs; return how many entries."""
    marks = marks_of(tenant)
    head = get(Head, f"AUDIT#{tenant}", "HEAD") or Head.of(tenant)
    end = clock.iso(clock.now() - timedelta(seconds=HORIZON))
    entries = heapq.merge(*(log_entries(one.log, head.position, end) for one in marks), key=lambda row: row.position)
    sealed = 0
    while time.monotonic() <= until:
        block = list(islice(entries, ENTRIES))
        late = _late(tenant)  # after the entries: whatever is noted of one of these is there
        passed = late_rows([one for one in late if one.position <= head.position][:ENTRIES])
        if not block and not passed:
            _remove(marks)
            break
        try:
            for part in _parts([*passed, *block], {one.position for one in late}):
                head = _write(tenant, head, part, late)
                sealed += len(part)
        except _HeadMoved:
            break
    return sealed


def marks_of(tenant: str) -> list[Due]:
    """Return the marks of all logs in which something may have happened since they were sealed."""
    return list(iterate(Due, DUE.partition_of(tenant), prefix=f"{tenant} ", consistent=True))


def log_entries(log: str, after: str, before: str) -> Iterator[Activity]:
    """Yield the entries of a log between two positions, in order. Strongly consistent."""
    if after < before:
        yield from iterate(Activity, log, between=(f"{after} ", before), consistent=True)


def _late(tenant: str) -> list[Late]:
    return list(iterate(Late, f"AUDIT#{tenant}", prefix="LATE#", consistent=True))


def late_rows(late: list[Late]) -> list[Activity]:
    """Return the entries that were noted as late; what was erased since is left out."""
    rows: list[Activity] = []
    for start in range(0, len(late), 100):
        found = get_many([(Activity, one.log, one.position) for one in late[start : start + 100]])
        rows += [row for row in found if isinstance(row, Activity)]
    return rows


def _parts(rows: list[Activity], late: set[str]) -> Iterator[list[Activity]]:
    """Divide entries into blocks that one transaction can write: each list in which they count, and each late one, is an operation."""
    part: list[Activity] = []
    touched: set[str] = set()
    for row in rows:
        more = {*_lists_of(row), *({row.position} & late)}
        if part and (len(part) >= ENTRIES or len(touched | more) > _TOUCHED):
            yield part
            part, touched = [], set()
        part.append(row)
        touched |= more
    if part:
        yield part


def _lists_of(row: Activity) -> list[str]:
    """Return the lists in which an entry counts: its log and its agent's."""
    return [str(row.pk), *(place[0] for number, place in row.indexes().items() if number == 3)]


def _write(tenant: str, head: Head, rows: list[Activity], late: list[Late]) -> Head:
    """Write a block and the head of the chain. Raises _HeadMoved."""
    number = int(head.number) + 1
    body = block_body(tenant, number, head.hash, [(row.pk, row.position, digest(canonical_entry(row))) for row in rows])
    block = Block.at(tenant, number)
    block.body, block.hash = body, digest(body)
    position = max(head.position, *(row.position for row in rows))
    is_head = (Head.number == int(head.number)) if head.number else Head.pk.does_not_exist()
    actions = [
        Head.number.set(number), Head.hash.set(block.hash), Head.position.set(position), Head.kind.set("AUDIT"),
    ]  # fmt: skip
    counts = Counter(name for row in rows for name in _lists_of(row))
    counted = [Count.position.set(position), Count.kind.set("AUDIT")]
    sealed = {row.position for row in rows}
    operations: list[Operation] = [
        create(block, _HeadMoved),
        update(Head.of(tenant), actions, is_head, _HeadMoved),
        *(update(Count.of(name), [*counted, Count.entries.add(more)]) for name, more in counts.items()),
        *(delete(one) for one in late if one.position in sealed),
    ]
    write(*operations)
    made = Head.of(tenant)
    made.number, made.hash, made.position = number, block.hash, position
    return made


def _remove(marks: list[Due]) -> None:
    """Remove the marks of logs in which nothing can be left to seal."""
    for one in marks:
        if int(one.since) + _REMOVABLE <= clock.epoch():
            with contextlib.suppress(_MarkedAgain):
                write(delete(one, Due.since == one.since, _MarkedAgain))
