"""The agent's log: lines to standard error, and to the platform in batches."""

import sys
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final

LEVELS: Final = ("debug", "info", "warning", "error")
_KEPT: Final = 1_000  # entries that wait while the platform cannot be reached
_LONGEST: Final = 2_000  # characters of a message
BATCH: Final = 50


class Log:
    """Entries at or above `level`. The oldest are dropped when too many wait, and it is said how many."""

    def __init__(self) -> None:
        self.level = "info"
        self._waiting: deque[dict[str, Any]] = deque()
        self._dropped = 0

    def __call__(self, level: str, message: str) -> None:
        if LEVELS.index(level) < LEVELS.index(self.level):
            return
        message = message[:_LONGEST]
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        print(f"{stamp} {level} {message}", file=sys.stderr, flush=True)
        self._waiting.append({"timestamp": stamp, "level": level, "message": message})
        while len(self._waiting) > _KEPT:
            self._waiting.popleft()
            self._dropped += 1

    def take(self) -> list[dict[str, Any]]:
        """Return the next batch; empty: nothing waits."""
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        if self._dropped and batch:
            batch[0] = {**batch[0], "level": "warning", "message": f"{self._dropped} lines before this one were dropped"}
            self._dropped = 0
        return batch

    def put_back(self, batch: list[dict[str, Any]]) -> None:
        self._waiting.extendleft(reversed(batch))
