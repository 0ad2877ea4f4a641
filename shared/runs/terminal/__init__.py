"""The terminal of a run: a log without gaps.

The executor of a run writes to it:

    with TerminalWriter(run_id, card_id, ws_id, guard=lambda: check(run_row, Run.fence == fence, Fenced(...))) as terminal:
        terminal.write("info", "agent", "Reading the card", {"step": 1})
        terminal.write("warn", "provider", "Slow answer", source="provider")
        terminal.flush()          # before a step ends, so that nothing waits in memory

`guard()` is called once for each chunk and must return a `shared.store.check` on the run's row. The chunk and the check are one
transaction, so that a worker that has lost the lease cannot append; `write`, `flush` or the end of the block raise the `on_conflict`
error. Levels are debug | info | warn | error. `write` only collects entries; a thread of the writer sends them as one chunk after 75 ms
or 28 KB. A writer for a run that has entries continues after the last one.

    publish_run_status(run_id, card_id, ws_id, "running", progress=40)     # sends `run_status` to the viewers; stores nothing

The entries of a run have `seq` 1, 2, 3, ... without a gap. A reader that has entry N requests N + 1 (`entries(run_id, N + 1)`, or the
socket's `subscribe_run` with `fromSequence`), ignores entries that it already has (deliveries may repeat), and requests again when a
number is missing. An entry has one form in bytes (`canonical`), whether stored, live or replayed. An entry that was cut has
`truncated: true`; expired entries are replaced by one entry that names their numbers.
"""

from shared.runs.terminal.entries import LEVELS, Entry, canonical
from shared.runs.terminal.reading import backwards, entries, last_sequence, tail
from shared.runs.terminal.status import publish_run_status
from shared.runs.terminal.writer import TerminalWriter

__all__ = [
    "LEVELS",
    "Entry",
    "TerminalWriter",
    "backwards",
    "canonical",
    "entries",
    "last_sequence",
    "publish_run_status",
    "tail",
]
