"""Append to a run's log, guarded by the run's fence."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from shared.channels.sockets.publish import publish_log
from shared.core import clock
from shared.core.errors import ConditionFailed
from shared.core.ids import new_id
from shared.runs.terminal.entries import CHUNK_BYTES, RETENTION, Entry, LogChunk, canonical, new_entry, with_sequence
from shared.runs.terminal.reading import last_sequence
from shared.store import Operation, create, get, retrying, write

WINDOW = 0.075  # seconds in which entries are collected: at most 13 posts a second to a viewer, not one for each line
_IDLE_DIVISOR = 5  # after a pause the first entry waits only a fifth of WINDOW: long enough for the first lines of a burst
_ROUNDS = 5
log = logging.getLogger(__name__)


class _NumberTaken(ConditionFailed):
    """Another writer has used this number."""


class TerminalWriter:
    """Writes to a run's terminal (see `shared.runs.terminal`). Thread-safe."""

    def __init__(
        self, run_id: str, card_id: str | None, ws_id: str | None, guard: Callable[[], Operation], *, window: float = WINDOW
    ) -> None:
        self.run_id, self.card_id, self.ws_id = run_id, card_id, ws_id
        self._guard, self._window, self._id = guard, window, new_id()
        self._next: int | None = None  # read from the log at the first flush
        self._waiting: list[Entry] = []
        self._bytes = 0
        self._changed = threading.Condition()
        self._flushing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failed: Exception | None = None
        self._closed = False

    def write(self, level: str, component: str, message: str, data: Any = None, source: str = "agent") -> None:
        """Add an entry. Raises the error of an earlier chunk, such as the guard's refusal; nothing can be added afterwards."""
        entry = new_entry(level, component, message, data, source, clock.iso())
        with self._changed:
            self._raise_failure()
            self._waiting.append(entry)
            self._bytes += len(canonical(entry).encode())
            full = self._bytes >= CHUNK_BYTES
            if self._thread is None and not full:
                self._closed = False
                self._thread = threading.Thread(target=self._flush_periodically, daemon=True, name="terminal")
                self._thread.start()
            self._changed.notify()
        if full:
            self.flush()

    def flush(self) -> None:
        """Write all waiting entries and send them to the viewers."""
        with self._flushing:
            self._raise_failure()
            while chunk := self._next_chunk():
                try:
                    self._append(chunk)
                except Exception as error:
                    self._failed = error
                    raise

    def close(self) -> None:
        """Flush and stop the writer's thread; the writer can be used again afterwards."""
        with self._changed:
            thread, self._thread, self._closed = self._thread, None, True
            self._changed.notify()
        if thread:
            thread.join()
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self.close()
        except Exception:
            if error is None:
                raise
            log.warning("the end of the log of run %s was not written", self.run_id)  # the error of the block is more important

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _flush_periodically(self) -> None:
        """Run in the writer's thread: flush every WINDOW seconds while entries wait; the owner's next call raises its error."""
        flushed = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                rested = time.monotonic() - flushed > self._window
                self._changed.wait_for(lambda: self._closed, self._window / _IDLE_DIVISOR if rested else self._window)
            flushed = time.monotonic()
            try:
                self.flush()
            except Exception:
                log.warning("the log of run %s cannot be written", self.run_id)
                return

    def _next_chunk(self) -> list[Entry]:
        """Take the next waiting entries that fit into one chunk."""
        with self._changed:
            size, count = 2, 0
            for entry in self._waiting:
                size += len(canonical(entry).encode()) + 100 + len(self.run_id) * 2  # for its id, number and run
                if count and size > CHUNK_BYTES:
                    break
                count += 1
            chunk, self._waiting = self._waiting[:count], self._waiting[count:]
            self._bytes = sum(len(canonical(entry).encode()) for entry in self._waiting)
            return chunk

    def _append(self, drafts: list[Entry]) -> None:
        """Write one chunk and send it to the viewers; if another writer used its number first, retry with the next number."""
        chunk = retrying(lambda _: self._written(drafts), times=_ROUNDS, again=lambda error: isinstance(error, _NumberTaken))
        publish_log(self.run_id, self.card_id, self.ws_id, chunk.body)

    def _written(self, drafts: list[Entry]) -> LogChunk:
        """Write one chunk if its number is free and the guard holds. Raises _NumberTaken if the number is used, or the guard's error."""
        if self._next is None:
            self._next = last_sequence(self.run_id) + 1
        entries = [with_sequence(self.run_id, self._next + index, entry) for index, entry in enumerate(drafts)]
        chunk = LogChunk(
            pk=LogChunk.partition_key(self.run_id),
            sk=LogChunk.sort_key(self._next),
            last_sequence=entries[-1]["seq"],
            writer=self._id,
            at=entries[0]["timestamp"],
            body=canonical(entries),
            ttl=clock.epoch() + RETENTION,
        )
        try:
            write(self._guard(), create(chunk, _NumberTaken))
        except _NumberTaken:
            if not self._is_ours(chunk):
                self._next = None
                raise
        self._next += len(entries)
        return chunk

    def _is_ours(self, chunk: LogChunk) -> bool:
        """Tell whether our write succeeded and only its response was lost."""
        stored = get(LogChunk, chunk.pk, chunk.sk)
        return stored is not None and stored.writer == self._id and stored.last_sequence == chunk.last_sequence
