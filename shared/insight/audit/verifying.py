"""Check a tenant's chain against its log: some blocks at a time."""

from dataclasses import dataclass, field
from itertools import islice

from shared.insight.audit.proof import GENESIS, digest
from shared.insight.audit.rows import Block, Count, Head, block_key, canonical_entry
from shared.insight.audit.trails import late_entries, read_entries, sealed_blocks
from shared.store import count, get
from shared.work.activities.rows import Activity

BLOCKS = 20
"""Blocks that one call checks: 4,000 entries, about two seconds."""


@dataclass
class Fault:
    """What is not as it was sealed: an entry, or a whole block (`entry_id` is None)."""

    block: int
    entry_id: str | None
    problem: str


@dataclass
class Check:
    """`next_block` is the number behind which to go on; None: the chain was checked to its end."""

    blocks: int
    last_hash: str
    checked_blocks: int = 0
    checked_entries: int = 0
    next_block: int | None = None
    faults: list[Fault] = field(default_factory=list)


def check_chain(tenant: str, after: int) -> Check:
    """Check the blocks behind number `after`: each follows from the one before it, and its entries are in the log as they were sealed."""
    head = get(Head, f"AUDIT#{tenant}", "HEAD") or Head.of(tenant)
    check = Check(int(head.number), head.hash)
    before = get(Block, f"AUDIT#{tenant}", block_key(after)) if after else None
    previous = before.hash if before else GENESIS
    number = after
    for number, block in enumerate(islice(sealed_blocks(tenant, after, int(head.number)), BLOCKS), after + 1):
        _check_block(block, number, previous, check)
        previous = block.hash
    if number < int(head.number) and number - after < BLOCKS:
        check.faults.append(Fault(number + 1, None, "the block is missing"))
    elif number < int(head.number):
        check.next_block = number
    elif previous != head.hash:
        check.faults.append(Fault(number, None, "the chain ends with another block than it was told to"))
    return check


def _check_block(block: Block, number: int, previous: str, check: Check) -> None:
    body = block.parsed
    check.checked_blocks += 1
    if digest(block.body) != block.hash or body.get("number") != number:
        check.faults.append(Fault(number, None, "the block was changed"))
    elif body.get("previous") != previous:
        check.faults.append(Fault(number, None, "the block does not follow from the one before it"))
    listed = block.listed
    rows = read_entries([(log, position) for log, position, _ in listed])
    for (_, position, of), row in zip(listed, rows, strict=True):
        check.checked_entries += 1
        if not isinstance(row, Activity):
            problem = "the entry is missing" if row is None else "the entry was changed: it cannot be read"
            check.faults.append(Fault(number, position.partition("#")[2], problem))
        elif digest(canonical_entry(row)) != of:
            check.faults.append(Fault(number, row.id, "the entry was changed"))


def count_unsealed_past(tenant: str, log: str) -> int:
    """Return how many entries of the sealed time are in no block and are not noted as late: somebody else has added them.

    One query for each megabyte of the log.
    """
    sealed = get(Count, f"AUDIT#{log}", "COUNT") or Count.of(log)
    found = count(Activity, log, between=(" ", sealed.position or " "))
    return found - int(sealed.entries) - late_entries(tenant, log, sealed.position)
