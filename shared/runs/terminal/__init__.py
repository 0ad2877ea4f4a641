"""The terminal of a run: a log that loses nothing.

Whoever executes a run writes to it:

    with TerminalWriter(run_id, card_id, ws_id, guard=lambda: check(run_row, Run.fence == fence, Fenced(...))) as terminal:
        terminal.write("info", "agent", "Reading the card", {"step": 1})
        terminal.write("warn", "provider", "Slow answer", source="provider")
        terminal.flush()          # before a step ends, so that nothing waits in memory

`guard()` is asked once per chunk and must be a `shared.store.check` on the run's row: the chunk and the check are one transaction, so
that who has lost the lease can append nothing (the check's own `refused` error comes out of `write`, `flush` or the end of the block).
Levels are debug | info | warn | error. `write` only collects; entries go out as one chunk after 75 ms or 28 KB, by a thread of the
writer's. A writer that starts on a run with entries goes on after the last one.

    publish_run_status(run_id, card_id, ws_id, "running", progress=40)     # the terminal's `run_status`; no state is changed

Each entry has `seq`, 1, 2, 3, ... in its run, without a hole. A reader that has seen N asks for N + 1 (`entries(run_id, N + 1)`, or the
socket's `subscribe_run` with `fromSequence`), drops what it has seen (deliveries may repeat) and knows by a missing number that it
must ask again. An entry has one form in bytes (`canonical`): stored, live and replayed are equal. What was cut says so: an entry with
`truncated: true`; expired entries are replaced by one entry that names their numbers.
"""

from shared.runs.terminal.entries import LEVELS, Entry, canonical
from shared.runs.terminal.reading import entries, last_sequence, tail
from shared.runs.terminal.status import publish_run_status
from shared.runs.terminal.writer import TerminalWriter

__all__ = ["LEVELS", "Entry", "TerminalWriter", "canonical", "entries", "last_sequence", "publish_run_status", "tail"]
