"""Writes the engine's state to disk while it runs, so that a killed engine loses only some seconds of writes.

ministack itself saves only at a clean shutdown, and hides errors. Here each service is written to a temporary file and renamed; one that
changed while it was read is read again until it is whole, and an unchanged one is not written. What was written to tables since their
snapshot is in a journal (`patches/journal.py`).
"""

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_INTERVAL = 15.0
_LOAD_SHARE = 0.05  # of the time is spent on snapshots at most
_LONGEST_TURN = 5.0  # seconds


class Snapshots:
    """The snapshots of one engine process."""

    def __init__(self, engine: Any, folder: str, written: dict[str, Callable[[], None]]) -> None:
        """`written` is called for each service whose new state is on the disk."""
        self._engine = engine
        self._folder = Path(folder)
        self._digests: dict[str, bytes] = {}
        self._after = written
        self._requested = asyncio.Event()
        self._writing = threading.Lock()

    def soon(self) -> None:
        """Write the next snapshot now."""
        self._requested.set()

    async def keep_writing(self) -> None:
        """Write every 15 s, less often when writing itself is slow."""
        pause = _INTERVAL
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._requested.wait(), pause)
            self._requested.clear()
            started = time.monotonic()
            await asyncio.to_thread(self.write)
            pause = max(_INTERVAL, (time.monotonic() - started) / _LOAD_SHARE)

    def write(self) -> None:
        """Write what changed since the last time."""
        with self._writing:
            self._write()

    def _write(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for service, get_state in self._engine._build_persistence_save_dict().items():
            text = _encoded(service, get_state)
            if text is None:
                continue
            digest = hashlib.blake2b(text).digest()
            if self._digests.get(service) != digest:
                _replace(self._folder / f"{service}.json", text)
                self._digests[service] = digest
                self._after.get(service, _nothing)()


def _nothing() -> None:
    return None


def _encoded(service: str, get_state: Callable[[], Any]) -> bytes | None:
    """The service's state. Requests go on meanwhile: each further try has four times as long before another thread gets its turn."""
    ordinary = sys.getswitchinterval()
    try:
        for turn in itertools.count():
            sys.setswitchinterval(min(ordinary * 4**turn, _LONGEST_TURN))
            with contextlib.suppress(RuntimeError):  # a dictionary changed while it was walked
                return _encode(service, get_state())
    finally:
        sys.setswitchinterval(ordinary)
    raise AssertionError  # the loop has no end


def _encode(service: str, state: Any) -> bytes | None:
    from ministack.core import persistence

    if state is None:
        return None
    document = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
    return json.dumps(document, default=persistence._json_default).encode()


def _replace(path: Path, text: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(text)
    os.replace(temporary, path)
