"""agentworks, section 9.1: the messages of a card's terminal. (`shared.runs.terminal_sessions` decides when they are sent.)

Implements `SocketContract` of the sockets and `TerminalFrames` of the terminal sessions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.channels.sockets.frames import compact, packed
from shared.core import clock
from shared.runs.agent_runs.reading import public_status
from shared.runs.terminal.status import RUN_STATUS

CAPABILITIES = ["live_logs", "replay", "search"]


def connected(connection_id: str, card_id: str, active_runs: Sequence[str]) -> str:
    data = {"connectionId": connection_id, "cardId": card_id, "capabilities": CAPABILITIES, "activeRuns": active_runs}
    return _message("connected", data)


def history(texts: Sequence[str]) -> Iterable[str]:
    """Return the first messages with entries: always a `logs_batch`, even if it is empty or has only one entry."""
    return lines(texts) if len(texts) > 1 else [_batch(texts)]


def lines(texts: Sequence[str]) -> Iterator[str]:
    """Yield new entries: a single one as `log_entry`, several as `logs_batch`es of at most 28 KB."""
    if len(texts) == 1:
        yield '{"type":"log_entry","data":' + texts[0] + "}"
    else:
        yield from map(_batch, packed(texts))


def notice(kind: str, about: Mapping[str, Any]) -> Iterable[str]:
    return [_NOTICES[kind](**about)]


def run_status(
    run_id: str,
    status: str,
    progress: float | None = None,
    estimated_completion: str | None = None,
    last: int | None = None,
    started: bool = True,
    version: int | None = None,
) -> str:
    """Return the status of a run, one of the five public ones. Two additions to the documented fields: `lastSequence`, the `seq` of the
    log's last entry, and `version`, which is higher in each later status of a run."""
    shown = {"progress": progress, "estimatedCompletion": estimated_completion, "lastSequence": last, "version": version}
    data = {"runId": run_id, "status": public_status(status, started=started)} | {
        name: value for name, value in shown.items() if value is not None
    }
    return _message("run_status", data)


def replay_started(session: str, run_id: str, total: int, milliseconds: int, speed: float) -> str:
    data = {
        "sessionId": session,
        "runId": run_id,
        "totalLogs": total,
        "estimatedDuration": milliseconds,
        "speed": speed,
        "startedAt": clock.iso(),
    }
    return _message("replay_started", data)


def replayed(text: str, position: int, total: int) -> str:
    """Return a replayed entry: its original bytes, and after them its position in the replay."""
    progress = round(position / total * 100, 2)
    extra = f',"replayPosition":{position},"replayTotal":{total},"replayProgress":{progress}}}'
    return '{"type":"replay_log","data":' + text[:-1] + extra + "}"


def replay_completed(session: str, run_id: str, played: int, milliseconds: int) -> str:
    data = {
        "sessionId": session,
        "runId": run_id,
        "totalLogsPlayed": played,
        "duration": milliseconds,
        "completedAt": clock.iso(),
    }
    return _message("replay_completed", data)


def search_results(result: dict[str, Any]) -> str:
    return _message("search_results", result)


def _message(kind: str, data: Any) -> str:
    return compact({"type": kind, "data": data})


def _batch(texts: Sequence[str]) -> str:
    return '{"type":"logs_batch","data":[' + ",".join(texts) + "]}"


_NOTICES = {RUN_STATUS: run_status}
