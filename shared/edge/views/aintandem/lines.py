"""The form of all messages of aintandem's sockets, and lines of a log in it (`SocketContract`). Imports little: a push loads it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from shared.channels.sockets.frames import FRAME_BYTES, compact
from shared.core import clock

CONTROL: Final = "control"
"""The channel of what answers the client itself: `subscribed`, `error`, `pong`, `gap`."""
_AROUND: Final = 500  # bytes of a message beside its lines


def frame(channel: str, event: str, data: Any, at: str | None = None, sequence: str | int | None = None) -> str:
    """Return a message: `{channel, event, data, timestamp}`, and the addition `sequence`."""
    message = {"channel": channel, "event": event, "data": data, "timestamp": at or clock.iso()}
    return compact(message | ({} if sequence is None else {"sequence": sequence}))


def log_line(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of a log as answers and sockets show it."""
    return {"timestamp": entry["timestamp"], "level": entry["level"], "message": entry["message"], "sequence": entry["seq"]}


def lines(texts: Sequence[str]) -> Iterator[str]:
    """Yield lines of a sandbox's log, as many in a message as fit."""
    yield from log_frames(map(json.loads, texts))


def log_frames(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield messages with lines of a log; `sequence` is the number of the last line in each."""
    group: list[dict[str, Any]] = []
    size, sandbox_id = 0, ""
    for entry in entries:
        line = log_line(entry)
        length = len(compact(line).encode()) + 1
        if group and size + length > FRAME_BYTES - _AROUND:
            yield _log_frame(sandbox_id, group)
            group, size = [], 0
        group.append(line)
        size, sandbox_id = size + length, str(entry["runId"])
    if group:
        yield _log_frame(sandbox_id, group)


def _log_frame(sandbox_id: str, group: list[dict[str, Any]]) -> str:
    last = group[-1]
    return frame("logs", "log_lines", {"sandbox_id": f"sb_{sandbox_id}", "logs": group}, last["timestamp"], last["sequence"])


def notice(kind: str, about: Mapping[str, Any]) -> Iterable[str]:  # noqa: ARG001 - sandboxes have no such news
    """Return nothing: a sandbox's status has events."""
    return ()
