"""Appending to a run's log, behind the run's fence."""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from shared.channels.sockets.publish import publish_log
from shared.core import clock
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.runs.terminal.entries import CHUNK_BYTES, RETENTION, Chunk, Entry, canonical, draft, numbered
from shared.runs.terminal.reading import last_sequence
from shared.store import Operation, create, get, retrying, write

WINDOW = 0.075  # seconds that an entry may wait for company: 13 posts a second to a viewer, not one for each line
_AT_REST = 5  # after a silence the first entry waits only a fifth of it: long enough for a burst's first lines
_TAKEN = Conflict("log_sequence", "Another writer has used this number")
_ROUNDS = 5
log = logging.getLogger(__name__)


class TerminalWriter:
    """The one who writes to a run's terminal; see `shared.runs.terminal`. Safe to use from several threads."""

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
        """Add an entry. Raises what an earlier chunk failed with: above all the guard's refusal, after which nothing can be added."""
        entry = draft(level, component, message, data, source, clock.iso())
        with self._changed:
            self._raise()
            self._waiting.append(entry)
            self._bytes += len(canonical(entry).encode())
            full = self._bytes >= CHUNK_BYTES
            if self._thread is None and not full:
                self._closed = False
                self._thread = threading.Thread(target=self._run, daemon=True, name="terminal")
                self._thread.start()
            self._changed.notify()
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting, and tell the viewers."""
        with self._flushing:
            self._raise()
            while chunk := self._take():
                try:
                    self._append(chunk)
                except Exception as error:
                    self._failed = error
                    raise

    def close(self) -> None:
        """Flush, and end the writer's thread. The writer can be used again."""
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
            log.warning("the end of the log of run %s was not written", self.run_id)  # the block's own error matters more

    def _raise(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        """The writer's thread: what waits for WINDOW seconds is written. An error waits for the next call of the owner's."""
        flushed = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                rested = time.monotonic() - flushed > self._window
                self._changed.wait_for(lambda: self._closed, self._window / _AT_REST if rested else self._window)
            flushed = time.monotonic()
            try:
                self.flush()
            except Exception:
                log.warning("the log of run %s cannot be written", self.run_id)
                return

    def _take(self) -> list[Entry]:
        """The next waiting entries that fit into one chunk."""
        with self._changed:
            size, count = 2, 0
            for entry in self._waiting:
                size += len(canonical(entry).encode()) + 100 + len(self.run_id) * 2  # with its id, number and run
                if count and size > CHUNK_BYTES:
                    break
                count += 1
            taken, self._waiting = self._waiting[:count], self._waiting[count:]
            self._bytes = sum(len(canonical(entry).encode()) for entry in self._waiting)
            return taken

    def _append(self, drafts: list[Entry]) -> None:
        """Write one chunk, behind those of somebody with the same right who came first."""
        chunk = retrying(lambda _: self._written(drafts), times=_ROUNDS, again=lambda error: error is _TAKEN)
        publish_log(self.run_id, self.card_id, self.ws_id, chunk.body)

    def _written(self, drafts: list[Entry]) -> Chunk:
        """One chunk: its number is free, and the guard holds, or nothing is written. Raises _TAKEN where its number is not free."""
        if self._next is None:
            self._next = last_sequence(self.run_id) + 1
        entries = [numbered(self.run_id, self._next + index, entry) for index, entry in enumerate(drafts)]
        chunk = Chunk(
            pk=Chunk.place(self.run_id),
            sk=Chunk.sort(self._next),
            last=entries[-1]["seq"],
            writer=self._id,
            at=entries[0]["timestamp"],
            body=canonical(entries),
            ttl=clock.epoch() + RETENTION,
        )
        try:
            write(self._guard(), create(chunk, _TAKEN))
        except Conflict as refused:
            if refused is not _TAKEN:
                raise
            if not self._is_ours(chunk):
                self._next = None
                raise
        self._next += len(entries)
        return chunk

    def _is_ours(self, chunk: Chunk) -> bool:
        """Whether the write went through and only its answer was lost."""
        held = get(Chunk, chunk.pk, chunk.sk)
        return held is not None and held.writer == self._id and held.last == chunk.last
