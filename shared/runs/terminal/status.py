"""The terminal's `run_status`: what a run is doing, for those who watch. Nothing is stored."""

from typing import Any

from shared.channels.sockets.publish import publish
from shared.channels.sockets.topics import terminal_topic
from shared.runs.terminal.reading import last_sequence

ENDED = frozenset({"completed", "failed", "cancelled"})


def publish_run_status(
    run_id: str,
    card_id: str | None,
    ws_id: str | None,
    status: str,
    *,
    progress: float | None = None,
    estimated_completion: str | None = None,
) -> None:
    """Tell the viewers of the card's terminal. `progress` is in percent, `estimated_completion` an ISO time.

    Deliveries may overtake each other: the status that ends a run says how many entries its log has. One more read, then.
    """
    last = last_sequence(run_id) if status in ENDED else None
    message = run_status_message(run_id, status, progress, estimated_completion, last)
    publish(terminal_topic(run_id, card_id), agentworks=[message], ws_id=ws_id, run_id=run_id)


def run_status_message(
    run_id: str,
    status: str,
    progress: float | None = None,
    estimated_completion: str | None = None,
    last: int | None = None,
) -> dict[str, Any]:
    """`lastSequence` is an addition to the documented fields: the `seq` of the log's last entry."""
    data: dict[str, Any] = {"runId": run_id, "status": status}
    if progress is not None:
        data["progress"] = progress
    if estimated_completion is not None:
        data["estimatedCompletion"] = estimated_completion
    if last is not None:
        data["lastSequence"] = last
    return {"type": "run_status", "data": data}
