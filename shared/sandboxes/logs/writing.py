"""Append lines to the log of a sandbox: each gets the next number, whoever else writes at the same time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.channels.sockets.connections import has_subscribers
from shared.channels.sockets.publish import publish_log
from shared.channels.sockets.topics import terminal_topic
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.runs.terminal.entries import CHUNK_BYTES, RETENTION, Entry, LogChunk, canonical, new_entry, with_sequence
from shared.runs.terminal.reading import last_sequence
from shared.sandboxes.logs.redacting import redact
from shared.store import create, retrying, write

ROUNDS: Final = 5
_AROUND: Final = 200  # bytes of an entry beside its text: its id, number and sandbox


@dataclass(frozen=True)
class Line:
    """`timestamp` is by the clock of the sandbox; none is later than ours."""

    timestamp: str
    level: str  # debug | info | warn | error
    message: str


class _NumberTaken(ConditionFailed):
    """Another writer has used this number."""


def append(sandbox_id: str, ws_id: str | None, lines: Sequence[Line]) -> None:
    """Write lines and show them to those who watch. A read, and a write for each 28 KB of them."""
    now = clock.iso()
    drafts = [new_entry(one.level, "sandbox", redact(one.message), None, "sandbox", min(one.timestamp, now)) for one in lines]
    for part in _parts(drafts):
        body = _written(sandbox_id, part)
        if has_subscribers(terminal_topic(sandbox_id, None)):
            publish_log(sandbox_id, None, ws_id, body)


def _written(sandbox_id: str, drafts: Sequence[Entry]) -> str:
    """Write entries under the next free numbers, and return them as JSON."""
    return retrying(lambda _: _write(sandbox_id, drafts), times=ROUNDS, again=lambda error: isinstance(error, _NumberTaken))


def _parts(drafts: Sequence[Entry]) -> list[list[Entry]]:
    parts: list[list[Entry]] = [[]]
    size = 0
    for draft in drafts:
        length = len(canonical(draft).encode()) + _AROUND
        if parts[-1] and size + length > CHUNK_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(draft)
        size += length
    return [part for part in parts if part]


def _write(sandbox_id: str, drafts: Sequence[Entry]) -> str:
    first = last_sequence(sandbox_id) + 1
    entries = [with_sequence(sandbox_id, first + number, draft) for number, draft in enumerate(drafts)]
    body = canonical(entries)
    chunk = LogChunk(
        pk=LogChunk.partition_key(sandbox_id),
        sk=LogChunk.sort_key(first),
        last_sequence=entries[-1]["seq"],
        writer=new_id(),
        at=clock.iso(),
        body=body,
        ttl=clock.epoch() + RETENTION,
    )
    write(create(chunk, _NumberTaken))
    return body
