"""What a client of aintandem's sockets has missed: lines of the log by their numbers, events and messages from the log of the workspace."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from shared.core import clock
from shared.edge.views.aintandem.frames import event_of_collaboration, event_of_sandbox
from shared.edge.views.aintandem.lines import CONTROL, frame, log_frames
from shared.edge.views.aintandem.messages import message_event, message_frame
from shared.events import EventType
from shared.runs.terminal.reading import entries, last_sequence
from shared.sandboxes.collaborations.rows import Collaboration
from shared.sandboxes.lifecycle.rows import Sandbox
from shared.sandboxes.messages.rows import Message
from shared.store import fetch_all, iterate
from shared.work.activities.rows import Activity, workspace_log

MAX_LINES: Final = 10_000
"""Lines of a log that are sent again; of more, the newest."""
MAX_EVENTS: Final = 5_000
"""Entries of the workspace's log that are looked through."""
MAX_HOURS: Final = 24
_OVERLAP: Final = timedelta(seconds=10)
"""What happened at the same time may come into the log in another order: so much before the last event is sent again."""
_TOGETHER: Final = 50


def missed_lines(sandbox_id: str, after: int) -> Iterator[str]:
    """Yield the lines behind a number."""
    newest = last_sequence(sandbox_id)
    start = max(after, newest - MAX_LINES) + 1
    if start > after + 1:
        yield _gap("logs", f"More than {MAX_LINES:,} lines were missed; those before {start} are left out")
    yield from log_frames(entries(sandbox_id, start))


def missed_events(ws_id: str, subject: str, channels: Mapping[str, str]) -> Iterator[str]:
    """Yield the events and messages of a sandbox or a collaboration behind a place in time, by channel: `messages`, `events`."""
    oldest = clock.iso(clock.now() - timedelta(hours=MAX_HOURS))
    begin = min(channels.values())
    if begin < oldest:
        begin = oldest
        yield _gap("events", f"What happened more than {MAX_HOURS} hours ago is left out")
    start = clock.iso(clock.parse(begin.partition("#")[0]) - _OVERLAP)
    rows = iterate(Activity, workspace_log(ws_id), between=(start, "9"), consistent=True)
    seen = 0
    while part := list(islice(rows, _TOGETHER)):
        seen += len(part)
        yield from _frames(part, subject, channels)
        if seen >= MAX_EVENTS:
            yield _gap("events", f"More than {MAX_EVENTS:,} events were missed; the rest is left out")
            return


def _frames(rows: list[Activity], subject: str, channels: Mapping[str, str]) -> Iterator[str]:
    wanted = [str(row.subject_id) for row in rows if row.subject_kind == Message.KIND and "messages" in channels]
    messages = {one.id: one for one in fetch_all(Message, dict.fromkeys(wanted), to_show=True)}
    for row in rows:
        about: tuple[Any, ...] = (EventType(row.type), str(row.subject_id), row.changes, row.data, row.at, row.id)
        if row.subject_kind == Message.KIND:
            message = messages.get(str(row.subject_id))
            if message is not None and subject in (message.from_sandbox, message.to_sandbox, message.collaboration_id):
                message.status = str((row.changes.get("status") or (None, message.status))[1])
                answered, received = "response_id" in row.data, subject == message.to_sandbox
                name = message_event(EventType(row.type), message.status, received=received, answered=answered)
                yield message_frame(message, name, row.at, row.id)
        elif row.subject_id == subject and "events" in channels:
            if row.subject_kind == Sandbox.KIND:
                yield event_of_sandbox(*about)
            elif row.subject_kind == Collaboration.KIND:
                yield event_of_collaboration(*about)


def _gap(channel: str, reason: str) -> str:
    return frame(CONTROL, "gap", {"channel": channel, "reason": reason})
