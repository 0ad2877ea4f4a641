"""The terminal message `run_status`: sends a run's status to the viewers and stores nothing."""

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
    """Send the status to the viewers of the card's terminal. `progress` is in percent, `estimated_completion` an ISO 8601 time.

    A status that ends a run has the number of the log's last entry, because messages may arrive out of order; this costs one read.
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
    """Build the message; `lastSequence`, the `seq` of the log's last entry, is our addition to the documented fields."""
    data: dict[str, Any] = {"runId": run_id, "status": status}
    if progress is not None:
        data["progress"] = progress
    if estimated_completion is not None:
        data["estimatedCompletion"] = estimated_completion
    if last is not None:
        data["lastSequence"] = last
    return {"type": "run_status", "data": data}
