"""Send the status of a run to the viewers of its terminal; nothing is stored."""

from shared.channels.sockets.publish import publish_notice
from shared.channels.sockets.topics import terminal_topic
from shared.runs.terminal.reading import last_sequence

ENDED = frozenset({"completed", "failed", "cancelled"})
RUN_STATUS = "run_status"


def publish_run_status(
    run_id: str,
    card_id: str | None,
    ws_id: str | None,
    status: str,
    *,
    started: bool = True,
    progress: float | None = None,
    version: int | None = None,
    estimated_completion: str | None = None,
) -> None:
    """Send the status to the viewers of the card's terminal. `started`: whether the run has begun to work, which a contract needs to show
    one that waits. `progress` is in percent, `estimated_completion` an ISO 8601 time. `version` is
    that of the run: messages may arrive out of order, and a later status has a higher one.

    A status that ends a run has the number of the log's last entry; this costs one read.
    """
    about = {
        "run_id": run_id,
        "status": status,
        "started": started,
        "progress": progress,
        "version": version,
        "estimated_completion": estimated_completion,
        "last": last_sequence(run_id) if status in ENDED else None,
    }
    publish_notice(terminal_topic(run_id, card_id), RUN_STATUS, about, ws_id=ws_id, run_id=run_id)
