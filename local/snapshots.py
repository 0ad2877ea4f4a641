"""Writes the engine's state to disk while it runs, so that a killed engine loses only some seconds of writes.

ministack itself saves only at a clean shutdown, and hides errors. Here each service is written to a temporary file and renamed; a service
that changed while it was read is read again, and an unchanged one is not written.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger("local.snapshots")

_INTERVAL = 15.0
_LOAD_SHARE = 0.05  # of the time is spent on snapshots at most
_TRIES = 5


class Snapshots:
    """The snapshots of one engine process."""

    def __init__(self, engine: Any, folder: str) -> None:
        self._engine = engine
        self._folder = Path(folder)
        self._written: dict[str, bytes] = {}
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
        """Write what changed since the last time; a service that cannot be read keeps its last file."""
        with self._writing:
            self._write()

    def _write(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for service, get_state in self._engine._build_persistence_save_dict().items():
            text = _encoded(service, get_state)
            if text is None:
                continue
            digest = hashlib.blake2b(text).digest()
            if self._written.get(service) != digest:
                _replace(self._folder / f"{service}.json", text)
                self._written[service] = digest


def _encoded(service: str, get_state: Callable[[], Any]) -> bytes | None:
    from ministack.core import persistence

    for _ in range(_TRIES):
        try:
            state = get_state()
            if state is None:
                return None
            document = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
            return json.dumps(document, default=persistence._json_default).encode()
        except RuntimeError:  # a dictionary changed while it was walked: requests go on during a snapshot
            time.sleep(0.02)
    log.error("snapshot: %s kept changing, its last file stays", service)
    return None


def _replace(path: Path, text: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(text)
    os.replace(temporary, path)
