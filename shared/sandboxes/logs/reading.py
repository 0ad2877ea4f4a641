"""Read the log of a sandbox: its last lines, of a level and since a time."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared.core import clock
from shared.core.actor import Actor, Permission
from shared.runs.terminal.entries import LEVELS, Entry
from shared.runs.terminal.reading import backwards
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.store import load

MOST: Final = 10_000
"""Lines that a request looks at, from the newest back: `total` counts no more than these."""
_OUT_OF_ORDER: Final = timedelta(seconds=60)
"""A line has the time of the sandbox's own clock, so lines may stand out of their order by so much."""


@dataclass(frozen=True)
class LogQuery:
    """`level`: this one and those above it. `since` is a time in ISO 8601."""

    limit: int = 100
    since: str | None = None
    level: str | None = None


@dataclass(frozen=True)
class LogPage:
    sandbox: Sandbox
    lines: list[Entry]
    total: int


def read_log(actor: Actor, sandbox_id: str, query: LogQuery) -> LogPage:
    """Return the newest lines that match, oldest first, and how many match. Two round trips, more where many lines do not match.

    Raises NotFound and Forbidden.
    """
    sandbox = load(Sandbox, sandbox_id, actor, Permission.WORKSPACE_READ)
    wanted = LEVELS[LEVELS.index(query.level or LEVELS[0]) :]
    end = clock.iso(clock.parse(query.since) - _OUT_OF_ORDER) if query.since else ""
    filtered = query.since is not None or query.level is not None
    lines: list[Entry] = []
    total = 0
    for looked_at, entry in enumerate(backwards(sandbox.id, most=MOST if filtered else query.limit), 1):
        if looked_at > MOST or entry["timestamp"] < end:
            break
        if not filtered and len(lines) == query.limit:
            break
        if entry["level"] in wanted and entry["timestamp"] >= (query.since or ""):
            total += 1
            if len(lines) < query.limit:
                lines.append(entry)
    if not filtered and lines:
        total = int(lines[0]["seq"])
    return LogPage(sandbox, lines[::-1], total)
