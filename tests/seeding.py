"""Rows of long lists, put into moto's tables without a call for each: ten thousand of them in about a second."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from shared.runs.terminal.entries import CHUNK_BYTES, LogChunk, canonical, new_entry, with_sequence
from shared.store import CountedList, Entity, Row, tallies
from shared.store.tallies import Tally

_ACCOUNT, _REGION = "123456789012", "us-east-1"


def tables() -> dict[str, Any]:
    """Return moto's tables by their names."""
    found: dict[str, Any] = dynamodb_backends[_ACCOUNT][_REGION].tables
    return found


def put_directly(rows: Sequence[Row]) -> None:
    """Put rows where moto keeps them."""
    for row in rows:
        if isinstance(row, Entity):
            row.set_index_keys()
        _put(row.table_name(), row.serialize())


def _put(table_name: str, raw: dict[str, Any]) -> None:
    hash_key, range_key = DynamoType(raw["PK"]), DynamoType(raw["SK"])
    tables()[table_name].items[hash_key][range_key] = Item(hash_key, range_key, raw)


def put_counted(counted: CountedList, rows: Sequence[Entity]) -> None:
    """Put the rows of a list, which are in its order, and count them in blocks, as they would be if they had been written one by one."""
    blocks = [rows[start : start + tallies.BLOCK] for start in range(0, len(rows), tallies.BLOCK)]
    starts = [""]
    for _ in blocks[1:]:
        starts.append(tallies.Block(starts[-1]).next_start)
    for block, start, following in zip(blocks, starts, [*starts[1:], None], strict=True):
        for row in block:
            row.counted_in = start
        put_directly(block)
        tally = Tally.at(counted, start)
        tally.following = following
        labels = Counter(counted.label_of(row.listed()) for row in block)
        counts = {f"n:{name}": {"N": str(number)} for name, number in labels.items()}
        _put(tally.table_name(), tally.serialize() | counts)


def log_chunks(run_id: str, number: int, in_chunk: int | None = None) -> list[LogChunk]:
    """Return the chunks of a log with so many lines; by default as full as a writer makes them. Every third line is a warning."""
    chunks: list[LogChunk] = []
    waiting: list[Any] = []
    size = 0
    for seq in range(1, number + 1):
        level = "warn" if seq % 3 == 0 else "info"
        at = f"2026-11-28T10:{seq // 60_000:02}:{seq // 1_000 % 60:02}.{seq % 1_000:03}Z"
        entry = new_entry(level, "agent", f"line {seq} of a run that has much to say", None, "agent", at)
        waiting.append(with_sequence(run_id, seq, entry))
        size += len(canonical(waiting[-1])) + 1
        if seq == number or len(waiting) == in_chunk or (in_chunk is None and size > CHUNK_BYTES - 500):
            chunks.append(_chunk(run_id, waiting))
            waiting, size = [], 0
    return chunks


def rechunked(run_id: str, lines: list[Any]) -> list[LogChunk]:
    """Return these lines of a log as one chunk."""
    return [_chunk(run_id, lines)]


def _chunk(run_id: str, lines: list[Any]) -> LogChunk:
    first = lines[0]["seq"]
    return LogChunk(
        pk=LogChunk.partition_key(run_id),
        sk=LogChunk.sort_key(first),
        last_sequence=lines[-1]["seq"],
        writer="seeded",
        at=lines[0]["timestamp"],
        body=canonical(lines),
    )
